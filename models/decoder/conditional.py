"""Decoder that attends between two recurrent cells, as in Nematus."""

from typing import Any

import keras
import tensorflow as tf

from models import cells
from models.attention import Memory
from models.building import Shape, build_once
from models.decoder import fused
from models.decoder.base import DecoderState, ReadoutStep, Step
from models.decoder.deep_output import DeepOutputDecoder
from models.decoder.stepping import Affine, RecurringStep
from models.fused import conditional_loop


@keras.saving.register_keras_serializable("glimpse")
class ConditionalDecoder(DeepOutputDecoder):
    """Decoder that runs a cell, attends, then runs a second cell.

    For the embedded previous word y_{i-1}, a step computes the middle state
    s'_i, the context c_i, the state s_i and the readout t_i, which is the input
    of the softmax layer:

    ```
    s'_i = cell1(y_{i-1}, s_{i-1})
    c_i  = attend(s'_i)
    s_i  = cell2(c_i, s'_i)
    t_i  = tanh(W [s_i; c_i; y_{i-1}] + b)
    ```

    With GRU cells, this is the conditional GRU of Sennrich et al. 2017,
    "Nematus", section 2. Other cells can be used too. cell2 starts from the
    state of cell1; for an LSTM, this state includes the cell state c. With
    several layers, the two cells together are the bottom layer. The attribute
    `cells[0]` is cell1, and `context_cell` is cell2.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.require_attention()
        self.context_cell = cells.get(self.cell)(
            self.units, dtype=self.dtype_policy
        )

    def build(self, embedded_shape: Shape, memory_units: int) -> None:
        super().build(embedded_shape, memory_units)
        context_units = self.context_units(memory_units)
        build_once(self.context_cell, (None, None, context_units))

    @property
    def is_fused(self) -> bool:
        return self.fused_gates(*fused.ADDITIVE) is not None

    def call(
        self, embedded: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Step, DecoderState]:
        gates = self.fused_gates(*fused.ADDITIVE)
        if gates is None:
            return super().call(embedded, state, memory)
        # The bias is added once per context, not to the share of each value.
        nothing = tf.zeros((1, memory.values.shape[-1]), memory.values.dtype)
        bias = self.context_cell.project(nothing)
        shares = self.context_cell.project(memory.values) - bias
        found = conditional_loop(
            gates,
            self.project(embedded),
            fused.first_state(state),
            fused.looked(self.attention, memory, shares),
            *self.cells[0].recurrent_weights(),
            *fused.joined(self.attention, self.context_cell),
            bias[0],
        )
        return fused.as_steps(found, memory, state)

    def stepper(self, memory: Memory) -> tuple[ReadoutStep, Any]:
        gates = self.fused_gates(*fused.ADDITIVE)
        if gates is None:
            return super().stepper(memory)
        step = RecurringStep(
            self.cells[0],
            gates,
            self.context_cell,
            Affine.of(self.context_cell.input_projection),
            self.attention,
            self.output_projection,
        )
        return step, step.see(memory)

    def step(
        self, projected: tf.Tensor, state: DecoderState, memory: Memory
    ) -> tuple[Step, DecoderState]:
        query, middle = self.cells[0].step(projected, state.cells[0])
        context, weights, attention = self.attend(
            query, memory, state.attention
        )
        output, bottom = self.context_cell.step(
            self.context_cell.project(context), middle
        )
        output, above = self.climb(output, state.cells[1:])
        new_state = DecoderState((bottom, *above), attention=attention)
        return Step(output, context, weights), new_state
