"""The best, the median and the worst translation of an evaluation."""

from collections.abc import Sequence
from pathlib import Path

from app.plots.direction import isolated
from app.plots.saving import FORMATS, save
from app.plots.translations import has_attention, translation_map
from app.scores import sentence_bleu
from app.translator import Translation, Translator

NAMES = ("best", "median", "worst")


def save_extremes(
    folder: Path,
    translator: Translator,
    translations: Sequence[Translation],
    references: Sequence[Sequence[str]],
) -> list[Path]:
    """Draw three translations as `FOLDER/best.png`, `.svg` and so on.

    By sentence BLEU; see `choose`. Pictures of an earlier evaluation are
    removed first, and none is made where there is no attention. Links made
    by hand are not shown: they belong to the references.

    Args:
        folder: made if something is drawn.
        translator: what made the translations.
        translations: empty sentences are passed over.
        references: one or more for each of them.

    Returns:
        What was written.
    """
    _remove(folder)
    shown = [i for i, each in enumerate(translations) if has_attention(each)]
    tokenizer = translator.config.bleu_tokenizer
    scores = [
        sentence_bleu(translations[i].text, references[i], tokenizer)
        for i in shown
    ]
    written: list[Path] = []
    for name, place in choose(scores).items():
        index, score = shown[place], scores[place]
        figure = translation_map(
            translator,
            translations[index],
            f"{name.capitalize()} of {len(shown):,}: BLEU {score:.1f}, "
            f"sentence {index + 1:,}",
            caption=_caption(translations[index], references[index]),
        )
        written += save(figure, folder / name)
    return written


def choose(scores: Sequence[float]) -> dict[str, int]:
    """Where the best, median and worst score are; of equal ones the first.

    Of an even number, the median is the lower of the two in the middle.
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
