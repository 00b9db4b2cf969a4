"""Recurrent cells, and a way to find their classes by name."""

from data.naming import choose
from models.cells.base import Cell, State
from models.cells.layer_norm import (
    LayerNormalised,
    LayerNormGRUCell,
    LayerNormLSTMCell,
    LayerNormRNNCell,
)
from models.cells.plain import GRUCell, LSTMCell, SimpleRNNCell

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
    """Return the cell class called `name`.

    Raises:
        ValueError: there is no such name; the message lists the names.
    """
    return choose(name, CELLS, "cell")
