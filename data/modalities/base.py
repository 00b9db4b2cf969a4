"""Modality: the interface that every kind of data has to implement.

A modality converts data into ids and back; it has no trainable weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf


class Symbols(NamedTuple):
    """Ids of the special symbols, which carry no content.

    An element is the sequence of ids of one source or target.

    Attributes:
        pad: id that is appended to the shorter elements of a batch, so that all
            have the same length.
        begin: id that comes before the first id of a target.
        end: last id of every element. If None, elements have no such id, and a
            network stops writing a target only at the length limit.
    """

    pad: int
    begin: int
    end: int | None


class Axis(NamedTuple):
    """Labels along one axis of a plot of attention weights.

    The network attends to ids, but the axis shows labels, such as words. So the
    weight of each id is divided among the labels in the proportions of
    `shares`, and the weight of a label is the sum of its parts.

    Attributes:
        labels: texts beside the axis, in order.
        shares: array of shape (ids, labels): the fraction of each id's weight
            that each label gets.
    """

    labels: tuple[str, ...]
    shares: np.ndarray


class Modality(ABC):
    """Converter between values and elements of one side of a pair.

    A value is a string, such as a sentence. An element is the sequence of ids
    that a network reads or writes for one value.

    Attributes:
        kind: name of the modality in a configuration.
        symbols: ids of the special symbols, which carry no content.
        least: number of ids in the shortest element that has content, including
            the end symbol if there is one.
    """

    kind: ClassVar[str]
    symbols: ClassVar[Symbols]
    least: ClassVar[int]

    @property
    @abstractmethod
    def element(self) -> tf.TypeSpec:
        """TensorFlow type of an element: shape and data type of its ids."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of different ids; each id is from 0 to `size` - 1."""

    @abstractmethod
    def encode(self, values: tf.Tensor) -> tf.RaggedTensor:
        """Convert a tensor of N values into N elements, in TensorFlow."""

    @abstractmethod
    def lengths(self, values: Sequence[str]) -> np.ndarray:
        """Return, for each value, the number of ids in its element."""

    @abstractmethod
    def decode(self, element: Sequence[int]) -> str:
        """Convert an element back into a value."""

    @abstractmethod
    def read(self, line: str) -> str:
        """Convert a line of a text file into a value."""

    @abstractmethod
    def axis(self, value: str, element: Sequence[int]) -> Axis:
        """Return the axis that a value has in a plot of attention weights.

        Args:
            value: value, whose parts (such as words) become the labels.
            element: ids that encode the value.
        """
