"""Device to compute on (GPU or CPU): how it is chosen and set up."""

import os
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import tensorflow as tf

from app.machine.control_groups import ROOT, quota


@dataclass(frozen=True)
class Device:
    """Device to compute on.

    Attributes:
        description: kind and size of the device, such as "CPU, 2 cores".
        jit_compile: whether to compile with XLA. It is true for a GPU, and
            false for a CPU, where loops run faster without XLA.
    """

    description: str
    jit_compile: bool

    def parts(self, wanted: int) -> int:
        """Return the number of parts that a batch is divided into.

        It is `wanted` on a CPU, and 1 on a GPU.
        """
        return 1 if self.jit_compile else wanted

    def share_cores(self, parts: int) -> None:
        """Set TensorFlow's numbers of threads for the parts of a batch.

        The CPU cores are divided among the parts. On a GPU, nothing is set.
        TensorFlow accepts numbers of threads only before its first computation.
        If this method is called after that, it has no effect, and computations
        may take longer.

        Args:
            parts: number of parts that are computed in parallel.
        """
        if self.jit_compile:
            return
        with suppress(RuntimeError):
            tf.config.threading.set_inter_op_parallelism_threads(parts)
            tf.config.threading.set_intra_op_parallelism_threads(
                max(1, cores() // parts)
            )


def pick_device() -> Device:
    """Return the GPU as device if there is one, else the CPU.

    TensorFlow is set to allocate memory of the GPU only as needed.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        number = cores()
        unit = "core" if number == 1 else "cores"
        return Device(f"CPU, {number} {unit}", jit_compile=False)
    with suppress(RuntimeError):  # the GPU is in use, so this was set before
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    details = tf.config.experimental.get_device_details(gpus[0])
    return Device(f"GPU, {details.get('device_name', '?')}", jit_compile=True)


def use_none() -> None:
    """Hide all GPUs from this process, to leave them to its child processes."""
    tf.config.set_visible_devices([], "GPU")


def cores(root: Path = ROOT) -> int:
    """Return the number of CPU cores that this process may use.

    It is the smaller of two numbers: the cores in the CPU affinity of the
    process, and the limit of its control groups, rounded up to whole cores.

    Args:
        root: the folder that contains `proc` and `sys`.
    """
    if hasattr(os, "sched_getaffinity"):
        own = len(os.sched_getaffinity(0))
    else:
        own = os.cpu_count() or 1
    return max(1, ceil(min(own, quota(root))))
