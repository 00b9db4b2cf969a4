"""Systems timed in turns, each in a process of its own."""

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
    """Amounts a second, of several rounds."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, rates: Sequence[float]) -> Timing:
        return cls(median(rates), min(rates), max(rates))


class Worker:
    """A process that answers a line with a line."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process
        self.parameters: int = self._answer()["parameters"]
        self.peak_memory_mib = 0.0

    def rate(self, do: str, what: str, seconds: float, warm: bool) -> float:
        """How much it does a second; see `app.benchmark.worker`.

        Args:
            do: what it does.
            what: with which batches.
            seconds: for so long at least.
            warm: whether to do it once before.
        """
        told = {"do": do, "what": what, "seconds": seconds, "warm": warm}
        answer = self._ask(told)
        return answer["amount"] / answer["seconds"]

    def profile(self, what: str) -> dict[str, float]:
        """Which share of its time each kind of operation takes."""
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
    """Start systems, one after the other; they end with the block."""
    with ExitStack() as stack:
        yield [stack.enter_context(worker(name, folder)) for name in names]


@contextmanager
def worker(
    system: str, folder: Path, *, name: str = "", cores: int | None = None
) -> Iterator[Worker]:
    """Start a system; it ends with the block.

    Args:
        system: see `app.benchmark.worker`.
        folder: what it is to do.
        name: what it is called, by default as the system is.
        cores: how many of those of this process it has; None for all.
    """
    with _process(system, folder) as process:
        if cores and hasattr(os, "sched_setaffinity"):
            every = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(process.pid, every[:cores])
        yield Worker(name or system, process)


@contextmanager
def _process(name: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "app.benchmark.worker", name, str(folder)]
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
    """Time the same of each system, round after round."""
    timings = {
        each.name: partial(each.rate, do, what, seconds) for each in systems
    }
    return alternated(timings, rounds)


def alternated(
    timings: Mapping[str, Callable[..., float]], rounds: int
) -> dict[str, Timing]:
    """Time this and that, round after round.

    Args:
        timings: of each name what times it and says its rate; `warm` in the
            first round.
        rounds: how often.
    """
    rates: dict[str, list[float]] = {name: [] for name in timings}
    for number in range(rounds):
        for name, rate in timings.items():
            rates[name].append(rate(warm=number == 0))
    return {name: Timing.of(found) for name, found in rates.items()}
