"""Batches of sentences of similar length, padded for a model."""

from collections.abc import Iterator, Sequence

import tensorflow as tf

BATCH_SIZE = 64  # sentences at most; it does not change the results
FULL_LENGTH = 64  # tokens; batches of longer sentences are smaller


def batches(lengths: list[int], shortest: int = 1) -> Iterator[list[int]]:
    """Divide rows of token ids into batches; sort the rows by length first.

    Args:
        lengths: number of tokens of each row, with EOS.
        shortest: rows that have at most this number of tokens are left out. By
            default these are the empty sentences, which consist of EOS alone.

    Yields:
        For each batch, the indices of its rows, sorted by length.
    """
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batch: list[int] = []
    for row in order:
        if lengths[row] <= shortest:
            continue
        if len(batch) >= _most_rows(lengths[row]):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def dealt(rows: list[int], parts: int) -> list[int]:
    """Reorder a batch so that each of its parts has both short and long rows.

    A model later divides the batch into `parts` blocks of consecutive rows.
    With the new order, all blocks take about equal time to compute.

    Args:
        rows: indices of the rows, sorted by length.
        parts: number of blocks.
    """
    return [row for part in range(parts) for row in rows[part::parts]]


def padded(rows: Sequence[Sequence[int]]) -> tuple[tf.Tensor, tf.Tensor]:
    """Pad rows of ids with 0 to the length L of the longest row.

    Returns:
        The padded ids (B, L), and the lengths (B,) without padding.
    """
    ragged = tf.ragged.constant(rows, dtype=tf.int32)
    return ragged.to_tensor(), tf.constant([len(row) for row in rows])


def _most_rows(length: int) -> int:
    """Return the largest allowed number of rows in a batch.

    For long rows, the number is inversely proportional to the square of the
    length, since the memory that attention needs for a row grows with the
    square.

    Args:
        length: number of tokens of the longest row of the batch.
    """
    most = BATCH_SIZE * FULL_LENGTH**2 // length**2
    return max(1, min(BATCH_SIZE, most))
