"""Readouts: layers between a decoder's results and the softmax layer."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from data.naming import choose
from models.building import Shape, build_once


class Readout(layers.Layer):
    """Layer between a decoder's results and the softmax layer.

    Its input has the shape (..., D). Its output, called a readout, has the
    shape (..., R) and is the input of the softmax layer. This base class
    computes `W x + b`; subclasses add an activation.

    Args:
        units: dimension R of the output.
    """

    pieces = 1  # number of linear outputs for each unit

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.projection = layers.Dense(
            self.pieces * units, dtype=self.dtype_policy
        )

    def build(self, input_shape: Shape) -> None:
        build_once(self.projection, input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.activate(self.projection(inputs))

    def activate(self, projected: tf.Tensor) -> tf.Tensor:
        """Apply the activation, and return the readout (..., R).

        Args:
            projected: (..., P * R), output `W x + b` of the dense layer. P is
                the attribute `pieces`: 2 for maxout, else 1.
        """
        return projected

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("glimpse")
class TanhReadout(Readout):
    """Readout layer that computes `tanh(W x + b)`."""

    def activate(self, projected: tf.Tensor) -> tf.Tensor:
        return ops.tanh(projected)


@keras.saving.register_keras_serializable("glimpse")
class MaxoutReadout(Readout):
    """Readout that computes `t_j = max(u_{2j-1}, u_{2j})`, with `u = W x + b`.

    It is maxout with two pieces, that is, two linear outputs for each unit
    (Goodfellow et al. 2013, "Maxout networks", section 2), as in Bahdanau et
    al. 2015, A.2.2.
    """

    pieces = 2

    def activate(self, projected: tf.Tensor) -> tf.Tensor:
        return ops.maximum(projected[..., ::2], projected[..., 1::2])


READOUTS: dict[str, type[Readout]] = {
    "tanh": TanhReadout,
    "maxout": MaxoutReadout,
}


def get(name: str) -> type[Readout]:
    """Return the readout class called `name`.

    Raises:
        ValueError: no readout has this name; the message lists the names.
    """
    return choose(name, READOUTS, "readout activation")
