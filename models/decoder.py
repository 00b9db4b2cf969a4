"""Decoders: one step, used alike by training and by search.

A decoder knows nothing of vocabularies. `step` runs inside the loop; what
depends only on the target words (`project`) and what depends only on a step's
result (`readout`) are computed for all steps at once, outside it.
"""

from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import layers, ops

from models import cells
from models.attention import Attention, Memory
from models.building import Shape, build_once
from models.naming import choose
from models.recurrence import scan


class DecoderState(NamedTuple):
    """What a decoder carries; every leaf is (B, Q, ...), absent parts `()`."""

    cells: tuple[cells.State, ...]  # a state a layer
    feed: Any = ()  # the last attentional vector, with input feeding
    attention: Any = ()  # what the attention layer carries


class Step(NamedTuple):
    """What one step gives, or all of them stacked."""

    output: tf.Tensor  # (B, Q, H), or (B, T, H) for all steps
    context: Any = ()  # (B, Q, M)
    weights: Any = ()  # (B, Q, S)


class Decoder(layers.Layer):
    """A stack of recurrent cells started from the encoder's summary.

    Args:
        units: dimension H of the cells.
        readout_units: dimension R of the readout, what the softmax layer sees.
        attention: the attention layer; None for a decoder without.
        cell: "rnn", "gru" or "lstm".
        num_layers: number of cells.
        dropout: rate on the readout.

    Call arguments:
        embedded: (B, T, E), embedded target words, each to predict the next.
        state: a `DecoderState` with Q = 1.
        memory: what `attention.remember` returned, or `()`.

    Output:
        A `Step` over all T positions, and the last state.
    """

    def __init__(
        self,
        units: int,
        readout_units: int,
        attention: Attention | None = None,
        cell: str = "gru",
        num_layers: int = 1,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.readout_units = readout_units
        self.attention: Any = attention  # checked by the variants
        self.cell = cell
        self.num_layers = num_layers
        self.cells = [
            cells.get(cell)(units, dtype=self.dtype_policy)
            for _ in range(num_layers)
        ]
        self.bridges = [
            self._dense(units, activation="tanh")
            for _ in range(num_layers * self.cells[0].leaves)
        ]
        self.dropout = layers.Dropout(dropout, dtype=self.dtype_policy)

    def _dense(self, units: int, **kwargs: Any) -> layers.Dense:
        return layers.Dense(units, dtype=self.dtype_policy, **kwargs)

    def build(self, embedded_shape: Shape, memory_units: int) -> None:
        """Create the weights for words (B, T, E) and a memory (B, S, M)."""
        state_shape = (None, None, self.units)
        for index, cell in enumerate(self.cells):
            build_once(cell, state_shape if index else embedded_shape)
        for bridge in self.bridges:
            build_once(bridge, (None, memory_units))
        if self.attention is not None:
            build_once(
                self.attention, [state_shape, (None, None, memory_units)]
            )

    def call(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory | Any
    ) -> tuple[Step, DecoderState]:
        def step(
            projected: tf.Tensor, state: DecoderState
        ) -> tuple[Step, DecoderState]:
            result, state = self.step(projected[:, None], state, memory)
            return tf.nest.map_structure(lambda x: x[:, 0], result), state

        return scan(step, self.project(embedded), state)

    def project(self, embedded: tf.Tensor) -> tf.Tensor:
        """The words' part of the first cell's input: (B, T, G)."""
        return self.cells[0].project(embedded)

    def initial_state(
        self, summary: tf.Tensor, memory: Memory | Any, num_queries: int = 1
    ) -> DecoderState:
        """Bridge the encoder's summary (B, M) to Q equal states.

        Each leaf of each layer is `tanh(W summary + b)`; Bahdanau et al.
        2015, A.2.2, read the backward state alone, and have no bias.
        """
        leaves = iter(
            ops.repeat(bridge(summary)[:, None], num_queries, axis=1)
            for bridge in self.bridges
        )
        states = tuple(
            tuple(next(leaves) for _ in range(cell.leaves))
            for cell in self.cells
        )
        if self.attention is None:
            return DecoderState(states)
        attention = self.attention.initial_state(memory, num_queries)
        return DecoderState(states, attention=attention)

    def step(
        self,
        projected: tf.Tensor,
        state: DecoderState,
        memory: Memory | Any,
    ) -> tuple[Step, DecoderState]:
        """One step for Q projected words (B, Q, G)."""
        raise TypeError(
            f"{type(self).__name__} has no step: use one of "
            f"{', '.join(sorted(DECODERS))}, or override step"
        )

    def readout(self, step: Step, embedded: tf.Tensor) -> tf.Tensor:
        """What the softmax layer sees (B, T, R), for all steps at once."""
        return self.dropout(self.read(step, embedded))

    def read(self, step: Step, embedded: tf.Tensor) -> tf.Tensor:
        """The variant's readout, before dropout."""
        return step.output

    def recur(
        self, projected: tf.Tensor, states: tuple[cells.State, ...]
    ) -> tuple[tf.Tensor, tuple[cells.State, ...]]:
        """Run the stack of cells once; the output is the top layer's."""
        output, state = self.cells[0].step(projected, states[0])
        new_states = [state]
        for cell, state in zip(self.cells[1:], states[1:], strict=True):
            output, state = cell.step(cell.project(output), state)
            new_states.append(state)
        return output, tuple(new_states)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "readout_units": self.readout_units,
            "attention": keras.saving.serialize_keras_object(self.attention),
            "cell": self.cell,
            "num_layers": self.num_layers,
            "dropout": self.dropout.rate,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Decoder":
        attention = keras.saving.deserialize_keras_object(config["attention"])
        return cls(**{**config, "attention": attention})


@keras.saving.register_keras_serializable("glimpse")
class PlainDecoder(Decoder):
    """No attention: all it knows of the source is its initial state.

    Sutskever, Vinyals and Le 2014, with the bridge of the other decoders in
    place of the bare encoder state, and a readout `tanh(W [s; y])`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.attention is not None:
            raise ValueError(
                f"PlainDecoder got {self.attention.name!r} as attention and "
                "has no use for it; leave it out, or take BahdanauDecoder or "
                "LuongDecoder"
            )
        self.output_projection = self._dense(
            self.readout_units, activation="tanh"
        )

    def build(self, embedded_shape: Shape, memory_units: int) -> None:
        super().build(embedded_shape, memory_units)
        inputs = self.units + embedded_shape[-1]
        build_once(self.output_projection, (None, None, inputs))

    def step(
        self, projected: tf.Tensor, state: DecoderState, memory: Any
    ) -> tuple[Step, DecoderState]:
        output, states = self.recur(projected, state.cells)
        return Step(output), state._replace(cells=states)

    def read(self, step: Step, embedded: tf.Tensor) -> tf.Tensor:
        return self.output_projection(
            ops.concatenate([step.output, embedded], -1)
        )


@keras.saving.register_keras_serializable("glimpse")
class BahdanauDecoder(Decoder):
    """Attend with the previous state, then recur.

    ```
    c_i = attend(s_{i-1})
    s_i = cell([y_{i-1}; c_i], s_{i-1})
    t_i = tanh(W [s_i; c_i; y_{i-1}])
    ```

    Bahdanau et al. 2015, appendix A.2.2, with a tanh readout of the new state
    in place of a maxout of the old one. With several layers the top one asks
    and the bottom one receives the context.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _require_attention(self)
        self.context_projection = self._dense(
            self.cells[0].gates * self.units, use_bias=False
        )
        self.output_projection = self._dense(
            self.readout_units, activation="tanh"
        )

    def build(self, embedded_shape: Shape, memory_units: int) -> None:
        super().build(embedded_shape, memory_units)
        build_once(self.context_projection, (None, None, memory_units))
        inputs = self.units + memory_units + embedded_shape[-1]
        build_once(self.output_projection, (None, None, inputs))

    def step(
        self, projected: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Step, DecoderState]:
        query = state.cells[-1][0]
        context, weights, attention = self.attention.step(
            query, memory, state.attention
        )
        projected = projected + self.context_projection(context)
        output, states = self.recur(projected, state.cells)
        new_state = DecoderState(states, attention=attention)
        return Step(output, context, weights), new_state

    def read(self, step: Step, embedded: tf.Tensor) -> tf.Tensor:
        inputs = [step.output, step.context, embedded]
        return self.output_projection(ops.concatenate(inputs, -1))


@keras.saving.register_keras_serializable("glimpse")
class LuongDecoder(Decoder):
    """Recur, then attend with the new state.

    ```
    s_t = cell(y_{t-1}, s_{t-1})         with feeding: cell([y; h~_{t-1}], ...)
    c_t = attend(s_t)
    h~_t = tanh(W [c_t; s_t])
    ```

    Luong et al. 2015, section 3, equation 5; input feeding, section 3.3. The
    attentional vector h~ is both the step's output and the readout. Without
    feeding nothing in the recurrence depends on attention, and all steps
    attend at once.

    Args:
        input_feeding: give the cell the last attentional vector.
        Otherwise as `Decoder`.
    """

    def __init__(
        self, *args: Any, input_feeding: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        _require_attention(self)
        self.input_feeding = input_feeding
        self.attentional_projection = self._dense(
            self.readout_units, activation="tanh", use_bias=False
        )
        if input_feeding:
            self.feed_projection = self._dense(
                self.cells[0].gates * self.units, use_bias=False
            )

    def build(self, embedded_shape: Shape, memory_units: int) -> None:
        super().build(embedded_shape, memory_units)
        inputs = memory_units + self.units
        build_once(self.attentional_projection, (None, None, inputs))
        if self.input_feeding:
            build_once(self.feed_projection, (None, None, self.readout_units))

    def call(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Step, DecoderState]:
        if self.input_feeding:
            return super().call(embedded, state, memory)
        outputs, states = self._recur_only(embedded, state.cells)
        result, attention = self._attend(outputs, memory, state.attention)
        return result, DecoderState(states, attention=attention)

    def _recur_only(
        self, embedded: tf.Tensor, states: tuple[cells.State, ...]
    ) -> tuple[tf.Tensor, tuple[cells.State, ...]]:
        def step(projected: tf.Tensor, states: Any) -> tuple[tf.Tensor, Any]:
            output, states = self.recur(projected[:, None], states)
            return output[:, 0], states

        return scan(step, self.project(embedded), states)

    def initial_state(
        self, summary: tf.Tensor, memory: Memory, num_queries: int = 1
    ) -> DecoderState:
        state = super().initial_state(summary, memory, num_queries)
        if not self.input_feeding:
            return state
        shape = (ops.shape(summary)[0], num_queries, self.readout_units)
        return state._replace(feed=ops.zeros(shape, self.compute_dtype))

    def step(
        self, projected: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Step, DecoderState]:
        if self.input_feeding:
            projected = projected + self.feed_projection(state.feed)
        output, states = self.recur(projected, state.cells)
        result, attention = self._attend(output, memory, state.attention)
        feed = result.output if self.input_feeding else ()
        return result, DecoderState(states, feed, attention)

    def _attend(
        self, output: tf.Tensor, memory: Memory, state: Any
    ) -> tuple[Step, Any]:
        context, weights, state = self.attention.step(output, memory, state)
        attentional = self.attentional_projection(
            ops.concatenate([context, output], -1)
        )
        return Step(attentional, context, weights), state

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "input_feeding": self.input_feeding}


def _require_attention(decoder: Decoder) -> None:
    if decoder.attention is None:
        raise ValueError(
            f"{type(decoder).__name__} got no attention layer; pass one, such "
            "as BahdanauAttention(units), or take PlainDecoder"
        )


DECODERS: dict[str, type[Decoder]] = {
    "bahdanau": BahdanauDecoder,
    "luong": LuongDecoder,
    "plain": PlainDecoder,
}


def get(name: str) -> type[Decoder]:
    """The decoder class called `name`; a ValueError lists the names."""
    return choose(name, DECODERS, "decoder")
