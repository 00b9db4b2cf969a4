"""Properties of the machine: processor, packages, speed and memory."""

import platform
import resource
import sys
import time
from importlib import metadata
from pathlib import Path

import tensorflow as tf

PACKAGES = ("tensorflow", "keras", "numpy", "torch")
SIDE = 1024  # rows and columns of the matrices that are multiplied
SECONDS = 1.0  # for which matrices are multiplied again and again


def processor() -> str:
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().split("\n") if path.is_file() else []
    names = [line.partition(":")[2] for line in lines if "model name" in line]
    return names[0].strip() if names else platform.processor() or "unknown"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed `PACKAGES`."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def gemm_gflops() -> float:
    """Return the highest measured speed of large matrix products, in GFLOP/s.

    Each multiplication and each addition counts as one operation.
    """
    left, right = (tf.random.normal((SIDE, SIDE)) for _ in range(2))
    product = tf.function(tf.matmul, autograph=False)
    product(left, right)
    best = float("inf")
    end = time.perf_counter() + SECONDS
    while (began := time.perf_counter()) < end:
        product(left, right).numpy()
        best = min(best, time.perf_counter() - began)
    return 2 * SIDE**3 / best / 1e9


def peak_memory_mib() -> float:
    """Return the peak memory use of this process, in MiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10
