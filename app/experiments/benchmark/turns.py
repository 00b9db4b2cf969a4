"""Measurement of the speeds of several systems, which take turns.

A system is a model written with one of the libraries that are compared. Each
system runs in a child process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from data import GlimpseError


class Timing(NamedTuple):
    """Summary of the speeds that were measured in several rounds.

    A speed is an amount of work per second, see `Worker.rate`.

    Attributes:
        median: median of the speeds of the rounds.
        lowest: speed of the slowest round.
        highest: speed of the fastest round.
    """

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, rates: Sequence[float]) -> Timing:
        return cls(median(rates), min(rates), max(rates))


class Worker:
    """Child process that runs one system.

    For each line of JSON that it gets on its standard input, it prints a line
    of JSON.

    Args:
        name: name of the worker, for results and messages.
        process: the child process, whose standard input and output are pipes.

    Raises:
        GlimpseError: the process ends before it prints its first line.
    """

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process
        self.parameters: int = self._answer()["parameters"]
        self.peak_memory_mib = 0.0

    def rate(self, do: str, what: str, seconds: float, warm: bool) -> float:
        """Measure how fast the system does a task; return work per second.

        The amount of work is the number of target tokens if the task is
        training, and the number of sentences if the task is translation.

        Args:
            do: name of the task: "train", or the name of another method of
                the system, such as "greedy".
            what: name of the set of batches to train on; unused in translation.
            seconds: least duration of the timing, in seconds.
            warm: whether to do the task once before the timing.

        Raises:
            GlimpseError: the process ends before it answers.
        """
        told = {"do": do, "what": what, "seconds": seconds, "warm": warm}
        answer = self._ask(told)
        return answer["amount"] / answer["seconds"]

    def profile(self, what: str) -> dict[str, float]:
        """Return the share of training time that each kind of operation takes.

        Args:
            what: name of the set of batches to train on.

        Raises:
            GlimpseError: the process ends before it answers.
        """
        return self._ask({"do": "profile", "what": what})["shares"]

    def _ask(self, told: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        answer = self._answer()
        self.peak_memory_mib = answer["peak_memory_mib"]
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise GlimpseError(
                f"The system {self.name} ended with exit code "
                f"{self._process.wait()} before it answered; what it printed "
                "is above: leave it out with --peers"
            )
        return json.loads(line)


@contextmanager
def workers(names: Sequence[str], folder: Path) -> Iterator[list[Worker]]:
    """Start a worker process for each system; end them after the `with` block.

    Args:
        names: names of the systems.
        folder: folder of the files that describe the model and the batches.
    """
    with ExitStack() as stack:
        yield [stack.enter_context(worker(name, folder)) for name in names]


@contextmanager
def worker(
    system: str, folder: Path, *, name: str = "", cores: int | None = None
) -> Iterator[Worker]:
    """Start a worker process for a system; end it after the `with` block.

    Args:
        system: name of the system, a key of `SYSTEMS` in the module `worker`.
        folder: folder of the files that describe the model and the batches.
        name: name of the worker; if empty, the name of the system.
        cores: number of processor cores that the worker may use; None for all
            cores that this process may use.
    """
    with _process(system, folder) as process:
        if cores and hasattr(os, "sched_setaffinity"):
            every = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(process.pid, every[:cores])
        yield Worker(name or system, process)


@contextmanager
def _process(name: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [
        sys.executable,
        "-m",
        "app.experiments.benchmark.worker",
        name,
        str(folder),
    ]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def in_turns(
    systems: Sequence[Worker],
    do: str,
    what: str = "",
    *,
    seconds: float,
    rounds: int,
) -> dict[str, Timing]:
    """Measure how fast each system does a task; the systems take turns.

    Args:
        systems: the workers that run the systems.
        do: name of the task, see `Worker.rate`.
        what: name of the set of batches, see `Worker.rate`.
        seconds: least duration of each timing, in seconds.
        rounds: number of timings of each system.

    Returns:
        The speed of each worker, by its name.
    """
    timings = {
        each.name: partial(each.rate, do, what, seconds) for each in systems
    }
    return alternated(timings, rounds)


def alternated(
    timings: Mapping[str, Callable[..., float]], rounds: int
) -> dict[str, Timing]:
    """Call timing functions in turns, for several rounds.

    Args:
        timings: functions by name. Each function measures and returns the speed
            of a task. Its argument `warm` is true in the first round, and
            false in all others.
        rounds: number of calls of each function.

    Returns:
        A summary of the speeds that each function returned, by the function's
        name.
    """
    rates: dict[str, list[float]] = {name: [] for name in timings}
    for number in range(rounds):
        for name, rate in timings.items():
            rates[name].append(rate(warm=number == 0))
    return {name: Timing.of(found) for name, found in rates.items()}
