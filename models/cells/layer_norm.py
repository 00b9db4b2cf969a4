"""The cells again, layer-normalised."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.building import Shape, build_once
from models.cells.base import Cell
from models.cells.plain import GRUCell, LSTMCell, SimpleRNNCell


class LayerNormalised(Cell):
    """What a cell's layer-normalised variant changes, to be inherited first.

    ```
    LN(a; gain, bias) = gain * (a - mean(a)) / sqrt(var(a) + epsilon) + bias
    ```

    Ba, Kiros and Hinton 2016, "Layer normalization", section 3.1 and the
    supplementary equations: `W x` and `U h` are normalised each with a gain
    and a bias of its own, which takes the place of the projections' biases.
    All that enters at a step is one `W x`, so it is normalised in the step
    and not in `project`: a decoder adds its context in between.
    """

    input_bias = False
    recurrent_bias = False
    blocks: tuple[int, ...] = (1,)  # gates that are normalised together

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
    """`h' = tanh(LN(W x) + LN(U h))`. State: (h,).

    Ba et al. 2016, equation 4, normalise the sum; here it is each of its
    terms, as in their gated cells.
    """


@keras.saving.register_keras_serializable("glimpse")
class LayerNormGRUCell(LayerNormalised, GRUCell):
    """Gated recurrent unit, gates and candidate normalised apart.

    ```
    z, r = sigmoid(LN(W x) + LN(U h))
    g = tanh(LN(Wg x) + r * LN(Ug h))
    h' = z * h + (1 - z) * g
    ```

    Ba et al. 2016, supplementary equations of the GRU. State: (h,).
    """

    blocks = (2, 1)


@keras.saving.register_keras_serializable("glimpse")
class LayerNormLSTMCell(LayerNormalised, LSTMCell):
    """Long short-term memory, its four gates normalised together.

    ```
    i, f, o = sigmoid(LN(W x) + LN(U h))   g = tanh(LN(W x) + LN(U h))
    c' = f * c + i * g                     h' = o * tanh(LN(c'))
    ```

    each reading its quarter of the norms. Ba et al. 2016, supplementary
    equations of the LSTM. The carry itself stays as it is. State: (h, c).
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
