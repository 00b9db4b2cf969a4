"""Base class of the decoders: a stack of recurrent cells.

A decoder maps embedded target words to readouts, the inputs of the softmax
layer. It contains neither the embedding nor the softmax layer.

Before the loop over time, `project` processes the words of all steps at once.
The loop calls `step`. After the loop, `readout` computes the readouts of all
steps at once. In shapes, Q is the number of states that a sentence has at the
same step: 1 in training, the number of beams in beam search.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import layers, ops

from models import bridge as bridges
from models import cells
from models.attention import Attention, Foreseen, Memory, PlaceContexts
from models.building import Shape, build_once
from models.encoder import Summary
from models.fused import Gates, gates_of, unroll
from models.parts import Dropout
from models.recurrence import scan

AnyMemory = Memory | PlaceContexts | Foreseen


class DecoderState(NamedTuple):
    """State of a decoder between two steps; each of its tensors is (B, Q, ...).

    Q states of a sentence lie side by side, one for each beam of a search. A
    part that the decoder does not need is `()`.

    Attributes:
        cells: one cell state for each layer, bottom layer first.
        feed: the attentional vector of the previous step, for input feeding.
        attention: state of the attention layer.
    """

    cells: tuple[cells.State, ...]
    feed: Any = ()
    attention: Any = ()


class Step(NamedTuple):
    """Result of a step with Q queries, or of T steps: then read T for Q.

    Attributes:
        output: (B, Q, H), output of the top layer; in a `LuongDecoder`, the
            attentional vector (B, Q, R).
        context: (B, Q, M), context vector of the attention; `()` without
            attention.
        weights: (B, Q, S), attention weights; `()` without attention.
    """

    output: tf.Tensor
    context: Any = ()
    weights: Any = ()


# Function of embedded words (B, Q, E), a state and a memory. It returns the
# readout (B, Q, R), the attention weights and the next state.
ReadoutStep = Callable[
    [tf.Tensor, DecoderState, Any], tuple[tf.Tensor, Any, DecoderState]
]


class Decoder(layers.Layer):
    """Decoder: a stack of recurrent cells, with or without attention.

    Its initial state is computed from the encoder's summary.

    Args:
        units: dimension H of the cells.
        readout_units: dimension R of the readout, the softmax layer's input.
        attention: attention layer; None for a decoder without attention.
        cell: name of the cell class, a key of `models.cells.CELLS`.
        num_layers: number of layers, each with one cell.
        dropout: rate of the dropout on the readout.
        residual: whether each layer from the second on adds its input to its
            output (Wu et al. 2016, section 3.1).
        bridge: how to compute the initial state from the encoder's summary:
            "dense", "last", "mean" or "zero", see `models.bridge`.
        activation: activation of the readout, "tanh" or "maxout".

    Call arguments:
        embedded: (B, T, E), one embedded target word for each step: step t
            predicts the word that follows word t.
        state: a `DecoderState` whose tensors are (B, 1, ...).
        memory: what `attention.remember` returned; `()` without attention.

    Output:
        A `Step` with the results of all T steps, and the last state.
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
        """Create the weights.

        Args:
            embedded_shape: shape (B, T, E) of the embedded words.
            memory_units: dimension M of the memory's values (B, S, M).
        """
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
        """Tell whether training uses a fused loop.

        A fused loop runs all steps, and its gradient is written by hand; see
        `models.fused`.
        """
        return False

    def fused_gates(self, *scores: type[Attention]) -> Gates | None:
        """Return the `Gates` of the cell for a fused loop, or None.

        A fused loop runs all steps with attention, and its gradient is written
        by hand; see `models.fused`. The result is None if the decoder has
        several layers, the attention has a window, the attention's class is not
        one of the classes `scores` (subclasses do not count), or `gates_of`
        returns None for the cell. Then the caller must use the plain loop.
        """
        attention = self.attention
        if self.num_layers > 1 or type(attention) not in scores:
            return None
        return None if attention.window else gates_of(self.cells[0])

    def project(self, embedded: tf.Tensor) -> tf.Tensor:
        """Compute the contribution of the words to the bottom cell's gates.

        Args:
            embedded: (B, T, E), the embedded words.

        Returns:
            A tensor (B, T, G); G is the number of gates times H.
        """
        return self.cells[0].project(embedded)

    def initial_state(
        self, summary: Summary, memory: Memory | Any, num_queries: int = 1
    ) -> DecoderState:
        """Compute the initial state from the encoder's summary.

        Args:
            summary: the encoder's summary of the source.
            memory: what `attention.remember` returned; `()` without attention.
            num_queries: number Q of states for each sentence; the Q states of a
                sentence are equal.
        """
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
        """Compute one decoder step.

        Args:
            projected: (B, Q, G), what `project` returned for the previous
                words.
            state: state before the step.
            memory: what `attention.remember` returned; `()` without attention.

        Returns:
            The result of the step, and the state after it.
        """
        raise TypeError(
            f"{type(self).__name__} has no step: subclass Decoder and "
            "override step, or use one of its subclasses"
        )

    def stepper(self, memory: Memory | Any) -> tuple[ReadoutStep, Any]:
        """Return a step function for beam search, and the memory that it takes.

        The function does the work of `project`, `step` and `readout`, but
        without dropout. The caller passes the returned memory, a nest of
        tensors (B, ...), to each call of the function. Some decoders return a
        faster function: `stepper` then computes once, before all steps, what
        depends only on the weights and the memory.

        Args:
            memory: what `attention.remember` returned; `()` without attention.
        """

        def step(
            embedded: tf.Tensor, state: DecoderState, memory: Any
        ) -> tuple[tf.Tensor, Any, DecoderState]:
            result, state = self.step(self.project(embedded), state, memory)
            return self.read(result, embedded), result.weights, state

        return step, memory

    def readout(self, step: Step, embedded: tf.Tensor) -> tf.Tensor:
        """Return the softmax layer's inputs (B, T, R), for all steps at once.

        Args:
            step: the results of all steps.
            embedded: (B, T, E), the embedded previous words of the steps.
        """
        return self.dropout(self.read(step, embedded))

    def read(self, step: Step, embedded: tf.Tensor) -> tf.Tensor:
        """Return the readout before dropout; subclasses may override it."""
        return step.output

    def attend(
        self, query: tf.Tensor, memory: AnyMemory, state: Any
    ) -> tuple[tf.Tensor, Any, Any]:
        """Return what `Attention.step` returns.

        With `Foreseen`, its shift is added to the queries. With
        `PlaceContexts`, contexts are its own, and weights are `()`.
        """
        if isinstance(memory, Foreseen):
            shift, memory = memory.shift, memory.memory
            query += ops.cast(shift, query.dtype)
        if isinstance(memory, PlaceContexts):
            return memory.contexts, (), state
        return self.attention.step(query, memory, state)

    def recur(
        self, projected: tf.Tensor, states: tuple[cells.State, ...]
    ) -> tuple[tf.Tensor, tuple[cells.State, ...]]:
        """Run all layers for one step.

        Args:
            projected: (B, Q, G), the projected input of the bottom cell.
            states: states of all layers' cells before the step.

        Returns:
            The output of the top layer, and the cells' states after the step.
        """
        output, bottom = self.cells[0].step(projected, states[0])
        output, above = self.climb(output, states[1:])
        return output, (bottom, *above)

    def climb(
        self, output: tf.Tensor, states: tuple[cells.State, ...]
    ) -> tuple[tf.Tensor, tuple[cells.State, ...]]:
        """Run all layers except the bottom layer for one step.

        Args:
            output: (B, Q, H), the output of the bottom layer.
            states: states of the upper layers' cells before the step.

        Returns:
            The output of the top layer, and the upper cells' next states.
        """
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
        """Run all layers over all words, without attention.

        Args:
            embedded: (B, T, E), the embedded words.
            states: states of all layers' cells before the first step.

        Returns:
            The outputs of the top layer (B, T, H), and the last states.
        """
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
        """Run one layer over all words, then the next layer, and so on.

        Arguments and results are those of `recur_only`; `gates` are the `Gates`
        of the cells, see `models.fused`.
        """
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
        """Return the dimension of the contexts; 0 without attention."""
        if self.attention is None:
            return 0
        return self.attention.output_units(memory_units)

    def require_attention(self) -> None:
        """Raise a ValueError if there is no attention layer."""
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
