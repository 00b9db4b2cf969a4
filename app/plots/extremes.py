"""Pictures of the best, the median and the worst translation of a test set."""

from collections.abc import Sequence
from pathlib import Path

from app.inference import Translation
from app.plots.direction import isolated
from app.plots.saving import FORMATS, save
from app.plots.translations import has_attention, translation_map

NAMES = ("best", "median", "worst")


def save_extremes(
    folder: Path,
    translations: Sequence[Translation],
    references: Sequence[Sequence[str]],
    scores: Sequence[float],
    label: str,
) -> list[Path]:
    """Save pictures of the best, the median and the worst translation.

    The pictures show attention. The files are `FOLDER/best.png`,
    `FOLDER/best.svg`, `FOLDER/median.png` and so on. The function `choose`
    selects the three translations by their scores from all translations that
    have attention. Pictures of an earlier evaluation are removed first. Gold
    word alignments are not shown, since they align the source with the
    references, not with the translations.

    Args:
        folder: folder for the pictures; it is made if anything is drawn.
        translations: all translations of the evaluation; those of empty
            sentences, and those without attention, are skipped.
        references: for each translation, one or more reference translations.
        scores: the score of each translation; a larger score is better.
        label: name of the scores, shown in the titles of the pictures.

    Returns:
        The paths of the files that were written.
    """
    _remove(folder)
    shown = [i for i, each in enumerate(translations) if has_attention(each)]
    written: list[Path] = []
    for name, place in choose([scores[i] for i in shown]).items():
        index = shown[place]
        figure = translation_map(
            translations[index],
            f"{name.capitalize()} of {len(shown):,}: {label} "
            f"{scores[index]:.1f}, sentence {index + 1:,}",
            caption=_caption(translations[index], references[index]),
        )
        written += save(figure, folder / name)
    return written


def choose(scores: Sequence[float]) -> dict[str, int]:
    """Find the indexes of the best, the median and the worst score.

    The best score is the largest. If several scores are equal, the first one is
    chosen. If the number of scores is even, the median is the lower one of the
    two scores in the middle.

    Returns:
        A dictionary with the keys "best", "median" and "worst", whose values
        are the indexes; it is empty if there are no scores.
    """
    if not scores:
        return {}
    ranked = sorted(range(len(scores)), key=lambda place: scores[place])
    median = scores[ranked[(len(scores) - 1) // 2]]
    found = (max(scores), median, min(scores))
    return dict(zip(NAMES, map(list(scores).index, found), strict=True))


def _caption(translation: Translation, references: Sequence[str]) -> str:
    lines = [f"Translation: {isolated(translation.text)}"]
    lines += [f"Reference: {isolated(text)}" for text in references[:3]]
    return "\n".join(lines)


def _remove(folder: Path) -> None:
    for name in NAMES:
        for kind in FORMATS:
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
