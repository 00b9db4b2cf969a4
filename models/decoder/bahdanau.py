"""Decoder that attends before it runs its cell, as in Bahdanau et al. 2015."""

from typing import Any

import keras
import tensorflow as tf

from models.attention import Memory
from models.building import Shape, build_once
from models.decoder import fused
from models.decoder.base import DecoderState, ReadoutStep, Step
from models.decoder.deep_output import DeepOutputDecoder
from models.decoder.stepping import Affine, AttendingStep
from models.fused import bahdanau_loop


@keras.saving.register_keras_serializable("glimpse")
class BahdanauDecoder(DeepOutputDecoder):
    """Decoder that attends with the previous state, then runs its cell.

    For the embedded previous word y_{i-1}, a step computes the context c_i, the
    state s_i and the readout t_i, which is the input of the softmax layer:

    ```
    c_i = attend(s_{i-1})
    s_i = cell([y_{i-1}; c_i], s_{i-1})
    t_i = tanh(W [s_i; c_i; y_{i-1}] + b)
    ```

    This is the decoder of Bahdanau et al. 2015, appendix A.2.2, except that the
    readout is computed from the new state s_i, not from s_{i-1}. With
    `activation="maxout"`, the readout uses maxout instead of tanh, as in the
    paper. With several layers, the context is an input of the bottom layer. The
    query is the hidden state of the top layer's cell. A residual layer adds its
    input to this state to get its output; the query is the state before that.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.require_attention()
        self.context_projection = self._dense(
            self.cells[0].gates * self.units, use_bias=False
        )

    def build(self, embedded_shape: Shape, memory_units: int) -> None:
        super().build(embedded_shape, memory_units)
        context_units = self.context_units(memory_units)
        build_once(self.context_projection, (None, None, context_units))

    @property
    def is_fused(self) -> bool:
        return self.fused_gates(*fused.ADDITIVE) is not None

    def call(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Step, DecoderState]:
        gates = self.fused_gates(*fused.ADDITIVE)
        if gates is None:
            return super().call(embedded, state, memory)
        shares = self.context_projection(memory.values)
        found = bahdanau_loop(
            gates,
            self.project(embedded),
            fused.first_state(state),
            fused.looked(self.attention, memory, shares),
            *fused.joined(self.attention, self.cells[0]),
        )
        return fused.as_steps(found, memory, state)

    def stepper(self, memory: Memory) -> tuple[ReadoutStep, Any]:
        gates = self.fused_gates(*fused.ADDITIVE)
        if gates is None:
            return super().stepper(memory)
        step = AttendingStep(
            gates,
            self.cells[0],
            Affine.of(self.context_projection),
            self.attention,
            self.output_projection,
        )
        return step, step.see(memory)

    def step(
        self, projected: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Step, DecoderState]:
        query = state.cells[-1][0]
        context, weights, attention = self.attend(
            query, memory, state.attention
        )
        projected = projected + self.context_projection(context)
        output, states = self.recur(projected, state.cells)
        new_state = DecoderState(states, attention=attention)
        return Step(output, context, weights), new_state
