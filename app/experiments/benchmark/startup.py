"""Measurement of the time that a command of Glimpse takes to start.

The time to import TensorFlow is measured separately.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from app.config import Config
from app.runs import Run
from data.sides import Sides

# Python code that ends its process at once, as Glimpse's commands do; without
# `os._exit` the end of the process would take a second.
TENSORFLOW = "import os, tensorflow, keras, tensorflow_text; os._exit(0)"
SENTENCE = "a\n"


def startup(
    folder: Path, config: Config, sides: Sides, rounds: int
) -> dict[str, float]:
    """Measure how long two commands and the import of TensorFlow take.

    All three are run in turns, each time in a new process. The commands are
    `--help`, and `translate` with an untrained model.

    Args:
        folder: new run folder for the untrained model.
        config: configuration of the model.
        sides: source side and target side of the corpus, with tokenizers.
        rounds: number of times that each of the three is run; the results are
            computed from the median times.

    Returns:
        Three times in seconds. `tensorflow_seconds` is the processor time of
        importing TensorFlow. `seconds` is the processor time of `translate` for
        one short sentence, minus `tensorflow_seconds`. `help_seconds` is the
        elapsed time of the command `--help`.
    """
    run = Run.create(folder, config)
    run.save_sides(sides)
    run.save_weights(run.build_model(sides), "best")
    translate = ["-m", "app", "translate", str(folder)]
    times = [
        (
            _run(["-c", TENSORFLOW])[0],
            _run(translate, SENTENCE)[0],
            _run(["-m", "app", "--help"])[1],
        )
        for _ in range(rounds)
    ]
    tensorflow, translated, helped = (
        median(each) for each in zip(*times, strict=True)
    )
    return {
        "seconds": round(translated - tensorflow, 2),
        "tensorflow_seconds": round(tensorflow, 2),
        "help_seconds": round(helped, 2),
    }


def _run(arguments: Sequence[str], given: str = "") -> tuple[float, float]:
    """Run Python; return its processor time and its elapsed time, in seconds.

    Args:
        arguments: command-line arguments of Python.
        given: text for the standard input.
    """
    before, began = _processor_time(), time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        input=given,
        text=True,
        capture_output=True,
        check=True,
    )
    return _processor_time() - before, time.perf_counter() - began


def _processor_time() -> float:
    """Return the processor time of all finished child processes, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
