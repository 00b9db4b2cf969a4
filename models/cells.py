"""Recurrent cells: what depends on the input alone, and one step."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.building import Shape, build_once
from models.naming import choose

State = tuple[tf.Tensor, ...]


class Cell(layers.Layer):
    """One step of a recurrence.

    `project` is everything that depends on the input alone, so a whole
    sequence is projected in one product; `step` is what remains in the loop.
    The first leaf of a state is the cell's output.

    Args:
        units: dimension H of the output.
    """

    gates = 1  # how many blocks of `units` a projection holds
    leaves = 1  # how many tensors a state holds
    input_bias = True
    recurrent_bias = False

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.input_projection = layers.Dense(
            self.gates * units,
            use_bias=self.input_bias,
            bias_initializer=self.bias_initializer(),
            dtype=self.dtype_policy,
        )
        self.recurrent_projection = layers.Dense(
            self.gates * units,
            use_bias=self.recurrent_bias,
            kernel_initializer="orthogonal",
            dtype=self.dtype_policy,
        )

    def bias_initializer(self) -> Any:
        """Where the bias of the projected input starts."""
        return "zeros"

    def build(self, input_shape: Shape) -> None:
        build_once(self.input_projection, input_shape)
        build_once(self.recurrent_projection, (None, self.units))

    def call(
        self, inputs: tf.Tensor, state: State, keep: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, State]:
        """One whole step, for use as an ordinary layer."""
        return self.step(self.project(inputs), state, keep)

    def project(self, inputs: tf.Tensor) -> tf.Tensor:
        """`W x + b` for inputs (..., E): (..., gates * H)."""
        return self.input_projection(inputs)

    def from_input(self, projected: tf.Tensor) -> tf.Tensor:
        """What the input gives to the gates, of all that was projected."""
        return projected

    def from_state(self, hidden: tf.Tensor) -> tf.Tensor:
        """What a hidden state (..., H) gives to the gates: `U h + c`."""
        return self.recurrent_projection(hidden)

    def recall(self, hidden: tf.Tensor, keep: tf.Tensor | None) -> tf.Tensor:
        """`from_state`, less what `keep` drops of the hidden state."""
        return self.from_state(hidden if keep is None else hidden * keep)

    def step(
        self,
        projected: tf.Tensor,
        state: State,
        keep: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, State]:
        """One step, all that is left to do in the loop.

        Args:
            projected: (..., gates * H), as `project` gives it; a caller may
                add to it what other inputs give.
            state: leaves (..., H).
            keep: (..., H), multiplies the hidden state where it enters the
                recurrent product, and nowhere else: 0 for what is dropped,
                1 / (1 - rate) for what is not. Drawn once before the loop, it
                is the dropout of Gal and Ghahramani 2016, section 4.

        Returns:
            The output (..., H), and the next state.
        """
        raise TypeError(
            f"{type(self).__name__} has no step: use one of "
            f"{', '.join(sorted(CELLS))}, or override step"
        )

    def zero_state(self, like: tf.Tensor) -> State:
        """Zeros of shape `like.shape[:-1] + (H,)`, a leaf at a time."""
        shape = tf.concat([tf.shape(like)[:-1], [self.units]], 0)
        zeros = tf.zeros(shape, self.compute_dtype)
        zeros.set_shape([*like.shape[:-1], self.units])
        return (zeros,) * self.leaves

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("glimpse")
class SimpleRNNCell(Cell):
    """Elman 1990: `h' = tanh(W x + U h + b)`. State: (h,)."""

    def step(
        self,
        projected: tf.Tensor,
        state: State,
        keep: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, State]:
        total = self.from_input(projected) + self.recall(state[0], keep)
        output = ops.tanh(total)
        return output, (output,)


@keras.saving.register_keras_serializable("glimpse")
class GRUCell(Cell):
    """Gated recurrent unit, reset after the product.

    ```
    z = sigmoid(Wz x + bz + Uz h + cz)
    r = sigmoid(Wr x + br + Ur h + cr)
    g = tanh(Wg x + bg + r * (Ug h + cg))
    h' = z * h + (1 - z) * g
    ```

    Cho et al. 2014, "Learning phrase representations", equations 5 to 8,
    except that r multiplies `Ug h + cg` and not h, as in cuDNN and Keras: the
    three products with h become one. State: (h,).
    """

    gates = 3
    recurrent_bias = True  # the c of the formula: r multiplies cg

    def step(
        self,
        projected: tf.Tensor,
        state: State,
        keep: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, State]:
        (hidden,) = state
        x_gates, x_candidate = self._split(self.from_input(projected))
        h_gates, h_candidate = self._split(self.recall(hidden, keep))
        update, reset = ops.split(ops.sigmoid(x_gates + h_gates), 2, axis=-1)
        candidate = ops.tanh(x_candidate + reset * h_candidate)
        output = candidate + update * (hidden - candidate)
        return output, (output,)

    def _split(self, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return _split_last(x, 2 * self.units)


@keras.saving.register_keras_serializable("glimpse")
class LSTMCell(Cell):
    """Long short-term memory with a forget gate.

    ```
    i, f, o = sigmoid(W x + U h + b)       g = tanh(Wg x + Ug h + bg)
    c' = f * c + i * g                     h' = o * tanh(c')
    ```

    Hochreiter and Schmidhuber 1997; forget gate of Gers et al. 2000, its bias
    1 at the start (Jozefowicz et al. 2015). State: (h, c).
    """

    gates = 4
    leaves = 2

    def bias_initializer(self) -> Any:
        return ForgetBias()

    def step(
        self,
        projected: tf.Tensor,
        state: State,
        keep: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, State]:
        hidden, carry = state
        total = self.from_input(projected) + self.recall(hidden, keep)
        gates, candidate = _split_last(total, 3 * self.units)
        enter, forget, leave = ops.split(ops.sigmoid(gates), 3, axis=-1)
        carry = forget * carry + enter * ops.tanh(candidate)
        output = leave * self.squash(carry)
        return output, (output, carry)

    def squash(self, carry: tf.Tensor) -> tf.Tensor:
        """What the output gate lets out of a carry (..., H)."""
        return ops.tanh(carry)


@keras.saving.register_keras_serializable("glimpse")
class ForgetBias(keras.initializers.Initializer):
    """Ones for the forget gate, the second quarter; zeros elsewhere."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> tf.Tensor:
        quarter = shape[0] // 4
        return ops.concatenate(
            [
                ops.zeros((quarter,), dtype),
                ops.ones((quarter,), dtype),
                ops.zeros((2 * quarter,), dtype),
            ]
        )


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


def _split_last(x: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    return x[..., :size], x[..., size:]
