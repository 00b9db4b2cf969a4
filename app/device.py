"""The device a command runs on: picked once, and said."""

import os
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import tensorflow as tf

from app.control_groups import ROOT, quota


@dataclass(frozen=True)
class Device:
    """What there is to compute on.

    Attributes:
        description: for people.
        jit_compile: whether XLA pays there. On CPU loops run faster without.
    """

    description: str
    jit_compile: bool

    def parts(self, wanted: int) -> int:
        """How many parts of a batch to work on: a GPU has it whole."""
        return 1 if self.jit_compile else wanted

    def share_cores(self, parts: int) -> None:
        """Give each part of a batch its share of the cores.

        Threads are set once in a process, before TensorFlow computes anything.
        Where it has begun, nothing changes but the speed.
        """
        if self.jit_compile:
            return
        with suppress(RuntimeError):
            tf.config.threading.set_inter_op_parallelism_threads(parts)
            tf.config.threading.set_intra_op_parallelism_threads(
                max(1, cores() // parts)
            )


def pick_device() -> Device:
    """A GPU, growing its memory as needed, where there is one; else the CPU."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        number = cores()
        unit = "core" if number == 1 else "cores"
        return Device(f"CPU, {number} {unit}", jit_compile=False)
    with suppress(RuntimeError):  # in use already, as it was set then
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    details = tf.config.experimental.get_device_details(gpus[0])
    return Device(f"GPU, {details.get('device_name', '?')}", jit_compile=True)


def use_none() -> None:
    """Leave the GPUs to other processes, which this one starts."""
    tf.config.set_visible_devices([], "GPU")


def cores(root: Path = ROOT) -> int:
    """Cores this process may use: its own, as far as its quota goes.

    Args:
        root: see `app.control_groups.quota`, of which a part counts as one.
    """
    if hasattr(os, "sched_getaffinity"):
        own = len(os.sched_getaffinity(0))
    else:
        own = os.cpu_count() or 1
    return max(1, ceil(min(own, quota(root))))
