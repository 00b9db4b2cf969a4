"""Bridges: layers that compute the decoder's first state for a source."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from data.naming import choose
from models.building import build_once
from models.cells import State
from models.encoder import Summary


class Bridge(layers.Layer):
    """Layer that computes the first state of the cell of each decoder layer.

    The states are computed from the encoder's `Summary` of a source. This base
    class has no `call`; subclasses define it.

    Args:
        units: dimension H of the decoder's cells.
        num_layers: number of the decoder's layers.
        leaves: number of tensors in the state of one cell, such as 2 for an
            LSTM.

    Call arguments:
        summary: the encoder's summary of a source; each tensor in it is (B, M).

    Output:
        A tuple of cell states, one for each decoder layer, from the bottom to
        the top. Each tensor of a state is (B, H).
    """

    def __init__(
        self, units: int, num_layers: int, leaves: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.num_layers = num_layers
        self.leaves = leaves

    def build(self, memory_units: int) -> None:
        """Create the weights of the bridge.

        Args:
            memory_units: dimension M of the encoder's summaries of sources.
        """

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "num_layers": self.num_layers,
            "leaves": self.leaves,
        }


@keras.saving.register_keras_serializable("glimpse")
class DenseBridge(Bridge):
    """Bridge through a dense layer: each tensor of a state is `tanh(W h + b)`.

    h is the last hidden state of the encoder's top layer; each tensor has its
    own W and b. In Bahdanau et al. 2015, A.2.2, h is the state of the backward
    direction only, and there is no b.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.projections = [
            layers.Dense(self.units, "tanh", dtype=self.dtype_policy)
            for _ in range(self.num_layers * self.leaves)
        ]

    def build(self, memory_units: int) -> None:
        for projection in self.projections:
            build_once(projection, (None, memory_units))

    def call(self, summary: Summary) -> tuple[State, ...]:
        read = self.read(summary)
        leaves = iter(projection(read) for projection in self.projections)
        return tuple(
            tuple(next(leaves) for _ in range(self.leaves))
            for _ in range(self.num_layers)
        )

    def read(self, summary: Summary) -> tf.Tensor:
        """Return the tensor h (B, M) from which the states are computed."""
        return summary.states[-1][0]


@keras.saving.register_keras_serializable("glimpse")
class MeanBridge(DenseBridge):
    """Bridge through a dense layer: each tensor of a state is `tanh(W h + b)`.

    h is the mean of the encoder's outputs at real tokens; each tensor has its
    own W and b. This bridge is from Sennrich et al. 2017, "Nematus", section 2.
    """

    def read(self, summary: Summary) -> tf.Tensor:
        return summary.mean


@keras.saving.register_keras_serializable("glimpse")
class LastBridge(Bridge):
    """Bridge without weights: the first states are the encoder's last states.

    Sutskever et al. 2014, section 2, and Luong et al. 2015 use this bridge. If
    the encoder has more layers than the decoder, the bridge uses the states of
    the encoder's top layers.

    Raises:
        ValueError: the cell states of encoder and decoder differ in the number
            of units or in the number of tensors, or the encoder has fewer
            layers than the decoder.
    """

    def build(self, memory_units: int) -> None:
        if memory_units != self.units:
            _refuse(
                f"states of {memory_units} units from the encoder, directions "
                "counted",
                f"the decoder's {self.units}",
                "change the units of one",
            )

    def call(self, summary: Summary) -> tuple[State, ...]:
        self._check(len(summary.states), len(summary.states[-1]))
        return summary.states[-self.num_layers :]

    def _check(self, num_layers: int, leaves: int) -> None:
        if num_layers < self.num_layers:
            _refuse(
                f"{num_layers} layers from the encoder",
                f"the decoder's {self.num_layers} or more",
                "add layers to the encoder",
            )
        if leaves != self.leaves:
            _refuse(
                f"cell states of {leaves} tensors from the encoder",
                f"{self.leaves} as the decoder's cells hold",
                "give both the same kind of cell",
            )


@keras.saving.register_keras_serializable("glimpse")
class ZeroBridge(Bridge):
    """Bridge of zeros: the first state of the decoder is zero.

    So the decoder gets information about the source only through attention.
    """

    def call(self, summary: Summary) -> tuple[State, ...]:
        shape = (ops.shape(summary.mean)[0], self.units)
        zeros = ops.zeros(shape, self.compute_dtype)
        return ((zeros,) * self.leaves,) * self.num_layers


BRIDGES: dict[str, type[Bridge]] = {
    "dense": DenseBridge,
    "last": LastBridge,
    "mean": MeanBridge,
    "zero": ZeroBridge,
}


def get(name: str) -> type[Bridge]:
    """Return the bridge class called `name`.

    Raises:
        ValueError: no bridge has this name; the message lists the names.
    """
    return choose(name, BRIDGES, "bridge")


def _refuse(received: str, accepted: str, remedy: str) -> None:
    raise ValueError(
        f"The bridge 'last' got {received}; it takes {accepted}: {remedy}, or "
        "take the bridge 'dense'"
    )
