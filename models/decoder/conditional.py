"""The decoder that recurs, attends and recurs again."""

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
    """Recur, attend with what came of it, recur again.

    ```
    s'_i = cell1(y_{i-1}, s_{i-1})
    c_i  = attend(s'_i)
    s_i  = cell2(c_i, s'_i)
    t_i  = tanh(W [s_i; c_i; y_{i-1}] + b)
    ```

    Sennrich et al. 2017, "Nematus", section 2: the conditional GRU, here
    for any cell; an LSTM's carry goes through both. With several layers the
    pair is the bottom one, and the others stand on it. `cells[0]` is cell1,
    `context_cell` is cell2; they share one state.
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
        # Its bias is for contexts, which these are only parts of.
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
