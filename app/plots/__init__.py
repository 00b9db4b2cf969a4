"""Plots: functions that draw matplotlib figures and return them.

The functions do not use pyplot, and never show a figure on the screen. The
function `save` writes a figure to files.
"""

from app.plots.curves import gradient_norms, learning_curves
from app.plots.entropy import entropy_bars
from app.plots.extremes import save_extremes
from app.plots.heat_maps import forming, heat_map, side_by_side
from app.plots.lengths import bleu_by_length
from app.plots.parallel import parallel_coordinates
from app.plots.parameters import score_by_parameter
from app.plots.saving import save
from app.plots.style import INK
from app.plots.translations import (
    nbest_maps,
    save_heat_map,
    translation_map,
)
from app.runs import read_history

__all__ = [
    "INK",
    "bleu_by_length",
    "entropy_bars",
    "forming",
    "gradient_norms",
    "heat_map",
    "learning_curves",
    "nbest_maps",
    "parallel_coordinates",
    "read_history",
    "save",
    "save_extremes",
    "save_heat_map",
    "score_by_parameter",
    "side_by_side",
    "translation_map",
]
