"""Decoder without attention."""

from typing import Any

import keras
import tensorflow as tf

from models.decoder.base import DecoderState, Step
from models.decoder.deep_output import DeepOutputDecoder
from models.fused import gates_of


@keras.saving.register_keras_serializable("glimpse")
class PlainDecoder(DeepOutputDecoder):
    """Decoder without attention.

    Only its initial state depends on the source. For the embedded previous word
    y_{i-1}, a step computes the state s_i and the readout t_i, which is the
    input of the softmax layer:

    ```
    s_i = cell(y_{i-1}, s_{i-1})
    t_i = tanh(W [s_i; y_{i-1}] + b)
    ```

    In Sutskever et al. 2014, section 2, the initial state is the last state of
    the encoder (`bridge="last"`), and the readout depends only on s_i.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.attention is not None:
            raise ValueError(
                f"PlainDecoder got {self.attention.name!r} as attention and "
                "has no use for it; leave it out, or take BahdanauDecoder or "
                "LuongDecoder"
            )

    @property
    def is_fused(self) -> bool:
        return gates_of(self.cells[0]) is not None

    def call(
        self, embedded: tf.Tensor, state: DecoderState, memory: Any
    ) -> tuple[Step, DecoderState]:
        outputs, states = self.recur_only(embedded, state.cells)
        return Step(outputs), state._replace(cells=states)

    def step(
        self, projected: tf.Tensor, state: DecoderState, memory: Any
    ) -> tuple[Step, DecoderState]:
        output, states = self.recur(projected, state.cells)
        return Step(output), state._replace(cells=states)
