"""Encoders: embedded source tokens in, memory values and a summary out."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import layers, ops

from models import cells
from models.building import Shape, build_once
from models.fused import gates_of, unroll
from models.naming import choose
from models.parts import Dropout
from models.precision import at_least_float32
from models.recurrence import scan

# Of a layer, counted from 0: whether each of its cells reads from the end.
DIRECTIONS: dict[str, Callable[[int], tuple[bool, ...]]] = {
    "forward": lambda layer: (False,),
    "backward": lambda layer: (True,),
    "bidirectional": lambda layer: (False, True),
    "alternating": lambda layer: (layer % 2 == 1,),
}


class Summary(NamedTuple):
    """What the encoder hands the decoder besides the values.

    A state is that of the cells, before dropout and residual connections.
    """

    states: tuple[cells.State, ...]  # the last of each layer, leaves (B, M)
    mean: tf.Tensor  # (B, M), of the values of real tokens; 0 without any


@keras.saving.register_keras_serializable("glimpse")
class Encoder(layers.Layer):
    """Recurrent encoder of one or more layers, in one direction or both.

    Each layer reads the outputs of the one below:

    ```
    h_n = dropout(cells_n(h_{n-1}))                  h_0 the embedded words
    h_n = dropout(cells_n(h_{n-1})) + h_{n-1}        residual, n > 1
    ```

    The directions:

    - "forward": from the first word to the last.
    - "backward": from the last to the first, so that the first words of
      source and target are near (Sutskever et al. 2014, section 3.3). The
      values stay in the order of the source.
    - "bidirectional": both, concatenated (Schuster and Paliwal 1997;
      Bahdanau et al. 2015, section 3.2).
    - "alternating": the first layer forward, the second backward, and so on
      (Zhou et al. 2016, "Deep recurrent models", section 3.1).

    Args:
        units: dimension of one direction.
        cell: a name in `models.cells.CELLS`.
        num_layers: number of layers.
        direction: a name in `DIRECTIONS`.
        dropout: rate between layers and on the outputs.
        residual: add to a layer's output its input, from the second layer on
            (Wu et al. 2016, section 3.1, from the third on).
        variational: draw one dropout mask for all positions of a sentence,
            and drop the hidden state where it enters the recurrent product
            too, at the same rate (Gal and Ghahramani 2016).

    Call arguments:
        embedded: (B, S, E).
        mask: (B, S), True on real tokens.

    Output:
        Values (B, S, M), zero on padding, and a `Summary` of states and mean.
        M is `output_units`, 2 H for "bidirectional" and H otherwise.
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
        """Dimension M of the values."""
        return self.layers[-1].output_units

    @property
    def is_fused(self) -> bool:
        """Whether training takes loops with their gradient by hand."""
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
    """One layer of an `Encoder`: a cell for each direction, side by side.

    Args:
        units: dimension H of a direction.
        cell: a name in `models.cells.CELLS`.
        reverse: of each direction, whether it reads from the end.
        dropout, residual, variational: as the encoder's.

    Call arguments:
        inputs: (B, S, E), E equal to M where the layer is residual.
        mask: (B, S), True on real tokens.

    Output:
        Values (B, S, M), and the cells' last state, leaves (B, M), the
        directions concatenated.
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
        """Outputs (B, S, H) of one direction, and its last state."""
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
    """Mean (B, M) of values (B, S, M) that are zero where `mask` is False."""
    # Half precision cannot hold the sum over a long sentence.
    total = tf.reduce_sum(at_least_float32(values), 1)
    count = tf.reduce_sum(tf.cast(mask, total.dtype), 1, keepdims=True)
    return tf.cast(tf.math.divide_no_nan(total, count), values.dtype)
