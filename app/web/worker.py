"""A bounded queue in front of the one thread that runs TensorFlow."""

import queue
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, NamedTuple

# key, items → a result for each item, in order
Work = Callable[[Any, list[Any]], list[Any]]


class BusyError(Exception):
    """The queue is full: nothing was taken in."""


class Job(NamedTuple):
    """One item to do, and who waits for it."""

    key: Hashable
    item: Any
    future: Future[Any]


class Worker:
    """Does jobs in one thread; those that wait with the same key, together.

    Args:
        work: does items of one key; what it raises, each of them gets.
        capacity: how many jobs may wait.
        batch_size: how many of those that wait are taken at once.
    """

    def __init__(self, work: Work, capacity: int, batch_size: int) -> None:
        self.capacity = capacity
        self._work = work
        self._batch_size = batch_size
        self._jobs: queue.Queue[Job | None] = queue.Queue(capacity)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Do what waits, then end the thread."""
        self._jobs.put(None)
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """How many jobs wait, the ones being done left out."""
        return self._jobs.qsize()

    def submit(self, key: Hashable, item: Any) -> Future[Any]:
        """Queue one item; never waits.

        Raises:
            BusyError: the queue is full.
        """
        job = Job(key, item, Future())
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise BusyError from None
        return job.future

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            jobs, ended = self._with_waiting(job)
            for group in _alike(jobs):
                self._do(group)
            if ended:
                return

    def _with_waiting(self, job: Job) -> tuple[list[Job], bool]:
        """A job with those behind it, and whether the end was among them."""
        jobs = [job]
        while len(jobs) < self._batch_size:
            try:
                following = self._jobs.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return jobs, True
            jobs.append(following)
        return jobs, False

    def _do(self, jobs: list[Job]) -> None:
        wanted = [
            job for job in jobs if job.future.set_running_or_notify_cancel()
        ]
        if not wanted:
            return
        try:
            results = self._work(wanted[0].key, [job.item for job in wanted])
        except Exception as error:
            for job in wanted:
                job.future.set_exception(error)
            return
        for job, result in zip(wanted, results, strict=True):
            job.future.set_result(result)


def _alike(jobs: list[Job]) -> list[list[Job]]:
    """Jobs by key, each group where its first one stood."""
    groups: dict[Hashable, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.key, []).append(job)
    return list(groups.values())
