"""Switch that selects fused or plain loops.

The gradient of a fused loop is written by hand; see `models.fused`. Plain loops
use automatic differentiation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from models.cells import Cell
from models.fused.gates import GATES, Gates

_IS_ON = ContextVar("fused recurrences", default=True)


@contextmanager
def fused(on: bool) -> Iterator[None]:
    """Switch fused loops on or off in a `with` block.

    Args:
        on: if True, fused loops are used wherever it is possible; if False,
            only plain loops are used.
    """
    token = _IS_ON.set(on)
    try:
        yield
    finally:
        _IS_ON.reset(token)


def gates_of(cell: Cell) -> Gates | None:
    """Return the `Gates` of a cell, or None if it needs the plain loop.

    `Gates` are the elementwise part of a cell, which fused loops use. Only some
    cell classes have them: the keys of `GATES`. For other cells, such as those
    with layer normalisation, the result is None. Inside `with fused(False)`,
    the result is None for all cells.
    """
    return GATES.get(type(cell)) if _IS_ON.get() else None
