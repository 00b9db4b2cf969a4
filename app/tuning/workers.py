"""Workers of a search: processes that train trials for the chief.

The chief is the process that chooses the trials. This module represents the
address of the chief, starts workers on this machine, and finds out which
workers are alive.
"""

import os
import re
import socket
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen, TimeoutExpired

import tensorflow as tf

from app.machine.processes import Children, last_words
from app.tuning.folder import Folder
from data import GlimpseError, Places

GRACE = 10.0  # seconds for workers to end by themselves after the search


@dataclass(frozen=True)
class Address:
    """Network address at which the chief of a search answers workers."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read an address from a text HOST:PORT.

        Raises:
            GlimpseError: the text is not HOST:PORT.
        """
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) <= 65535:
            raise GlimpseError(
                f"--chief got '{text}'; HOST:PORT is accepted, such as "
                "127.0.0.1:8123"
            )
        return cls(host, int(port))

    @classmethod
    def free(cls) -> "Address":
        """Return an address with the host 127.0.0.1 and a free port.

        Only this machine can reach the address.
        """
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            return cls(*listener.getsockname())

    def require_free(self) -> None:
        """Check that this process can listen at the address.

        Raises:
            GlimpseError: the port is in use, or the host is not this machine.
        """
        try:
            with socket.socket() as listener:
                # A connection left by a killed chief does not matter.
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((self.host, self.port))
        except OSError as error:
            raise GlimpseError(
                f"--chief cannot listen at {self} ({error.strerror or error}); "
                "give an address of this machine and a free port"
            ) from error

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def worker_name(text: str) -> str:
    """Check the name of a worker, and return it.

    The name must be suitable as a file name, and must not contain "chief",
    since Keras Tuner recognises the chief by that word.

    Raises:
        GlimpseError: the name is not suitable.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text) or "chief" in text:
        raise GlimpseError(
            f"--worker got '{text}'; a name of letters, digits, '.', '_' and "
            "'-' without 'chief' in it is accepted, and each worker needs its "
            "own"
        )
    return text


class Vigil:
    """Monitor that finds workers without a recent sign of life.

    Each worker regularly touches a file of its own. Any change in the
    modification time of that file is a sign of life. So the clocks of different
    machines need not agree.

    Args:
        folder: folder of the search, which contains the files of the workers.
        lost_after: seconds without a sign of life after which a worker counts
            as lost.
    """

    def __init__(self, folder: Folder, lost_after: float = 0.0) -> None:
        self.folder = folder
        self.lost_after = lost_after
        self._seen: dict[str, tuple[float, float]] = {}

    def lost(self, workers: Collection[str]) -> list[str]:
        """Return the names of the lost workers among `workers`.

        A worker counts as lost if it has given no sign of life for more than
        `lost_after` seconds.
        """
        return [
            worker
            for worker in tuple(workers)
            if self._silence(worker) > self.lost_after
        ]

    def is_quiet(self, workers: Collection[str], seconds: float) -> bool:
        """Tell whether all of `workers` have been silent for `seconds`.

        The seconds are counted from the worker's last sign of life; if there
        was none yet, from the first time that this object checked the worker.
        """
        return all(self._silence(name) > seconds for name in tuple(workers))

    def _silence(self, worker: str) -> float:
        path = self.folder.sign(worker)
        sign = path.stat().st_mtime if path.is_file() else 0.0
        now = time.monotonic()
        last, since = self._seen.get(worker, (None, now))
        if sign != last:
            since = now
        self._seen[worker] = (sign, since)
        return now - since


class Team:
    """Worker processes on this machine, which share its GPUs or CPU cores.

    A team is a context manager. It starts the workers at the beginning of the
    `with` block, and ends them at the end of the block.

    Args:
        folder: folder of the search.
        address: address of the chief, which gives trials to the workers.
        name: name of the team; its workers are called NAME-1, NAME-2 and so on.
        size: number of workers.
        places: folders of the corpora that trials are trained on.
    """

    def __init__(
        self,
        folder: Folder,
        address: Address,
        name: str,
        size: int,
        places: Places,
    ) -> None:
        self.names = [f"{name}-{number}" for number in range(1, size + 1)]
        self.children = Children(size)
        self.workers: list[Popen[bytes]] = []
        self._command = ["tune", "--run", str(folder.path)]
        self._command += ["--chief", str(address), *places.arguments()]
        self._logs = folder.workers

    def __enter__(self) -> "Team":
        gpus = _gpus()
        for number, name in enumerate(self.names):
            command = [*self._command, "--worker", name]
            gpu = gpus[number % len(gpus)] if gpus else None
            self.workers.append(
                self.children.start(command, self._log(name), number, gpu)
            )
        return self

    def __exit__(self, kind: type | None, *error: object) -> None:
        """End the workers.

        If the `with` block ended with an error, end the workers at once.
        Otherwise, first give each worker up to `GRACE` seconds to end by
        itself.
        """
        for worker in self.workers:
            with suppress(TimeoutExpired):
                # A worker that ends too late no longer finds the chief.
                worker.wait(timeout=0 if kind else GRACE)
        self.children.stop()
        for worker in self.workers:
            self.children.wait(worker)

    def wait(self) -> None:
        """Wait until all workers have ended.

        Raises:
            GlimpseError: all workers have failed.
        """
        for worker in self.workers:
            worker.wait()
        self.require_alive()

    def require_alive(self) -> None:
        """Raise an error if all workers have failed.

        If the team has no workers, do nothing.

        Raises:
            GlimpseError: the team has workers, and all of them have ended with
                an error.
        """
        codes = [worker.poll() for worker in self.workers]
        if codes and all(codes):  # none runs (None) or has succeeded (0)
            said = last_words(self._log(self.names[0]))
            raise GlimpseError(
                f"All workers have ended before the search did; {self.names[0]}"
                f" said last: {said}"
            )

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _gpus() -> list[str]:
    """List the GPUs of this process, named as in CUDA_VISIBLE_DEVICES."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        names = [name.strip() for name in allowed.split(",")]
        return [name for name in names if name not in ("", "-1")]
    found = tf.config.list_physical_devices("GPU")
    return [str(number) for number in range(len(found))]
