"""Parts of a batch, which the cores of a processor work on side by side.

The gradient of a batch is the sum of those of its parts, and no part waits for
another. What is drawn at random is drawn for the whole batch, and each part
takes its own rows: a seed gives the same masks whatever the number of parts.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf
from keras import layers


@dataclass
class Part:
    """The rows of a batch that are being worked on.

    Attributes:
        rows: how many the whole batch has.
        first: the first of the part's own.
        last: the one after its last.
        drawn: what has been drawn for the whole batch, in order, by layer; all
            parts of a batch share it.
        taken: how much of it this part has had.
    """

    rows: tf.Tensor
    first: tf.Tensor
    last: tf.Tensor
    drawn: dict[int, list[tf.Tensor]]
    taken: dict[int, int] = field(default_factory=dict)

    def draw(self, owner: int, draw: Callable[[], tf.Tensor]) -> tf.Tensor:
        """The part's rows of what `draw` gives for the whole batch."""
        drawn = self.drawn.setdefault(owner, [])
        number = self.taken.get(owner, 0)
        self.taken[owner] = number + 1
        if number == len(drawn):
            drawn.append(draw())
        return drawn[number][self.first : self.last]


_PART: ContextVar[Part | None] = ContextVar("part of a batch", default=None)


def in_parts(work: Callable[[Any], Any], batch: Any, count: int) -> list[Any]:
    """What `work` gives for each of so many parts of a batch.

    Args:
        work: takes a nest of tensors (b, ...), b being 0 where there are fewer
            rows than parts.
        batch: a nest of tensors (B, ...).
        count: how many parts, as equal as can be.
    """
    if count == 1:
        return [work(batch)]
    rows = tf.shape(tf.nest.flatten(batch)[0])[0]
    drawn: dict[int, list[tf.Tensor]] = {}
    results = []
    for number in range(count):
        first, last = number * rows // count, (number + 1) * rows // count
        own = tf.nest.map_structure(lambda x: x[first:last], batch)  # noqa: B023
        token = _PART.set(Part(rows, first, last, drawn))
        try:
            results.append(work(own))
        finally:
            _PART.reset(token)
    return results


def joined(results: list[Any]) -> Any:
    """What `in_parts` gives, nests of tensors (b, ...), of all rows."""
    if len(results) == 1:
        return results[0]
    return tf.nest.map_structure(lambda *each: tf.concat(each, 0), *results)


class Dropout(layers.Dropout):
    """Keras's dropout, whose masks are those of the whole batch."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        part = _PART.get()
        if part is None or not training or not self.rate:
            return super().call(inputs, training=training)

        def mask() -> tf.Tensor:
            sizes = tf.unstack(tf.shape(inputs))[1:]
            fixed = (self.noise_shape or inputs.shape)[1:]
            known = [
                size if number is None else number
                for number, size in zip(fixed, sizes, strict=True)
            ]
            ones = tf.ones([part.rows, *known], inputs.dtype)
            return super(Dropout, self).call(ones, training=True)

        return inputs * part.draw(id(self), mask)
