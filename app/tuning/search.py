"""Hyperparameter search in one process, or by a chief and its workers.

There are two ways to search. In the first, one process chooses the trials and
trains them. In the second, one process, the chief, chooses the trials, and
other processes, the workers, train them. Workers run on this machine, or on
other machines that share the folder of the search. Keras Tuner implements the
communication between the chief and the workers. This module starts the chief
and the workers, and detects when one of them fails.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc

from app.machine.processes import ended_like_interrupted
from app.tuning import results
from app.tuning.budget import Budget, hopeless
from app.tuning.clock import Clock
from app.tuning.folder import Folder, Record
from app.tuning.oracles import Lasting, make_oracle
from app.tuning.progress import Progress
from app.tuning.trials import Post
from app.tuning.tuner import Tuner, silent
from app.tuning.workers import Address, Team, Vigil, worker_name
from data import GlimpseError, Places
from data.writing import alone

LOOK = 0.5  # seconds between checks of the workers
QUIET = 5.0  # workers without a sign of life for so many seconds have stopped
log = logging.getLogger(__name__)


def search_in(
    folder: Folder,
    budget: Budget,
    places: Places,
    chief: str | None = None,
    jobs: int | None = None,
    lost_after: float = 120.0,
) -> None:
    """Run a search in this process alone, or as the chief of workers.

    If `chief` is given or `jobs` is more than 1, call `lead`; otherwise, call
    `search_alone`. The docstring of `lead` explains the arguments. If `jobs` is
    None, a chief starts no workers on its own machine.
    """
    if chief or (jobs or 1) > 1:
        lead(folder, budget, chief, jobs or 0, places, lost_after)
    else:
        search_alone(folder, budget, places)


def search_alone(folder: Folder, budget: Budget, places: Places) -> None:
    """Choose trials and train them in this process, one after the other.

    Args:
        folder: folder of the search.
        budget: limits on the cost of the search.
        places: folders of the corpora that trials are trained on.

    Raises:
        GlimpseError: too many trials failed or were refused, or another process
            uses the folder.
    """
    with alone(folder.path), _Session(folder, budget) as session:
        tuner = Tuner(
            folder,
            session.oracle,
            Post(places),
            is_late=session.is_late,
            look=session.progress.look,
        )
        tuner.save()  # so that an interrupted search can be continued
        tuner.go()


def lead(
    folder: Folder,
    budget: Budget,
    chief: str | None,
    jobs: int,
    places: Places,
    lost_after: float,
) -> None:
    """Be the chief: choose trials that workers train, until the search ends.

    Args:
        folder: folder of the search.
        budget: limits on the cost of the search.
        chief: address HOST:PORT at which this process answers workers. If None,
            it uses a free port that only this machine can reach.
        jobs: number of workers to start on this machine. If 0, the user starts
            all workers.
        places: folders of the corpora that trials are trained on.
        lost_after: seconds without a sign of life after which a worker counts
            as lost, and its trial is given to another worker.

    Raises:
        GlimpseError: this process cannot listen at the address, too many trials
            failed or were refused, all workers that this process started have
            failed, the oracle could not be saved, or the folder is in use.
    """
    address = Address.parse(chief) if chief else Address.free()
    address.require_free()
    folder.workers.mkdir(exist_ok=True)
    team = Team(folder, address, "here", jobs, places)
    vigil = Vigil(folder, lost_after)
    with (
        alone(folder.path),
        silent(),
        _Session(folder, budget, keeps_workers=True) as session,
        _named("chief", address),
        team,
    ):
        folder.late.unlink(missing_ok=True)
        oracle = session.oracle
        tuner = Tuner(folder, oracle, Post())
        tuner.save()
        if chief is None:  # an earlier session may have had more workers
            for worker in oracle.tuner_ids - {*team.names}:
                oracle.release(worker)
        # A daemon: at the end of the search it may still wait for workers.
        server = threading.Thread(target=tuner.search, daemon=True)
        server.start()
        while not (oracle.is_over and not oracle.tuner_ids):
            time.sleep(LOOK)
            session.progress.look()
            team.require_alive()
            _require_answers(oracle, server, address)
            if session.is_late():
                folder.late.touch()
                if vigil.is_quiet(oracle.ongoing_trials, QUIET):
                    break
            _release_lost(oracle, vigil)


def _require_answers(
    oracle: Lasting, server: threading.Thread, address: Address
) -> None:
    """Raise an error if the chief can no longer answer its workers.

    Args:
        oracle: oracle of the chief.
        server: thread that answers the workers.
        address: address of the chief, for the message.

    Raises:
        GlimpseError: the oracle could not be saved, or the thread ended
            before the search was over.
    """
    if oracle.broken:
        raise oracle.broken
    if not (server.is_alive() or oracle.is_over):
        raise GlimpseError(
            f"The chief no longer answers at {address}; give the same command "
            "again to continue"
        )


def _release_lost(oracle: Lasting, vigil: Vigil) -> None:
    """Remove each lost worker, so that another worker gets its trial."""
    for worker in vigil.lost(oracle.tuner_ids):
        oracle.release(worker)
        log.warning(
            "Worker %s has not been heard of for %.0f s; its trial goes to "
            "another worker",
            worker,
            vigil.lost_after,
        )


def join(path: Path, chief: str, name: str, jobs: int, places: Places) -> None:
    """Be a worker: train trials that the chief chooses, until the search ends.

    Args:
        path: folder of the search. If the chief has not created the search yet,
            the worker waits until the chief has created it.
        chief: address HOST:PORT of the chief.
        name: name of the worker.
        jobs: number of trials to train at the same time. If it is more than 1,
            that many worker processes are started, named NAME-1, NAME-2, ….
        places: folders of the corpora that trials are trained on.

    Raises:
        GlimpseError: the chief has not created a search, the chief cannot be
            reached, another worker has taken over the trial of this worker, or
            all worker processes have failed.
    """
    address = Address.parse(chief)
    worker = worker_name(name)
    folder = Folder(path)
    folder.wait()
    folder.workers.mkdir(exist_ok=True)
    if jobs == 1:
        _work(folder, address, Post(places, worker))
        return
    with (
        ended_like_interrupted(),
        Team(folder, address, worker, jobs, places) as team,
    ):
        team.wait()


def _work(folder: Folder, address: Address, post: Post) -> None:
    log.info("Worker %s asks the chief at %s for trials", post.worker, address)
    sign = folder.sign(post.worker)
    with silent(), _named(post.worker, address), ended_like_interrupted():
        tuner = Tuner(
            folder,
            make_oracle(folder),
            post,
            is_late=folder.late.exists,
            look=sign.touch,
        )
        sign.touch()
        try:
            tuner.go()
        except grpc.RpcError as error:
            raise GlimpseError(
                f"The chief at {address} does not answer; start it again, then "
                "this worker, which then continues its trial"
            ) from error


class _Session:
    """Session of a search, from one start of the search until its next stop.

    A search that is stopped and continued has several sessions. This context
    manager owns the oracle, the clock and the display of progress. At the end
    of the `with` block, it saves the time spent on the search. It also writes
    the results, unless an error other than Ctrl-C ended the block.

    Args:
        folder: folder of the search.
        budget: limits on the cost of the search.
        keeps_workers: whether a trial that did not end in the previous session
            stays assigned to the worker that was training it.
    """

    def __init__(
        self, folder: Folder, budget: Budget, *, keeps_workers: bool = False
    ) -> None:
        self.folder = folder
        self.budget = budget
        self.clock = Clock(folder)
        self.earlier = {record.trial for record in folder.records()}
        self.oracle: Lasting = make_oracle(folder)
        self.oracle.keeps_workers = keeps_workers
        self.oracle.is_spent = self._is_spent
        self.progress = Progress(folder, budget, self.clock)
        self._signals = ExitStack()

    def is_late(self) -> bool:
        return self.budget.is_late(self.clock.seconds())

    def _is_spent(self) -> bool:
        records = self.folder.records()
        return self._hopeless(records) is not None or self.budget.is_spent(
            self.oracle.trials,
            records,
            self.clock.seconds(),
            self.folder.settings.epochs,
        )

    def _hopeless(self, records: Iterable[Record]) -> str | None:
        return hopeless([r for r in records if r.trial not in self.earlier])

    def __enter__(self) -> "_Session":
        self._signals.enter_context(ended_like_interrupted())
        return self

    def __exit__(self, kind: type | None, *error: object) -> None:
        with self._signals:
            self.clock.save()
            self.progress.close()
            if kind in (None, KeyboardInterrupt):
                results.finish(self.folder)
        if kind is KeyboardInterrupt:
            log.warning("Stopped; to continue, give the same command again")
        if kind is None and (reason := self._hopeless(self.folder.records())):
            raise GlimpseError(reason)


@contextmanager
def _named(name: str, address: Address) -> Iterator[None]:
    """Set environment variables that make Keras Tuner act as chief or worker.

    The variables contain the name of this process and the address of the chief.
    They are removed at the end of the `with` block.
    """
    told = {
        "KERASTUNER_TUNER_ID": name,
        "KERASTUNER_ORACLE_IP": address.host,
        "KERASTUNER_ORACLE_PORT": str(address.port),
    }
    os.environ.update(told)
    try:
        yield
    finally:
        for key in told:
            os.environ.pop(key, None)
