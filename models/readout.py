"""Readouts: what a decoder knows, as the vector the softmax layer sees."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.building import Shape, build_once
from models.naming import choose


class Readout(layers.Layer):
    """One layer on top of a decoder, from (..., D) to (..., R).

    Args:
        units: dimension R of the readout.
    """

    pieces = 1  # how many linear maps there are to each unit

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
        """What is made of `W x + b`, (..., pieces * R)."""
        return projected

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable("glimpse")
class TanhReadout(Readout):
    """`tanh(W x + b)`."""

    def activate(self, projected: tf.Tensor) -> tf.Tensor:
        return ops.tanh(projected)


@keras.saving.register_keras_serializable("glimpse")
class MaxoutReadout(Readout):
    """The larger of each pair of `W x + b`: `t_j = max(u_{2j-1}, u_{2j})`.

    Goodfellow et al. 2013, "Maxout networks", section 2, with two pieces;
    Bahdanau et al. 2015, A.2.2.
    """

    pieces = 2

    def activate(self, projected: tf.Tensor) -> tf.Tensor:
        return ops.maximum(projected[..., ::2], projected[..., 1::2])


READOUTS: dict[str, type[Readout]] = {
    "tanh": TanhReadout,
    "maxout": MaxoutReadout,
}


def get(name: str) -> type[Readout]:
    """The readout class called `name`; a ValueError lists the names."""
    return choose(name, READOUTS, "readout activation")
