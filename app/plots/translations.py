"""Pictures of the attention of one hypothesis, or of an n-best list."""

from pathlib import Path

from matplotlib.figure import Figure

from app.alignment import Gold, View
from app.inference import Hypothesis, Translation
from app.plots.heat_maps import heat_map, side_by_side
from app.plots.saving import save
from data import GlimpseError


def translation_map(
    translation: Translation,
    title: str = "",
    *,
    caption: str = "",
    gold: Gold | None = None,
) -> Figure:
    """Draw a heat map of the attention of the best hypothesis.

    The heat map has a row for each target word and a column for each source
    word.

    Args:
        translation: the translation of a sentence that is not empty.
        title: text to write above the figure.
        caption: text to write below the figure.
        gold: gold word alignment to draw as boxes. Since it links words of the
            source and of the reference, give it only if `translation` is the
            result of `Translator.force` for the reference.

    Raises:
        GlimpseError: there is no attention, or a gold link refers to a word
            after the end of the source or of the target.
    """
    view = _view(translation.hypotheses[0])
    assert view.weights is not None
    return heat_map(
        view.weights,
        view.source,
        view.target,
        title,
        caption=caption,
        gold=gold,
    )


def nbest_maps(translation: Translation, title: str = "") -> Figure:
    """Draw a heat map of the attention of each hypothesis, the best first.

    The score of each hypothesis is written above its map.

    Args:
        translation: the translation of a sentence that is not empty.
        title: text to write above the figure.

    Raises:
        GlimpseError: there is no attention.
    """
    views = {
        f"{rank}. score {hypothesis.score:.3f}".replace("-", "−"): _view(
            hypothesis
        )
        for rank, hypothesis in enumerate(translation.hypotheses, start=1)
    }
    return side_by_side(views, title)


def save_heat_map(
    translation: Translation,
    folder: Path | str,
    index: int,
    title: str = "",
) -> tuple[Path, ...]:
    """Save a picture of a translation's attention as INDEX.png and INDEX.svg.

    If the translation has several hypotheses, the picture has a heat map for
    each of them.

    Args:
        translation: the translation of a sentence that is not empty.
        folder: folder of the files; it is made if it does not exist.
        index: number of the sentence, which becomes the name of the files. It
            is written with at least four digits, as in 0001.png, so that the
            files sort in the order of the sentences.
        title: text to write above the figure.

    Returns:
        The paths of the files.

    Raises:
        GlimpseError: there is no attention, or the files cannot be written.
    """
    several = len(translation.hypotheses) > 1
    draw = nbest_maps if several else translation_map
    figure = draw(translation, title)
    return save(figure, Path(folder) / f"{index:04}")


def has_attention(translation: Translation) -> bool:
    """Tell whether the best hypothesis has attention that can be drawn."""
    weights = translation.hypotheses[0].attention
    return weights is not None and weights.size > 0


def _view(hypothesis: Hypothesis) -> View:
    view = hypothesis.view("words")
    if view.weights is None:
        raise GlimpseError(
            "There is no attention to draw: the model has none, or the "
            "sentence is empty; choose a run with attention and some text"
        )
    return view
