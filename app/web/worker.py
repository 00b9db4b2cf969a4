"""Worker: the one thread that runs TensorFlow, with a bounded queue of jobs."""

import queue
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, NamedTuple

# Function from a key and a list of items to a list of results, in order
Work = Callable[[Any, list[Any]], list[Any]]


class BusyError(Exception):
    """Error raised if a job cannot be queued because the queue is full."""


class Job(NamedTuple):
    """Job in the queue of a worker.

    Attributes:
        key: key of the job; jobs with equal keys can be done together.
        item: input of the job.
        future: future that gets the result.
    """

    key: Hashable
    item: Any
    future: Future[Any]


class Worker:
    """Thread that does jobs from a queue, in batches of jobs with equal keys.

    Args:
        work: function that does a batch of jobs with the same key. It gets the
            key and the list of items, and returns a result for each item, in
            order. If it raises an error, all jobs of the batch fail.
        capacity: greatest number of jobs that may wait in the queue.
        batch_size: greatest number of jobs that are taken from the queue at
            once, to be grouped by key.
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
        """Make the thread end after the waiting jobs, and wait for its end."""
        self._jobs.put(None)
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Number of jobs in the queue, not counting those being done."""
        return self._jobs.qsize()

    def submit(self, key: Hashable, item: Any) -> Future[Any]:
        """Add a job to the queue, and return a future for its result at once.

        Args:
            key: key of the job; jobs with equal keys may be done together.
            item: input of the job.

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
        """Take waiting jobs from the queue, and return them after `job`.

        Return a list of `job` and up to `batch_size - 1` waiting jobs, whose
        keys may differ. Also return whether the thread has to end after these
        jobs because `stop` has been called.
        """
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
    """Group jobs by key; the groups are in the order of their first jobs."""
    groups: dict[Hashable, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.key, []).append(job)
    return list(groups.values())
