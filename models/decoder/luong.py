"""Decoder that attends after it has run its cell, as in Luong et al. 2015."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from models.adam import learn_slower
from models.attention import LuongAttention, LuongDotAttention, Memory
from models.building import Shape, build_once
from models.decoder import fused
from models.decoder.base import Decoder, DecoderState, ReadoutStep, Step
from models.decoder.stepping import LuongStep
from models.encoder import Summary
from models.fused import Gates, feeding_loop, gates_of


@keras.saving.register_keras_serializable("glimpse")
class LuongDecoder(Decoder):
    """Decoder that runs its cell, then attends with the new state.

    For the embedded previous word y_{t-1}, a step computes the state s_t, the
    context c_t and the attentional vector h~_t:

    ```
    s_t = cell(y_{t-1}, s_{t-1})
    s_t = cell([y_{t-1}; h~_{t-1}], s_{t-1})      (with input feeding)
    c_t = attend(s_t)
    h~_t = tanh(W [c_t; s_t])
    ```

    Luong et al. 2015, section 3, equation 5; input feeding is in section 3.3.
    The attentional vector is both the output of the step and its readout, that
    is, the input of the softmax layer. Without input feeding, the cell does not
    depend on attention, so attention is computed for all steps together, after
    the cell's last step.

    Args:
        *args: arguments of `Decoder`.
        input_feeding: whether the previous attentional vector is an input of
            the cell, besides the previous word. Its part of the cell's input
            kernel starts at 0, and `models.Adam` multiplies the learning rate
            of this part by 1 / sqrt(R), where R is the dimension of h~:
            otherwise, the loop through h~ makes training unsteady.
        **kwargs: arguments of `Decoder`.
    """

    def __init__(
        self, *args: Any, input_feeding: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.require_attention()
        self._require_tanh()
        self.input_feeding = input_feeding
        self.attentional_projection = self._dense(
            self.readout_units, activation="tanh", use_bias=False
        )
        if input_feeding:
            self.feed_projection = self._dense(
                self.cells[0].gates * self.units,
                use_bias=False,
                kernel_initializer="zeros",
            )

    def build(self, embedded_shape: Shape, memory_units: int) -> None:
        super().build(embedded_shape, memory_units)
        inputs = self.context_units(memory_units) + self.units
        build_once(self.attentional_projection, (None, None, inputs))
        if self.input_feeding:
            build_once(self.feed_projection, (None, None, self.readout_units))
            factor = self.readout_units**-0.5
            learn_slower(self.feed_projection.kernel, factor)

    @property
    def is_fused(self) -> bool:
        if self.input_feeding:
            return self._gates() is not None
        return gates_of(self.cells[0]) is not None

    def call(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Step, DecoderState]:
        if self.input_feeding:
            if gates := self._gates():
                return self._fed(gates, embedded, state, memory)
            return super().call(embedded, state, memory)
        outputs, states = self.recur_only(embedded, state.cells)
        context, weights, attention = self.attention.steps(
            outputs, memory, state.attention
        )
        result = self._combine(outputs, context, weights)
        return result, DecoderState(states, attention=attention)

    def _gates(self) -> Gates | None:
        """Return the `Gates` of the cell for a fused loop, or None.

        See `fused_gates`. For a fused loop, the attention must be a
        `LuongAttention` or a `LuongDotAttention`.
        """
        return self.fused_gates(LuongAttention, LuongDotAttention)

    def _attentional_kernels(self) -> tuple[tf.Tensor, tf.Tensor]:
        """Split the kernel W of the attentional vector into two parts.

        Returns:
            The part that multiplies the context (M, R), and the part that
            multiplies the cell's output (H, R).
        """
        kernel = fused.cast_kernel(self.attentional_projection)
        return kernel[: -self.units], kernel[-self.units :]

    def _fed(
        self,
        gates: Gates,
        embedded: tf.Tensor,
        state: DecoderState,
        memory: Memory,
    ) -> tuple[Step, DecoderState]:
        """Run all steps with input feeding, in a fused loop.

        The gradient of this loop is written by hand; see `models.fused`.
        `gates` are the `Gates` of the cell. The other arguments and the results
        are those of `call`.
        """
        for_context, for_output = self._attentional_kernels()
        feeds, weights, last, feed = feeding_loop(
            gates,
            self.project(embedded),
            fused.first_state(state),
            state.feed[:, 0],
            self.attention.scaled_keys(memory),
            tf.matmul(memory.values, for_context),
            memory.mask,
            fused.cast_kernel(self.feed_projection),
            for_output,
            *self.cells[0].recurrent_weights(),
        )
        found, new_state = fused.as_steps((feeds, weights, last), memory, state)
        return found, new_state._replace(feed=feed[:, None])

    def initial_state(
        self, summary: Summary, memory: Memory, num_queries: int = 1
    ) -> DecoderState:
        state = super().initial_state(summary, memory, num_queries)
        if not self.input_feeding:
            return state
        shape = (ops.shape(summary.mean)[0], num_queries, self.readout_units)
        return state._replace(feed=ops.zeros(shape, self.compute_dtype))

    def stepper(self, memory: Memory) -> tuple[ReadoutStep, Any]:
        gates = self._gates()
        if gates is None:
            return super().stepper(memory)
        step = LuongStep(
            gates,
            self.cells[0],
            *self._attentional_kernels(),
            fused.cast_kernel(self.feed_projection)
            if self.input_feeding
            else None,
        )
        return step, step.see(memory, self.attention.scaled_keys(memory))

    def step(
        self, projected: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Step, DecoderState]:
        if self.input_feeding:
            projected = projected + self.feed_projection(state.feed)
        output, states = self.recur(projected, state.cells)
        context, weights, attention = self.attend(
            output, memory, state.attention
        )
        result = self._combine(output, context, weights)
        feed = result.output if self.input_feeding else ()
        return result, DecoderState(states, feed, attention)

    def _combine(
        self, output: tf.Tensor, context: tf.Tensor, weights: tf.Tensor
    ) -> Step:
        attentional = self.attentional_projection(
            ops.concatenate([context, output], -1)
        )
        return Step(attentional, context, weights)

    def _require_tanh(self) -> None:
        if self.activation != "tanh":
            raise ValueError(
                f"LuongDecoder got activation={self.activation!r}; its readout "
                "is the attentional vector, a tanh (Luong et al. 2015, "
                "equation 5): leave it at 'tanh', or take BahdanauDecoder"
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "input_feeding": self.input_feeding}
