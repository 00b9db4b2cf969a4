"""Recurrent cells: what depends on the input alone, and one step."""

from models.cells.base import Cell, State
from models.cells.layer_norm import (
    LayerNormalised,
    LayerNormGRUCell,
    LayerNormLSTMCell,
    LayerNormRNNCell,
)
from models.cells.plain import GRUCell, LSTMCell, SimpleRNNCell
from models.naming import choose

__all__ = [
    "CELLS",
    "Cell",
    "GRUCell",
    "LSTMCell",
    "LayerNormGRUCell",
    "LayerNormLSTMCell",
    "LayerNormRNNCell",
    "LayerNormalised",
    "SimpleRNNCell",
    "State",
    "get",
]

CELLS: dict[str, type[Cell]] = {
    "rnn": SimpleRNNCell,
    "gru": GRUCell,
    "lstm": LSTMCell,
    "layer-norm-rnn": LayerNormRNNCell,
    "layer-norm-gru": LayerNormGRUCell,
    "layer-norm-lstm": LayerNormLSTMCell,
}


def get(name: str) -> type[Cell]:
    """The cell class called `name`; a ValueError lists the names there are."""
    return choose(name, CELLS, "cell")
