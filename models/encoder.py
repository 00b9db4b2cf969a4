"""Recurrent encoders of embedded source tokens."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import layers, ops

from data.naming import choose
from models import cells
from models.building import Shape, build_once
from models.fused import gates_of, unroll
from models.parts import Dropout
from models.precision import at_least_float32
from models.recurrence import scan

# For each direction, a function of a layer's number, counted from 0. It returns
# one bool for each cell of the layer: True if the cell reads from the end.
DIRECTIONS: dict[str, Callable[[int], tuple[bool, ...]]] = {
    "forward": lambda layer: (False,),
    "backward": lambda layer: (True,),
    "bidirectional": lambda layer: (False, True),
    "alternating": lambda layer: (layer % 2 == 1,),
}


class Summary(NamedTuple):
    """Summary of a source, from which a bridge computes the decoder's state.

    `states` are the last states of the recurrent cells. Residual connections
    and dropout on outputs do not change these states, since they are applied
    only to the outputs of the cells.
    """

    states: tuple[cells.State, ...]  # last of each layer, tensors (B, M)
    mean: tf.Tensor  # (B, M), mean output at real tokens; 0 if none


@keras.saving.register_keras_serializable("glimpse")
class Encoder(layers.Layer):
    """Recurrent encoder of one or more layers, in one direction or both.

    The input of each layer is the output of the layer below:

    ```
    h_n = dropout(cells_n(h_{n-1}))                  h_0: embedded words
    h_n = dropout(cells_n(h_{n-1})) + h_{n-1}        residual, n > 1
    ```

    The values of `direction`:

    - "forward": from the first word to the last.
    - "backward": from the last word to the first, so that few steps lie
      between the first words of source and target (Sutskever et al. 2014,
      section 3.3). The outputs stay in the order of the source.
    - "bidirectional": each layer has a forward and a backward cell, whose
      outputs are concatenated (Schuster and Paliwal 1997; Bahdanau et al.
      2015, section 3.2).
    - "alternating": the first layer is forward, the second backward, and so on
      (Zhou et al. 2016, "Deep recurrent models", section 3.1).

    Args:
        units: dimension H of each cell.
        cell: name of the recurrent cell, a key of `models.cells.CELLS`.
        num_layers: number of layers.
        direction: name of the direction, a key of `DIRECTIONS`.
        dropout: dropout rate on the output of each layer.
        residual: whether each layer except the first adds its input to its
            output (Wu et al. 2016, section 3.1, do so from the third layer on).
        variational: whether all positions of a sentence share one dropout mask.
            If so, dropout of the same rate is also applied to the hidden state,
            before it is multiplied by the recurrent weights (Gal and Ghahramani
            2016).

    Call arguments:
        embedded: (B, S, E), embedded words.
        mask: (B, S), True on real tokens.

    Output:
        The outputs of the top layer (B, S, M), zero on padding, and a `Summary`
        of the source. M is `output_units`: 2 H for "bidirectional", else H.
    """

    def __init__(
        self,
        units: int,
        cell: str = "gru",
        num_layers: int = 1,
        direction: str = "bidirectional",
        dropout: float = 0.0,
        residual: bool = False,
        variational: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.cell = cell
        self.num_layers = num_layers
        self.direction = direction
        self.dropout = dropout
        self.residual = residual
        self.variational = variational
        plan = choose(direction, DIRECTIONS, "direction")
        self.layers = [
            EncoderLayer(
                units,
                cell,
                plan(index),
                dropout,
                residual and index > 0,
                variational,
                dtype=self.dtype_policy,
            )
            for index in range(num_layers)
        ]

    @property
    def output_units(self) -> int:
        """Dimension M of the outputs."""
        return self.layers[-1].output_units

    @property
    def is_fused(self) -> bool:
        """Tell whether the recurrent loops have hand-written gradients."""
        every = (cell for layer in self.layers for cell in layer.cells)
        return all(gates_of(cell) is not None for cell in every)

    def build(self, input_shape: Shape) -> None:
        for layer in self.layers:
            build_once(layer, input_shape)
            input_shape = (*input_shape[:-1], layer.output_units)

    def call(
        self, embedded: tf.Tensor, mask: tf.Tensor
    ) -> tuple[tf.Tensor, Summary]:
        values, states = embedded, []
        for layer in self.layers:
            values, state = layer(values, mask)
            states.append(state)
        return values, Summary(tuple(states), _mean(values, mask))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "cell": self.cell,
            "num_layers": self.num_layers,
            "direction": self.direction,
            "dropout": self.dropout,
            "residual": self.residual,
            "variational": self.variational,
        }


class EncoderLayer(layers.Layer):
    """Layer of an `Encoder`, with one recurrent cell for each direction.

    Args:
        units: dimension H of each cell.
        cell: name of the recurrent cell, a key of `models.cells.CELLS`.
        reverse: one bool for each direction; True if the cell of the direction
            reads from the last word to the first.
        dropout: dropout rate on the output of the layer.
        residual: whether the layer adds its input to its output.
        variational: see `Encoder`.

    Call arguments:
        inputs: (B, S, E), embedded words or outputs of the layer below; E must
            equal M if `residual` is True.
        mask: (B, S), True on real tokens.

    Output:
        The outputs (B, S, M), and the last state, whose tensors are (B, M).
        Both are concatenated over the directions, so M is H times the number of
        directions.
    """

    def __init__(
        self,
        units: int,
        cell: str,
        reverse: tuple[bool, ...],
        dropout: float,
        residual: bool,
        variational: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.output_units = units * len(reverse)
        self.reverse = reverse
        self.residual = residual
        self.variational = variational
        self.cells = [
            cells.get(cell)(units, dtype=self.dtype_policy) for _ in reverse
        ]
        self.dropout = Dropout(
            dropout,
            noise_shape=(None, 1, None) if variational else None,
            dtype=self.dtype_policy,
        )
        self.state_dropouts = [
            Dropout(dropout, dtype=self.dtype_policy)
            for _ in reverse
            if variational
        ]

    def build(self, input_shape: Shape) -> None:
        for cell in self.cells:
            build_once(cell, input_shape)

    def call(
        self, inputs: tf.Tensor, mask: tf.Tensor
    ) -> tuple[tf.Tensor, cells.State]:
        runs = [
            self._read(direction, inputs, mask)
            for direction in range(len(self.cells))
        ]
        outputs, states = zip(*runs, strict=True)
        values = self.dropout(ops.concatenate(outputs, -1))
        if self.residual:
            values = values + inputs
        leaves = zip(*states, strict=True)
        return values, tuple(ops.concatenate(leaf, -1) for leaf in leaves)

    def _read(
        self, direction: int, inputs: tf.Tensor, mask: tf.Tensor
    ) -> tuple[tf.Tensor, cells.State]:
        """Return the outputs (B, S, H) and the last state of one direction."""
        cell = self.cells[direction]
        projected = cell.project(inputs)
        state = cell.zero_state(projected[:, 0])
        keep = self._keep(direction, state[0])
        how = {"mask": mask, "reverse": self.reverse[direction]}
        if gates := gates_of(cell):
            weights = cell.recurrent_weights()
            return unroll(gates, projected, state, *weights, keep=keep, **how)
        return scan(
            lambda x, state: cell.step(x, state, keep), projected, state, **how
        )

    def _keep(self, direction: int, hidden: tf.Tensor) -> tf.Tensor | None:
        if not self.variational:
            return None
        return self.state_dropouts[direction](ops.ones_like(hidden))


def _mean(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Return the mean (B, M) of `values` (B, S, M) over real tokens.

    `values` must be zero on padding.
    """
    # Half precision cannot hold the sum over a long sentence.
    total = tf.reduce_sum(at_least_float32(values), 1)
    count = tf.reduce_sum(tf.cast(mask, total.dtype), 1, keepdims=True)
    return tf.cast(tf.math.divide_no_nan(total, count), values.dtype)
