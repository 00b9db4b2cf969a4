"""Child processes that run commands of this application; see `app.child`."""

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


def start(
    command: Sequence[str],
    log: Path,
    cores: Collection[int] = (),
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start `python -m app COMMAND` in a child process.

    The child process ends when this process ends.

    Args:
        command: the words after `app` on the command line.
        log: the file that the output of the child is appended to.
        cores: ids of the CPU cores that the child may use, such as {0, 1};
            empty to let it use all cores.
        environment: environment variables that the child gets in addition to
            those of this process.
    """
    with log.open("ab") as file:
        child = subprocess.Popen(
            [sys.executable, "-m", "app.child", *command],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            env={**os.environ, **(environment or {})},
            start_new_session=True,  # Ctrl-C does not reach it directly
        )
    with suppress(ProcessLookupError):  # it has ended already
        if cores:
            os.sched_setaffinity(child.pid, cores)
    return child


def last_words(log: Path) -> str:
    """Return the last non-blank line of a log.

    If there is no such line or no log, the result is an empty text.
    """
    text = log.read_text("utf-8", errors="replace") if log.is_file() else ""
    lines = text.replace("\r", "\n").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "")


def core_sets(jobs: int) -> list[set[int]]:
    """Divide the CPU cores among jobs; return the set of core ids of each job.

    An empty set means that the job may use all cores. All sets are empty if
    there is only one job, or if the system cannot bind a process to cores.
    """
    if jobs == 1 or not hasattr(os, "sched_getaffinity"):
        return [set() for _ in range(jobs)]
    every = sorted(os.sched_getaffinity(0))
    return [set(every[job::jobs]) or set(every) for job in range(jobs)]


class Children:
    """Group of child processes that run in parallel; `stop` ends them all.

    Args:
        jobs: number of processes that run at the same time. The CPU cores are
            divided among them.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.is_stopping = False
        self._cores = core_sets(jobs)
        self._running: set[subprocess.Popen[bytes]] = set()

    def start(
        self,
        command: Sequence[str],
        log: Path,
        job: int,
        gpu: str | None = None,
    ) -> "subprocess.Popen[bytes]":
        """Start `python -m app COMMAND` in a child process.

        The caller must later pass the result to `wait`.

        Args:
            command: the words after `app` on the command line.
            log: the file that the output of the process is appended to.
            job: number of the job, from 0 to `jobs` - 1; it determines the
                cores that the process may use.
            gpu: the only GPU that the process may use, as a value of
                CUDA_VISIBLE_DEVICES; the process may then use all cores. If
                None, the process inherits CUDA_VISIBLE_DEVICES.
        """
        cores = () if gpu else self._cores[job]
        environment = {"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}
        child = start(command, log, cores, environment)
        self._running.add(child)
        if self.is_stopping:  # `stop` was called just now
            child.terminate()
        return child

    def wait(self, child: "subprocess.Popen[bytes]") -> int:
        """Wait until a child process has ended; return its exit code."""
        with child:
            code = child.wait()
        self._running.discard(child)
        return code

    def stop(self) -> None:
        """Send SIGTERM to all children; they save their state and then end."""
        self.is_stopping = True
        for child in tuple(self._running):
            child.terminate()


@contextmanager
def ended_like_interrupted() -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt the `with` block as Ctrl-C does.

    SIGHUP is the signal that a process gets when its terminal is closed.
    """
    names = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    old = {n: signal.signal(n, signal.default_int_handler) for n in numbers}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
