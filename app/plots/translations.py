"""Translations as pictures: the best one, or all of an n-best list."""

from pathlib import Path

from matplotlib.figure import Figure

from app.alignment import Gold, View, word_view
from app.plots.heat_maps import heat_map, side_by_side
from app.plots.saving import save
from app.translator import Hypothesis, Translation, Translator
from data import GlimpseError


def translation_map(
    translator: Translator,
    translation: Translation,
    title: str = "",
    *,
    caption: str = "",
    gold: Gold | None = None,
) -> Figure:
    """Draw the attention of the best hypothesis, between words.

    Args:
        translator: what made the translation.
        translation: of a sentence that is not empty.
        title: above all.
        caption: below all.
        gold: links of this source and this target to outline. They are known
            of a reference: give them with what `Translator.force` returns.

    Raises:
        GlimpseError: there is no attention, or the gold does not fit.
    """
    view = _view(translator, translation, translation.hypotheses[0])
    assert view.weights is not None
    return heat_map(
        view.weights,
        view.source,
        view.target,
        title,
        caption=caption,
        gold=gold,
    )


def nbest_maps(
    translator: Translator, translation: Translation, title: str = ""
) -> Figure:
    """Draw the attention of every hypothesis, best first, with its score.

    Args: see `translation_map`.

    Raises:
        GlimpseError: there is no attention.
    """
    views = {
        f"{rank}. score {hypothesis.score:.3f}".replace("-", "−"): _view(
            translator, translation, hypothesis
        )
        for rank, hypothesis in enumerate(translation.hypotheses, start=1)
    }
    return side_by_side(views, title)


def save_heat_map(
    translator: Translator,
    translation: Translation,
    folder: Path | str,
    index: int,
    title: str = "",
) -> tuple[Path, ...]:
    """Draw a translation as `FOLDER/INDEX.png` and `.svg`.

    With several hypotheses, all of them are on the picture.

    Args:
        translator: what made the translation.
        translation: of a sentence that is not empty.
        folder: made if it is not there.
        index: number of the sentence, padded to 0001 so that names sort.
        title: above all.

    Raises:
        GlimpseError: there is no attention, or nowhere to write.
    """
    several = len(translation.hypotheses) > 1
    draw = nbest_maps if several else translation_map
    figure = draw(translator, translation, title)
    return save(figure, Path(folder) / f"{index:04}")


def has_attention(translation: Translation) -> bool:
    """Whether the best hypothesis can be drawn."""
    weights = translation.hypotheses[0].attention
    return weights is not None and weights.size > 0


def _view(
    translator: Translator, translation: Translation, hypothesis: Hypothesis
) -> View:
    view = word_view(translator, translation, hypothesis)
    if view.weights is None:
        raise GlimpseError(
            "There is no attention to draw: the model has none, or the "
            "sentence is empty; choose a run with attention and some text"
        )
    return view
