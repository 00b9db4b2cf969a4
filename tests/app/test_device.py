"""Work on several things at a time."""

from threading import Barrier

import pytest

from app import device


def test_items_are_worked_on_side_by_side_and_come_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device, "cores", lambda: 2)
    both = Barrier(2, timeout=10)

    def work(item: int) -> int:
        both.wait()
        return -item

    assert list(device.side_by_side(work, range(6))) == [0, -1, -2, -3, -4, -5]


def test_what_fails_is_told() -> None:
    with pytest.raises(ZeroDivisionError):
        list(device.side_by_side(lambda item: 1 // item, [1, 0]))
