"""Recurrent cells with layer normalisation."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.building import Shape, build_once
from models.cells.base import Cell
from models.cells.plain import GRUCell, LSTMCell, SimpleRNNCell


class LayerNormalised(Cell):
    """Mixin class that adds layer normalisation to a recurrent cell.

    A normalised cell inherits from this class first, then from the class of the
    plain cell.

    ```
    LN(a; gain, bias) = gain * (a - mean(a)) / sqrt(var(a) + epsilon) + bias
    ```

    Ba, Kiros and Hinton 2016, "Layer normalization", section 3.1 and the
    supplementary equations. The projected input `W x` and the projected hidden
    state `U h` are normalised separately, each with its own gain and bias.
    These biases replace the biases of the two projections.

    `step`, not `project`, normalises `W x`, because a decoder first adds the
    projection of its context vector to the result of `project`.

    Attributes:
        blocks: sizes of the groups of gates that are normalised together, such
            as (2, 1) in the GRU: first z and r together, then g alone.
    """

    input_bias = False
    recurrent_bias = False
    blocks: tuple[int, ...] = (1,)

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.input_norms = [
            self._norm(beta_initializer=self.bias_initializer())
            for _ in self.blocks
        ]
        self.state_norms = [self._norm() for _ in self.blocks]

    def _norm(self, **kwargs: Any) -> layers.LayerNormalization:
        return layers.LayerNormalization(dtype=self.dtype_policy, **kwargs)

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        for norms in (self.input_norms, self.state_norms):
            for norm, gates in zip(norms, self.blocks, strict=True):
                build_once(norm, (None, gates * self.units))

    def from_input(self, projected: tf.Tensor) -> tf.Tensor:
        return self._normalise(self.input_norms, super().from_input(projected))

    def from_state(self, hidden: tf.Tensor) -> tf.Tensor:
        return self._normalise(self.state_norms, super().from_state(hidden))

    def _normalise(
        self, norms: list[layers.LayerNormalization], x: tf.Tensor
    ) -> tf.Tensor:
        parts = tf.split(x, [n * self.units for n in self.blocks], axis=-1)
        return ops.concatenate(
            [norm(part) for norm, part in zip(norms, parts, strict=True)], -1
        )


@keras.saving.register_keras_serializable("glimpse")
class LayerNormRNNCell(LayerNormalised, SimpleRNNCell):
    """Elman's cell with layer normalisation, `h' = tanh(LN(W x) + LN(U h))`.

    Ba et al. 2016, equation 4, normalise the sum `W x + U h`. Here `W x` and
    `U h` are normalised separately, as in the GRU and LSTM of that paper. The
    state is the tuple (h,).
    """


@keras.saving.register_keras_serializable("glimpse")
class LayerNormGRUCell(LayerNormalised, GRUCell):
    """Gated recurrent unit with layer normalisation.

    ```
    z, r = sigmoid(LN(W x) + LN(U h))
    g = tanh(LN(Wg x) + r * LN(Ug h))
    h' = z * h + (1 - z) * g
    ```

    Ba et al. 2016, supplementary equations of the GRU. The gates z and r are
    normalised together, and the candidate g is normalised separately. The state
    is the tuple (h,).
    """

    blocks = (2, 1)


@keras.saving.register_keras_serializable("glimpse")
class LayerNormLSTMCell(LayerNormalised, LSTMCell):
    """Long short-term memory with layer normalisation.

    ```
    i, f, o = sigmoid(LN(W x) + LN(U h))   g = tanh(LN(W x) + LN(U h))
    c' = f * c + i * g                     h' = o * tanh(LN(c'))
    ```

    Ba et al. 2016, supplementary equations of the LSTM. The contributions to i,
    f, o and g are normalised together, as one vector LN(W x) and one vector
    LN(U h). Each of i, f, o and g then uses its own quarter of these vectors.
    The cell state c' is normalised for the output, but passed on to the next
    step without normalisation. The state is the tuple (h, c).
    """

    blocks = (4,)

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.carry_norm = self._norm()

    def build(self, input_shape: Shape) -> None:
        super().build(input_shape)
        build_once(self.carry_norm, (None, self.units))

    def squash(self, carry: tf.Tensor) -> tf.Tensor:
        return super().squash(self.carry_norm(carry))
