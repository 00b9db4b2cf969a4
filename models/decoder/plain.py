"""The decoder without attention."""

from typing import Any

import keras
import tensorflow as tf

from models.decoder.base import DecoderState, Step
from models.decoder.deep_output import DeepOutputDecoder
from models.fused import gates_of


@keras.saving.register_keras_serializable("glimpse")
class PlainDecoder(DeepOutputDecoder):
    """No attention: all it knows of the source is its initial state.

    ```
    s_i = cell(y_{i-1}, s_{i-1})
    t_i = tanh(W [s_i; y_{i-1}] + b)
    ```

    Sutskever et al. 2014, section 2, who start it with the bridge "last" and
    read s_i alone.
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
