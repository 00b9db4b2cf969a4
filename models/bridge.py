"""Bridges: the decoder's first state, from the encoder's summary."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.building import build_once
from models.cells import State
from models.encoder import Summary
from models.naming import choose


class Bridge(layers.Layer):
    """From a `Summary` to a cell state for every layer of a decoder.

    Args:
        units: dimension H of the decoder's cells.
        num_layers: number of the decoder's layers.
        leaves: tensors in the state of a cell: 2 for an LSTM.

    Call arguments:
        summary: the encoder's, with leaves (B, M).

    Output:
        A tuple of cell states, bottom layer first, with leaves (B, H).
    """

    def __init__(
        self, units: int, num_layers: int, leaves: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.num_layers = num_layers
        self.leaves = leaves

    def build(self, memory_units: int) -> None:
        """Create the weights for a summary of M = `memory_units`."""

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "num_layers": self.num_layers,
            "leaves": self.leaves,
        }


@keras.saving.register_keras_serializable("glimpse")
class DenseBridge(Bridge):
    """Each leaf is `tanh(W h + b)` of the top layer's last output h.

    Bahdanau et al. 2015, A.2.2, read the backward direction alone, and have
    no bias.
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
        """What the leaves are made from: (B, M)."""
        return summary.states[-1][0]


@keras.saving.register_keras_serializable("glimpse")
class MeanBridge(DenseBridge):
    """Each leaf is `tanh(W h + b)` of the mean h of the encoder's values.

    Sennrich et al. 2017, "Nematus", section 2.
    """

    def read(self, summary: Summary) -> tf.Tensor:
        return summary.mean


@keras.saving.register_keras_serializable("glimpse")
class LastBridge(Bridge):
    """Each layer starts where a layer of the encoder ended, with no weights.

    Sutskever et al. 2014, section 2, as Luong et al. 2015. Of an encoder with
    more layers than the decoder, the top ones are taken.

    Raises:
        ValueError: the states of the encoder do not fit the decoder's cells.
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
    """Zeros: attention alone tells the decoder of the source."""

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
    """The bridge class called `name`; a ValueError lists the names."""
    return choose(name, BRIDGES, "bridge")


def _refuse(received: str, accepted: str, remedy: str) -> None:
    raise ValueError(
        f"The bridge 'last' got {received}; it takes {accepted}: {remedy}, or "
        "take the bridge 'dense'"
    )
