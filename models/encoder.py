"""Encoders: embedded source tokens in, memory values and a summary out."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import layers, ops

from models import cells
from models.building import Shape, build_once
from models.recurrence import scan


class Summary(NamedTuple):
    """What a decoder may start from."""

    states: tuple[cells.State, ...]  # last state of every layer: (B, M)
    mean: tf.Tensor  # (B, M), of the values of real tokens


@keras.saving.register_keras_serializable("glimpse")
class Encoder(layers.Layer):
    """Recurrent encoder of one or more layers, in one direction or both.

    Each layer reads the outputs of the one below; a bidirectional layer
    concatenates its two directions (Schuster and Paliwal 1997; Bahdanau et
    al. 2015, section 3.2).

    Args:
        units: dimension of one direction.
        cell: "rnn", "gru" or "lstm".
        num_layers: number of layers.
        bidirectional: read in both directions; doubles the output.
        dropout: rate between layers and on the outputs.

    Call arguments:
        embedded: (B, S, E).
        mask: (B, S), True on real tokens.

    Output:
        Values (B, S, M), zero on padding, and a `Summary`: the last state of
        every layer, before dropout and its directions concatenated, and the
        mean of the values. M is `output_units`.
    """

    def __init__(
        self,
        units: int,
        cell: str = "gru",
        num_layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.cell = cell
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.dropout = dropout
        self.directions = [
            [cells.get(cell)(units, dtype=self.dtype_policy) for _ in "fb"]
            if bidirectional
            else [cells.get(cell)(units, dtype=self.dtype_policy)]
            for _ in range(num_layers)
        ]
        self.dropouts = [
            layers.Dropout(dropout, dtype=self.dtype_policy)
            for _ in range(num_layers)
        ]

    @property
    def output_units(self) -> int:
        """Dimension M of the values."""
        return self.units * (2 if self.bidirectional else 1)

    def build(self, input_shape: Shape) -> None:
        for layer in self.directions:
            for cell in layer:
                build_once(cell, input_shape)
            input_shape = (*input_shape[:-1], self.output_units)

    def call(
        self, embedded: tf.Tensor, mask: tf.Tensor
    ) -> tuple[tf.Tensor, Summary]:
        values, states = embedded, []
        for directions, dropout in zip(
            self.directions, self.dropouts, strict=True
        ):
            runs = [
                _read(cell, values, mask, reverse=index == 1)
                for index, cell in enumerate(directions)
            ]
            values = dropout(ops.concatenate([run[0] for run in runs], -1))
            states.append(_join([run[1] for run in runs]))
        real = ops.cast(mask, values.dtype)[:, :, None]
        count = ops.maximum(ops.sum(real, 1), 1)
        return values, Summary(tuple(states), ops.sum(values, 1) / count)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "cell": self.cell,
            "num_layers": self.num_layers,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
        }


def _read(
    cell: cells.Cell, inputs: tf.Tensor, mask: tf.Tensor, *, reverse: bool
) -> tuple[tf.Tensor, cells.State]:
    """Outputs (B, S, H) of one direction, and its last state."""
    projected = cell.project(inputs)
    state = cell.zero_state(projected[:, 0])
    return scan(cell.step, projected, state, mask=mask, reverse=reverse)


def _join(states: list[cells.State]) -> cells.State:
    """The directions' states as one, leaf by leaf."""
    return tuple(
        ops.concatenate(leaves, -1) for leaves in zip(*states, strict=True)
    )
