"""The readout that Bahdanau's, the conditional and the plain decoder share."""

from typing import Any

import tensorflow as tf
from keras import ops

from models import readout as readouts
from models.building import Shape, build_once
from models.decoder.base import Decoder, Step


class DeepOutputDecoder(Decoder):
    """A readout of all that is known: `t_i = f(W [s_i; c_i; y_{i-1}] + b)`.

    The deep output of Pascanu et al. 2014, "How to construct deep recurrent
    neural networks", as in Bahdanau et al. 2015, A.2.2, but for the bias; f
    is the `activation`. Without attention there is no c_i.
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
