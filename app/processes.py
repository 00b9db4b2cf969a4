"""Commands of this application in processes of their own.

A process that trains ends when the one that started it does, however that
ended: no training goes on that nobody waits for. It is told by its standard
input, which ends then.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

FAILED_BY_ITSELF = 1


def start(
    command: Sequence[str],
    log: Path,
    cores: Collection[int] = (),
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start `python -m app COMMAND`; wait for it inside of `with`.

    Args:
        command: what stands behind `app`.
        log: what it prints is added to this file.
        cores: those it has to itself; empty for all.
        environment: variables that it has besides ours.
    """
    with log.open("ab") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", __name__, *command],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # Ctrl-C reaches it through us alone
        )
    with suppress(ProcessLookupError):  # it has ended already
        if cores:
            os.sched_setaffinity(child.pid, cores)
    return child


def places(data_dir: Path | None, cache_dir: Path | None) -> list[str]:
    """Options that tell a command where corpora are."""
    named = {"--data-dir": data_dir, "--cache-dir": cache_dir}
    given = [[name, str(path)] for name, path in named.items() if path]
    return [part for pair in given for part in pair]


def last_words(log: Path) -> str:
    """The last line that a process printed, or nothing."""
    text = log.read_text("utf-8", errors="replace") if log.is_file() else ""
    lines = text.replace("\r", "\n").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "")


def shares(jobs: int) -> list[set[int]]:
    """The cores of each job; empty for all, or where it cannot be said."""
    if jobs == 1 or not hasattr(os, "sched_getaffinity"):
        return [set() for _ in range(jobs)]
    every = sorted(os.sched_getaffinity(0))
    return [set(every[job::jobs]) or set(every) for job in range(jobs)]


@contextmanager
def ended_like_interrupted() -> Iterator[None]:
    """A closed terminal and SIGTERM do what Ctrl-C does: no child goes on."""
    names = ("SIGTERM", "SIGHUP")  # the latter not on Windows
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    old = {n: signal.signal(n, signal.default_int_handler) for n in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _end_with_parent() -> None:
    # At once: what is worth keeping is in a checkpoint, and whoever goes on
    # with the run must not find this process still at it.
    os.read(0, 1)  # not through sys.stdin, which is locked as Python ends
    os._exit(FAILED_BY_ITSELF)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from app.__main__ import main

    main()
