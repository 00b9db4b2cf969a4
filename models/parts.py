"""Division of a batch into parts, which the cores of a CPU compute in parallel.

The gradient of a batch is the sum of the gradients of its parts, and no part
depends on another part. Random tensors are drawn for the whole batch, and each
part uses its own rows of them. So the dropout masks depend on the seed, but not
on the number of parts.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf
from keras import layers


@dataclass
class Part:
    """Part of a batch: some of its rows, computed apart from the rest.

    Random tensors, such as dropout masks, are drawn for the whole batch, and
    each part uses its own rows of them.

    Attributes:
        rows: number of rows of the whole batch.
        first: index, in the whole batch, of the part's first row.
        last: index, in the whole batch, of the row after the part's last row.
        copies: how often the part's rows are repeated, as a block.
        drawn: dict whose keys are ids of layers. Each value is a list of the
            random tensors that were drawn for that layer so far, each for the
            whole batch. All parts of a batch share this dict.
        taken: dict whose keys are ids of layers. Each value is the number of
            that layer's tensors that this part has used.
    """

    rows: tf.Tensor
    first: tf.Tensor
    last: tf.Tensor
    copies: int
    drawn: dict[int, list[tf.Tensor]]
    taken: dict[int, int] = field(default_factory=dict)

    def draw(self, owner: int, draw: Callable[[], tf.Tensor]) -> tf.Tensor:
        """Return this part's rows of a random tensor for the whole batch.

        With several copies, the tensor has rows for each copy of the batch.

        Each part counts its calls for each layer: the n-th call returns rows of
        the layer's n-th tensor, the same tensor in all parts. The first part
        that needs a tensor draws it.

        Args:
            owner: id of the layer that uses the tensor.
            draw: function that draws a tensor for the whole batch.
        """
        drawn = self.drawn.setdefault(owner, [])
        number = self.taken.get(owner, 0)
        self.taken[owner] = number + 1
        if number == len(drawn):
            drawn.append(draw())
        return tf.concat(
            [
                drawn[number][start + self.first : start + self.last]
                for start in (copy * self.rows for copy in range(self.copies))
            ],
            0,
        )

    @property
    def all_rows(self) -> tf.Tensor:
        """Number of rows of all copies of the whole batch."""
        return self.rows * self.copies


_PART: ContextVar[Part | None] = ContextVar("part of a batch", default=None)


def in_parts(
    work: Callable[[Any], Any], batch: Any, count: int, copies: int = 1
) -> list[Any]:
    """Split a batch into `count` parts and return the result of each part.

    Args:
        work: function that computes the result of one part. Its argument has
            the structure of `batch`, with tensors (b, ...), where b is the
            number of rows of the part. If the batch has fewer rows than parts,
            b is 0 for some parts.
        batch: nested structure of tensors (B, ...).
        count: number of parts; their sizes differ by at most one row.
        copies: how often `work` repeats the rows of a part before it calls a
            layer that draws random tensors, such as `Dropout`.
    """
    if count == 1:
        return [work(batch)]
    rows = tf.shape(tf.nest.flatten(batch)[0])[0]
    drawn: dict[int, list[tf.Tensor]] = {}
    results = []
    for number in range(count):
        first, last = number * rows // count, (number + 1) * rows // count
        own = tf.nest.map_structure(lambda x: x[first:last], batch)  # noqa: B023
        token = _PART.set(Part(rows, first, last, copies, drawn))
        try:
            results.append(work(own))
        finally:
            _PART.reset(token)
    return results


def joined(results: list[Any]) -> Any:
    """Concatenate the results of `in_parts` into the result of the whole batch.

    The result of a part is a nested structure of tensors (b, ...). The result
    of the whole batch has the same structure, with tensors (B, ...).
    """
    if len(results) == 1:
        return results[0]
    return tf.nest.map_structure(lambda *each: tf.concat(each, 0), *results)


class Dropout(layers.Dropout):
    """Keras dropout layer that also works when a batch is computed in parts.

    The mask is drawn for the whole batch, and each part uses its own rows.
    """

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
            ones = tf.ones([part.all_rows, *known], inputs.dtype)
            return super(Dropout, self).call(ones, training=True)

        return inputs * part.draw(id(self), mask)
