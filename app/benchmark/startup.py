"""What a command takes before its work, apart from TensorFlow's import."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from app.config import Config
from app.run import Run, Tokenizers

# It ends as commands do: to take TensorFlow apart takes a second.
TENSORFLOW = "import os, tensorflow, keras, tensorflow_text; os._exit(0)"
SENTENCE = "a\n"


def startup(
    folder: Path, config: Config, tokenizers: Tokenizers, rounds: int
) -> dict[str, float]:
    """Start commands in turns with TensorFlow alone, each in a fresh process.

    Args:
        folder: for a run that nobody trained; it is not there yet.
        config: of the run.
        tokenizers: of the run.
        rounds: how often; medians count.

    Returns:
        `tensorflow_seconds`, the processor time of its import; `seconds`, what
        `translate` of one short sentence takes above that; and `help_seconds`,
        how long `--help` is waited for.
    """
    run = Run.create(folder, config)
    run.save_tokenizers(tokenizers)
    run.save_weights(run.build_model(tokenizers), "best")
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
    """Processor time of Python with these arguments, and time by the clock."""
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
    """Of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
