"""Figures: made without pyplot, returned, never shown."""

from app.plots.curves import gradient_norms, learning_curves, read_history
from app.plots.entropy import entropy_bars
from app.plots.extremes import save_extremes
from app.plots.heat_maps import forming, heat_map, side_by_side
from app.plots.lengths import bleu_by_length
from app.plots.saving import save
from app.plots.search import parallel_coordinates, score_by_parameter
from app.plots.style import INK
from app.plots.translations import (
    nbest_maps,
    save_heat_map,
    translation_map,
)

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
