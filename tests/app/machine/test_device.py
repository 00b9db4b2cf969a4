"""How the cores of a processor are shared."""

import pytest
import tensorflow as tf

from app.machine import device
from app.machine.device import Device

THREADS = ("inter_op", "intra_op")


@pytest.mark.parametrize(
    ("cores", "parts", "expected"),
    [(1, 2, [2, 1]), (2, 2, [2, 1]), (8, 2, [2, 4]), (3, 1, [1, 3])],
)
def test_each_part_has_its_share_of_the_cores(
    cores: int,
    parts: int,
    expected: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[int] = []
    monkeypatch.setattr(device, "cores", lambda: cores)
    for name in THREADS:
        monkeypatch.setattr(
            tf.config.threading,
            f"set_{name}_parallelism_threads",
            told.append,
        )
    processor = Device("CPU", jit_compile=False)
    processor.share_cores(parts)
    assert told == expected
    assert processor.parts(parts) == parts


def test_a_gpu_has_its_batches_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREADS:
        monkeypatch.delattr(
            tf.config.threading, f"set_{name}_parallelism_threads"
        )
    gpu = Device("GPU", jit_compile=True)
    gpu.share_cores(2)  # changes nothing
    assert gpu.parts(2) == 1


def test_threads_that_are_running_stay_as_they_are() -> None:
    tf.constant(1.0) + 1.0
    before = tf.config.threading.get_intra_op_parallelism_threads()
    Device("CPU", jit_compile=False).share_cores(5)
    assert tf.config.threading.get_intra_op_parallelism_threads() == before
