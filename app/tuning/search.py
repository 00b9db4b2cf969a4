"""A search: in this process, or by a chief and its workers.

One process chooses trials and trains them, or one chooses (the chief) and
others train (its workers), on this machine or others that share the folder.
Chief and workers are Keras Tuner's own; what is here watches over them.
"""

import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import grpc

from app.processes import ended_like_interrupted
from app.run import alone
from app.tuning import results
from app.tuning.budget import Budget, hopeless
from app.tuning.folder import Clock, Folder, Record
from app.tuning.oracles import Lasting, make_oracle
from app.tuning.progress import Progress
from app.tuning.trials import Place
from app.tuning.tuner import Tuner, silent
from app.tuning.workers import Address, Team, Watch, worker_name
from data import GlimpseError

LOOK = 0.5  # seconds between looks at the workers
QUIET = 5.0  # seconds without a sign of life: they have stopped as told
log = logging.getLogger(__name__)


def search(folder: Folder, budget: Budget, place: Place) -> None:
    """Choose trials and train them, one after the other.

    Raises:
        GlimpseError: nothing but failures, or another search is at it.
    """
    with alone(folder.path), _Session(folder, budget) as session:
        tuner = Tuner(
            folder,
            session.oracle,
            place,
            is_late=session.is_late,
            look=session.progress.look,
        )
        tuner.save()  # or there would be nothing to go on with
        tuner.go()


def lead(
    folder: Folder,
    budget: Budget,
    chief: str | None,
    jobs: int,
    place: Place,
    lost_after: float,
) -> None:
    """Choose trials for workers to train, until there is no more to do.

    Args:
        folder: of the search.
        budget: what it may cost.
        chief: HOST:PORT to listen at; None for this machine alone, with
            `jobs` workers.
        jobs: workers to start here, if more than one.
        place: where they train.
        lost_after: seconds without a sign of life before the trial of a
            worker is given to another.

    Raises:
        GlimpseError: nobody can listen there, nothing but failures, or another
            search is at it.
    """
    address = Address.parse(chief) if chief else Address.free()
    address.require_free()
    folder.workers.mkdir(exist_ok=True)
    team = Team(folder, address, "here", jobs if jobs > 1 else 0, place)
    watch = Watch(folder, lost_after)
    with (
        alone(folder.path),
        silent(),
        _Session(folder, budget, keeps_workers=True) as session,
        _named("chief", address),
        team,
    ):
        folder.late.unlink(missing_ok=True)
        oracle = session.oracle
        tuner = Tuner(folder, oracle, Place())
        tuner.save()
        if chief is None:  # no worker of another number of jobs will come back
            for worker in oracle.tuner_ids - {*team.names}:
                oracle.release(worker)
        # It may serve longer than there is a use for it.
        server = threading.Thread(target=tuner.search, daemon=True)
        server.start()
        while not (oracle.is_over and not oracle.tuner_ids):
            time.sleep(LOOK)
            session.progress.look()
            team.require_alive()
            if oracle.broken:
                raise oracle.broken
            if not (server.is_alive() or oracle.is_over):
                raise GlimpseError(
                    f"The chief can no longer be asked at {address}; the same "
                    "command goes on"
                )
            if session.is_late():
                folder.late.touch()
                if watch.is_quiet(oracle.ongoing_trials, QUIET):
                    break
            for worker in watch.lost(oracle.tuner_ids):
                oracle.release(worker)
                log.warning(
                    "Worker %s has not been heard of for %.0f s; another one "
                    "goes on with its trial",
                    worker,
                    lost_after,
                )


def join(path: Path, chief: str, name: str, jobs: int, place: Place) -> None:
    """Train trials that the chief chooses, until it is done.

    Args:
        path: the folder of the search, which the chief has made.
        chief: HOST:PORT.
        name: of the worker.
        jobs: trials at a time; if more than one, in so many processes.
        place: where they train.

    Raises:
        GlimpseError: there is no search, or the chief was lost.
    """
    address = Address.parse(chief)
    worker = worker_name(name)
    folder = Folder(path)
    folder.wait()
    folder.workers.mkdir(exist_ok=True)
    if jobs == 1:
        _work(folder, address, replace(place, worker=worker))
        return
    with (
        ended_like_interrupted(),
        Team(folder, address, worker, jobs, place) as team,
    ):
        team.wait()


def _work(folder: Folder, address: Address, place: Place) -> None:
    log.info("Worker %s asks the chief at %s for trials", place.worker, address)
    sign = folder.sign(place.worker)
    with silent(), _named(place.worker, address), ended_like_interrupted():
        tuner = Tuner(
            folder,
            make_oracle(folder),
            place,
            is_late=folder.late.exists,
            look=sign.touch,
        )
        sign.touch()
        try:
            tuner.go()
        except grpc.RpcError as error:
            raise GlimpseError(
                f"The chief at {address} does not answer; start it again, then "
                "this worker, which goes on with its trial"
            ) from error


class _Session:
    """What surrounds a search: its clock, what is shown, its results."""

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
            log.warning("Stopped; the same command goes on where this one was")
        if kind is None and (reason := self._hopeless(self.folder.records())):
            raise GlimpseError(reason)


@contextmanager
def _named(name: str, address: Address) -> Iterator[None]:
    """Tell Keras Tuner who this process is and where the chief is."""
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
