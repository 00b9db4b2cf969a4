"""Workers of a search: where their chief is, who of them is alive."""

import os
import re
import socket
import time
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen, TimeoutExpired

import tensorflow as tf

from app.processes import last_words, shares, start
from app.tuning.folder import Folder
from app.tuning.trials import Place
from data import GlimpseError

GRACE = 10.0  # seconds for workers to end by themselves, once all is done


@dataclass(frozen=True)
class Address:
    """Where the chief listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read HOST:PORT.

        Raises:
            GlimpseError: it is something else.
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
        """One of this machine alone that nobody listens at."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            return cls(*listener.getsockname())

    def require_free(self) -> None:
        """Refuse an address that nobody can listen at."""
        try:
            with socket.socket() as listener:
                # What is left of a chief that was killed is no hindrance.
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
    """A name that can be one of a file, and that Keras Tuner takes rightly.

    Raises:
        GlimpseError: it is none.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text) or "chief" in text:
        raise GlimpseError(
            f"--worker got '{text}'; a name of letters, digits, '.', '_' and "
            "'-' without 'chief' in it is accepted, another for each worker"
        )
    return text


class Watch:
    """Who has given a sign of life, and when: a file that is touched.

    Clocks of different machines are not compared: what counts is whether the
    time of a file changes.

    Args:
        folder: of the search.
        lost_after: seconds without a sign before a worker is lost.
    """

    def __init__(self, folder: Folder, lost_after: float = 0.0) -> None:
        self.folder = folder
        self.lost_after = lost_after
        self._seen: dict[str, tuple[float, float]] = {}

    def lost(self, workers: Collection[str]) -> list[str]:
        """Those who have given no sign for long."""
        return [
            worker
            for worker in tuple(workers)
            if self._silence(worker) > self.lost_after
        ]

    def is_quiet(self, workers: Collection[str], seconds: float) -> bool:
        """Whether nobody has given a sign for so long."""
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
    """Workers on this machine, each with a GPU or cores of its own.

    Args:
        folder: of the search.
        address: of the chief.
        name: of all; each has a number besides.
        size: how many.
        place: where they train.
    """

    def __init__(
        self,
        folder: Folder,
        address: Address,
        name: str,
        size: int,
        place: Place,
    ) -> None:
        self.names = [f"{name}-{number}" for number in range(1, size + 1)]
        self.workers: list[Popen[bytes]] = []
        self._command = ["tune", "--run", str(folder.path)]
        self._command += ["--chief", str(address), *place.options()]
        self._logs = folder.workers
        self._stack = ExitStack()

    def __enter__(self) -> "Team":
        gpus = _gpus()
        cores = [set()] * len(self.names) if gpus else shares(len(self.names))
        for number, name in enumerate(self.names):
            gpu = gpus[number % len(gpus)] if gpus else None
            worker = start(
                [*self._command, "--worker", name],
                self._log(name),
                cores[number],
                {"CUDA_VISIBLE_DEVICES": gpu} if gpu else {},
            )
            self.workers.append(self._stack.enter_context(worker))
        return self

    def __exit__(self, kind: type | None, *error: object) -> None:
        """Wait for all; or, if something went wrong, tell them to end."""
        for worker in self.workers:
            with suppress(TimeoutExpired):
                # One that comes late has nobody to ask any more.
                worker.wait(timeout=0 if kind else GRACE)
            worker.terminate()
        for worker in self.workers:
            worker.wait()
        self._stack.close()

    def wait(self) -> None:
        """Until all are done.

        Raises:
            GlimpseError: all have failed.
        """
        for worker in self.workers:
            worker.wait()
        self.require_alive()

    def require_alive(self) -> None:
        """Refuse to wait for nobody.

        Raises:
            GlimpseError: there are workers, and all have failed.
        """
        codes = [worker.poll() for worker in self.workers]
        if codes and all(codes):  # none goes on (None), none is done (0)
            said = last_words(self._log(self.names[0]))
            raise GlimpseError(
                f"All workers have ended before the search did; {self.names[0]}"
                f" said last: {said}"
            )

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES has them."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        names = [name.strip() for name in allowed.split(",")]
        return [name for name in names if name not in ("", "-1")]
    found = tf.config.list_physical_devices("GPU")
    return [str(number) for number in range(len(found))]
