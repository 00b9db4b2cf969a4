"""Whether recurrences take the fused way, and which of them can."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from models.cells import Cell
from models.fused.gates import GATES, Gates

_IS_ON = ContextVar("fused recurrences", default=True)


@contextmanager
def fused(on: bool) -> Iterator[None]:
    """Let what is called, or traced, in the block be fused or plain."""
    token = _IS_ON.set(on)
    try:
        yield
    finally:
        _IS_ON.reset(token)


def gates_of(cell: Cell) -> Gates | None:
    """The gates of a cell that can be fused; None for the plain way.

    Plain are cells of other classes than those in `GATES`, such as the
    layer-normalised ones, and all where `fused(False)` says so.
    """
    return GATES.get(type(cell)) if _IS_ON.get() else None
