"""One of every picture: python -m tests.app.plots.gallery --output FOLDER."""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from app.alignment import View
from app.plots import parallel_coordinates, score_by_parameter
from app.plots.curves import gradient_norms, learning_curves
from app.plots.entropy import entropy_bars
from app.plots.heat_maps import forming, heat_map, side_by_side
from app.plots.lengths import bleu_by_length
from app.plots.saving import save
from tests.app.plots import illustrations as made_up


def _map(
    pair: made_up.Pair, title: str, caption: str = "", gold: bool = False
) -> Figure:
    view = pair.view()
    return heat_map(
        _weights(view),
        view.source,
        view.target,
        title,
        caption=caption,
        gold=pair.gold if gold else None,
    )


def _weights(view: View) -> np.ndarray:
    assert view.weights is not None
    return view.weights


def _side_by_side() -> Figure:
    return side_by_side(
        made_up.models(),
        "One sentence, three models",
        caption="One scale for all.",
        gold=made_up.FRENCH.gold,
    )


def _nbest() -> Figure:
    return side_by_side(made_up.nbest(), "Three translations of one sentence")


def _entropy() -> Figure:
    _, target = made_up.FRENCH.words
    return entropy_bars(
        made_up.undecided(),
        target,
        "How undecided the model was",
        caption="A short bar: it looked at one word. A long one: at many.",
    )


def _forming() -> Figure:
    return forming(
        made_up.snapshots(),
        *made_up.FRENCH.words,
        "Attention as it forms",
        gold=made_up.FRENCH.gold,
    )


def _search(draw: Callable[..., Figure], title: str) -> Figure:
    names = [*made_up.CHOICES, made_up.LEARNING_RATE]
    return draw(names, *made_up.trials(), title, label="validation BLEU")


DRAW: dict[str, Callable[[], Figure]] = {
    "heat_map": lambda: _map(
        made_up.FRENCH,
        "Where the model looked",
        "Reference: L'ami de ma sœur n'aime pas la voiture rouge.",
        gold=True,
    ),
    "short": lambda: _map(made_up.SHORT, "Three words"),
    "long": lambda: _map(made_up.LONG, "Sixty words"),
    "arabic": lambda: _map(made_up.ARABIC, "From right to left"),
    "hebrew": lambda: _map(made_up.HEBREW, "Into Hebrew"),
    "chinese": lambda: _map(made_up.CHINESE, "From Chinese: 图书馆"),
    "signs": lambda: _map(made_up.MONEY, "No $mathematics$ in item_id"),
    "side_by_side": _side_by_side,
    "nbest": _nbest,
    "entropy": _entropy,
    "forming": _forming,
    "learning_curves": lambda: learning_curves(
        made_up.histories(), "Three trainings"
    ),
    "gradient_norms": lambda: gradient_norms(
        made_up.histories(), "The same trainings"
    ),
    "bleu_by_length": lambda: bleu_by_length(
        made_up.lengths(), "Where long sentences fail"
    ),
    "score_by_parameter": lambda: _search(
        score_by_parameter, "What a search found, parameter by parameter"
    ),
    "parallel_coordinates": lambda: _search(
        parallel_coordinates, "Every trial of the same search"
    ),
}


def write(folder: Path) -> list[Path]:
    """Draw the gallery's pictures as `FOLDER/NAME.png`."""
    return [
        path
        for name, draw in DRAW.items()
        for path in save(draw(), folder / name, ("png",))
    ]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.app.plots.gallery", description=__doc__
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--font",
        type=Path,
        help="a font file to draw with besides those of the system, such as "
        "one of Chinese",
    )
    arguments = parser.parse_args()
    if arguments.font:
        fontManager.addfont(arguments.font)
    for path in write(arguments.output):
        print(path)


if __name__ == "__main__":
    main()
