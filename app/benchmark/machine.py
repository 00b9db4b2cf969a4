"""What machine this is, and how fast it multiplies."""

import platform
import resource
import sys
import time
from importlib import metadata
from pathlib import Path

import tensorflow as tf

PACKAGES = ("tensorflow", "keras", "numpy", "torch")
SIDE = 1024  # of the matrices that show the peak
SECONDS = 1.0


def processor() -> str:
    """What the processor calls itself."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().split("\n") if path.is_file() else []
    names = [line.partition(":")[2] for line in lines if "model name" in line]
    return names[0].strip() if names else platform.processor() or "unknown"


def versions() -> dict[str, str]:
    """Of Python and the packages that are there."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def gemm_gflops() -> float:
    """The peak of products of large matrices, in 10^9 operations a second."""
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
    """The most memory that this process ever held."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10
