"""What all decoders share: a stack of cells, a first state, and one step.

A decoder knows nothing of vocabularies. `step` runs inside the loop; what
depends only on the target words (`project`) and what depends only on a step's
result (`readout`) are computed for all steps at once, outside it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import layers, ops

from models import bridge as bridges
from models import cells
from models.attention import Attention, Memory, Places
from models.building import Shape, build_once
from models.encoder import Summary
from models.fused import Gates, gates_of, unroll
from models.parts import Dropout
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


# Of words (B, Q, E), a state and what there is to see: a readout (B, Q, R),
# weights and the next state.
ReadoutStep = Callable[
    [tf.Tensor, DecoderState, Any], tuple[tf.Tensor, Any, DecoderState]
]


class Decoder(layers.Layer):
    """A stack of recurrent cells started from the encoder's summary.

    Args:
        units: dimension H of the cells.
        readout_units: dimension R of the readout, what the softmax layer sees.
        attention: the attention layer; None for a decoder without.
        cell: a name in `models.cells.CELLS`.
        num_layers: number of cells.
        dropout: rate on the readout.
        residual: from the second layer on, a layer's output is added to its
            input (Wu et al. 2016, section 3.1).
        bridge: where the first state comes from: "dense", "last", "mean" or
            "zero", see `models.bridge`.
        activation: of the readout, "tanh" or "maxout".

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
        residual: bool = False,
        bridge: str = "dense",
        activation: str = "tanh",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.readout_units = readout_units
        self.attention: Any = attention  # checked by the variants
        self.cell = cell
        self.num_layers = num_layers
        self.residual = residual
        self.bridge = bridge
        self.activation = activation
        self.cells = [
            cells.get(cell)(units, dtype=self.dtype_policy)
            for _ in range(num_layers)
        ]
        self.state_bridge = bridges.get(bridge)(
            units, num_layers, self.cells[0].leaves, dtype=self.dtype_policy
        )
        self.dropout = Dropout(dropout, dtype=self.dtype_policy)

    def _dense(self, units: int, **kwargs: Any) -> layers.Dense:
        return layers.Dense(units, dtype=self.dtype_policy, **kwargs)

    def build(self, embedded_shape: Shape, memory_units: int) -> None:
        """Create the weights for words (B, T, E) and a memory (B, S, M)."""
        state_shape = (None, None, self.units)
        for index, cell in enumerate(self.cells):
            build_once(cell, state_shape if index else embedded_shape)
        build_once(self.state_bridge, memory_units)
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

    @property
    def is_fused(self) -> bool:
        """Whether training takes a loop with its gradient by hand."""
        return False

    def fused_gates(self, *scores: type[Attention]) -> Gates | None:
        """The gates of the cells, where a loop that attends can be fused.

        That is with one layer of a cell in `models.fused.GATES`, and attention
        of just these classes, without a window. All else takes the plain way.
        """
        attention = self.attention
        if self.num_layers > 1 or type(attention) not in scores:
            return None
        return None if attention.window else gates_of(self.cells[0])

    def project(self, embedded: tf.Tensor) -> tf.Tensor:
        """The words' part of the first cell's input: (B, T, G)."""
        return self.cells[0].project(embedded)

    def initial_state(
        self, summary: Summary, memory: Memory | Any, num_queries: int = 1
    ) -> DecoderState:
        """Bridge the encoder's summary to Q equal states."""
        states = tf.nest.map_structure(
            lambda leaf: ops.repeat(leaf[:, None], num_queries, axis=1),
            self.state_bridge(summary),
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
            f"{type(self).__name__} has no step: subclass Decoder and "
            "override step, or use one of its subclasses"
        )

    def stepper(self, memory: Memory | Any) -> tuple[ReadoutStep, Any]:
        """`step` and `readout` in one, for search, and what it takes.

        What depends on weights or memory alone is done once: the second is
        what is left of the memory, (B, ...). Nothing is dropped out.
        """

        def step(
            embedded: tf.Tensor, state: DecoderState, memory: Any
        ) -> tuple[tf.Tensor, Any, DecoderState]:
            result, state = self.step(self.project(embedded), state, memory)
            return self.read(result, embedded), result.weights, state

        return step, memory

    def readout(self, step: Step, embedded: tf.Tensor) -> tf.Tensor:
        """What the softmax layer sees (B, T, R), for all steps at once."""
        return self.dropout(self.read(step, embedded))

    def read(self, step: Step, embedded: tf.Tensor) -> tf.Tensor:
        """The variant's readout, before dropout."""
        return step.output

    def attend(
        self, query: tf.Tensor, memory: Memory | Places, state: Any
    ) -> tuple[tf.Tensor, Any, Any]:
        """Context, weights and what attention carries: see `Attention.step`."""
        if isinstance(memory, Places):
            return memory.contexts, (), state
        return self.attention.step(query, memory, state)

    def recur(
        self, projected: tf.Tensor, states: tuple[cells.State, ...]
    ) -> tuple[tf.Tensor, tuple[cells.State, ...]]:
        """Run the stack of cells once; the output is the top layer's."""
        output, bottom = self.cells[0].step(projected, states[0])
        output, above = self.climb(output, states[1:])
        return output, (bottom, *above)

    def climb(
        self, output: tf.Tensor, states: tuple[cells.State, ...]
    ) -> tuple[tf.Tensor, tuple[cells.State, ...]]:
        """Run the layers above the bottom one, whose `output` this is."""
        new_states = []
        for cell, state in zip(self.cells[1:], states, strict=True):
            below = output
            output, state = cell.step(cell.project(below), state)
            output = output + below if self.residual else output
            new_states.append(state)
        return output, tuple(new_states)

    def recur_only(
        self, embedded: tf.Tensor, states: tuple[cells.State, ...]
    ) -> tuple[tf.Tensor, tuple[cells.State, ...]]:
        """Run the stack of cells over all words (B, T, E) by themselves."""
        if gates := gates_of(self.cells[0]):
            return self._unroll(gates, embedded, states)

        def step(projected: tf.Tensor, states: Any) -> tuple[tf.Tensor, Any]:
            output, states = self.recur(projected[:, None], states)
            return output[:, 0], states

        return scan(step, self.project(embedded), states)

    def _unroll(
        self,
        gates: Gates,
        embedded: tf.Tensor,
        states: tuple[cells.State, ...],
    ) -> tuple[tf.Tensor, tuple[cells.State, ...]]:
        """Layer by layer: nothing waits for a layer above."""
        output, last = embedded, []
        for number, (cell, state) in enumerate(
            zip(self.cells, states, strict=True)
        ):
            below = output
            output, found = unroll(
                gates,
                cell.project(below),
                tuple(leaf[:, 0] for leaf in state),
                *cell.recurrent_weights(),
            )
            if number and self.residual:
                output = output + below
            last.append(tuple(leaf[:, None] for leaf in found))
        return output, tuple(last)

    def context_units(self, memory_units: int) -> int:
        """Dimension of the context over values of M = `memory_units`."""
        if self.attention is None:
            return 0
        return self.attention.output_units(memory_units)

    def require_attention(self) -> None:
        """Refuse to be without; for the variants that attend."""
        if self.attention is None:
            raise ValueError(
                f"{type(self).__name__} got no attention layer; pass one, "
                "such as BahdanauAttention(units), or take PlainDecoder"
            )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "readout_units": self.readout_units,
            "attention": keras.saving.serialize_keras_object(self.attention),
            "cell": self.cell,
            "num_layers": self.num_layers,
            "dropout": self.dropout.rate,
            "residual": self.residual,
            "bridge": self.bridge,
            "activation": self.activation,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Decoder":
        attention = keras.saving.deserialize_keras_object(config["attention"])
        return cls(**{**config, "attention": attention})
