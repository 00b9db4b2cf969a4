"""Base class of decoders whose readout is the "deep output".

`BahdanauDecoder`, `ConditionalDecoder` and `PlainDecoder` inherit from it.
"""

from typing import Any

import tensorflow as tf
from keras import ops

from models import readout as readouts
from models.building import Shape, build_once
from models.decoder.base import Decoder, Step


class DeepOutputDecoder(Decoder):
    """Decoder with the readout `t_i = f(W [s_i; c_i; y_{i-1}] + b)`.

    The readout is computed from the decoder's output s_i, the context c_i and
    the embedded previous word y_{i-1}; f is the `activation`. Without
    attention, c_i is left out. This is the deep output of Pascanu et al. 2014,
    "How to construct deep recurrent neural networks", as used in Bahdanau et
    al. 2015, A.2.2. Their equations have no bias b.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.output_projection = readouts.get(self.activation)(
            self.readout_units, dtype=self.dtype_policy
        )

    def build(self, embedded_shape: Shape, memory_units: int) -> None:
        super().build(embedded_shape, memory_units)
        context_units = self.context_units(memory_units)
        inputs = self.units + context_units + embedded_shape[-1]
        build_once(self.output_projection, (None, None, inputs))

    def read(self, step: Step, embedded: tf.Tensor) -> tf.Tensor:
        context = [] if self.attention is None else [step.context]
        inputs = [step.output, *context, embedded]
        return self.output_projection(ops.concatenate(inputs, -1))
