"""Signals that make training stop after the current step."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether SIGINT or SIGTERM has arrived.

    Inside the `with` block, the first such signal is only recorded. A second
    one has its usual effect, and so ends the program at once.
    """
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        came = True
        log.warning("Saving before stopping; a second signal stops at once")
        restore()

    numbers = (signal.SIGINT, signal.SIGTERM)
    old = {number: signal.signal(number, note) for number in numbers}

    def restore() -> None:
        for number, handler in old.items():
            signal.signal(number, handler)

    try:
        yield lambda: came
    finally:
        restore()
