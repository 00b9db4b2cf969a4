"""A chief and its workers on this machine; trials are a stand-in's."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen
from typing import Any

import grpc
import pytest
from keras_tuner.errors import FatalError

from app.machine import processes
from app.tuning import search, trials, tuner, workers
from app.tuning.budget import Budget
from app.tuning.folder import Folder, open_or_create
from app.tuning.oracles import make_oracle
from app.tuning.search import join, lead, search_alone
from app.tuning.trials import Post
from app.tuning.workers import Address, Team, Vigil, worker_name
from data import GlimpseError, Places
from tests.app.commands.test_main import invoke
from tests.app.tuning import fake
from tests.app.tuning.fake import write_space
from tests.app.tuning.test_search import ROOT, command, wait_for

TRIALS = 8
FAKE = (sys.executable, "-m", "tests.app.tuning.fake", "tune")


@pytest.fixture
def begin() -> Iterator[Callable[..., "Popen[str]"]]:
    """Starts processes, which end with the test whatever becomes of it."""
    with ExitStack() as stack:

        def start(*command: str) -> "Popen[str]":
            process = Popen(
                command,
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)  # before it is waited for
            return process

        yield start


def test_a_worker_that_is_killed_is_survived(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    begin: Callable[..., "Popen[str]"],
) -> None:
    """One of two, the chief, and the other, which is started again."""
    folder, space = tmp_path / "search", write_space(tmp_path)
    monkeypatch.setenv("FAKE_SECONDS", "0.3")
    address = str(Address.free())
    choose = (
        *command(folder, space, "--trials", str(TRIALS), "--json"),
        *("--chief", address, "--lost-after", "2"),
    )
    chief = begin(*choose)
    join = (*FAKE, "--run", str(folder), "--chief", address, "--worker")
    killed, other = begin(*join, "a"), begin(*join, "b")

    def of(worker: str, status: str) -> list[str]:
        return [
            record.trial
            for record in Folder(folder).records()
            if (record.worker, record.status) == (worker, status)
        ]

    wait_for(lambda: of("a", "running") and of("b", "completed"))
    (left,) = of("a", "running")
    killed.kill()
    killed.communicate()
    chief.kill()
    chief.communicate()
    chief = begin(*choose)
    # Killed without having been given up, it goes on with its own trial.
    wait_for(lambda: of("b", "running") not in ([], [left]))
    mine = of("b", "running")
    other.kill()
    other.communicate()
    again = begin(*join, "b")
    told, said = chief.communicate(timeout=300)
    _, worker_said = again.communicate(timeout=60)

    assert chief.returncode == 0, said
    assert again.returncode == 0, worker_said
    found = json.loads(told)["trials"]
    assert [each["trial"] for each in found] == [
        f"{n:04}" for n in range(TRIALS)
    ]
    assert {each["status"] for each in found} == {"completed"}
    assert "Worker a has not been heard of for 2 s" in said
    by = {each["trial"]: each["worker"] for each in found}
    assert by[left] == "b"
    assert by[mine[0]] == "b"
    assert not Folder(folder).late.exists()


def test_several_at_a_time_do_what_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials of a random search do not depend on who trains them, or when.

    Their time was up once, and once they were interrupted; both times what
    was under way went on later.
    """
    folder = tmp_path / "several"
    space = write_space(tmp_path)
    monkeypatch.setenv("FAKE_SECONDS", "100")
    monkeypatch.setattr(processes, "start", fake.start)
    monkeypatch.setattr("app.tuning.search.LOOK", fake.HURRIED[0])
    monkeypatch.setattr("app.tuning.search.QUIET", fake.HURRIED[1])

    def new_search(path: Path) -> Folder:
        return open_or_create(path, space=space, method="random", epochs=3)

    def under_way(times: int) -> list[str]:
        there = Folder(folder)
        logs = {r.trial: there.log(r.trial) for r in there.records()}
        return [
            trial
            for trial, log in logs.items()
            if log.exists() and log.read_text().count("began") == times
        ]

    end = time.monotonic() + 120

    class UntilUnderWay(Budget):
        def is_late(self, seconds: float) -> bool:
            assert time.monotonic() < end, "they never began"
            return len(under_way(1)) == 2

    class UntilInterrupted(Budget):
        def is_late(self, seconds: float) -> bool:
            assert time.monotonic() < end, "they never went on"
            if under_way(2) == interrupted:
                os.kill(os.getpid(), signal.SIGINT)
            return False

    lead(new_search(folder), UntilUnderWay(), None, 2, Places(), 120)
    interrupted = under_way(1)
    assert [r.status for r in Folder(folder).records()] == ["running"] * 2

    # A program that was started in the background ignores SIGINT.
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            lead(new_search(folder), UntilInterrupted(), None, 2, Places(), 120)
    finally:
        signal.signal(signal.SIGINT, old)
    assert [r.status for r in Folder(folder).records()] == ["running"] * 2
    monkeypatch.setenv("FAKE_SECONDS", "0.05")
    where = ("--run", folder, "--space", space, "--tuner", "random")
    how = ("--trial-epochs", 3, "--jobs", 2, "--trials", 4, "--json")
    code, told, said = invoke("tune", *where, *how)
    assert code == 0, said
    done = json.loads(told)["trials"]
    monkeypatch.setenv("FAKE_SECONDS", "0")
    monkeypatch.setattr(trials, "start", fake.start)
    alone = new_search(tmp_path / "alone")
    search_alone(alone, Budget(trials=4), Places())

    assert {each["worker"] for each in done} == {"here-1", "here-2"}
    for record, theirs in zip(alone.records(), done, strict=True):
        assert record.trial == theirs["trial"]
        assert record.values == theirs["values"]
        assert record.score == theirs["score"]
    for trial in interrupted:
        log = Folder(folder).log(trial).read_text()
        assert log.count("told to end") == 2
        assert log.count("epoch 1\n") == 1


@pytest.mark.parametrize(
    ("chief", "jobs", "workers"),
    [
        (None, None, "alone"),
        (None, 1, "alone"),
        (None, 2, 2),
        ("host:80", None, 0),
        ("host:80", 1, 1),
    ],
)
def test_a_chief_trains_only_what_it_is_asked_to(
    chief: str | None,
    jobs: int | None,
    workers: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[Any] = []
    monkeypatch.setattr(search, "lead", lambda *given: found.append(given[3]))
    monkeypatch.setattr(
        search, "search_alone", lambda *_: found.append("alone")
    )
    search.search_in(Folder(tmp_path), Budget(), Places(), chief, jobs)
    assert found == [workers]


def test_a_worker_of_several_jobs_is_several_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a name of its own, and trains one trial at a time."""
    folder = open_or_create(tmp_path / "search", space=write_space(tmp_path))
    begun: list[list[str]] = []

    def start(command: list[str], *_: Any) -> "Popen[bytes]":
        begun.append(command)
        return Popen([sys.executable, "-c", "pass"])

    monkeypatch.setattr(processes, "start", start)
    join(folder.path, "host:80", "a", 2, Places(tmp_path))

    where = ["--run", str(folder.path), "--chief", "host:80"]
    where += ["--data-dir", str(tmp_path), "--worker"]
    assert begun == [["tune", *where, "a-1"], ["tune", *where, "a-2"]]


def test_nobody_waits_for_workers_that_have_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as one goes on, there is something to wait for."""
    folder = open_or_create(tmp_path / "search", space=write_space(tmp_path))
    folder.workers.mkdir()

    def start(command: list[str], log: Path, *_: Any) -> "Popen[bytes]":
        code = "print('no GPU'); raise SystemExit(1)"
        if command[-1] == "here-2":
            code = f"input(); {code}"
        with log.open("ab") as file:
            return Popen(
                [sys.executable, "-c", code],
                stdin=subprocess.PIPE,
                stdout=file,
            )

    monkeypatch.setattr(processes, "start", start)
    with Team(folder, Address("a", 1), "here", 2, Places()) as team:
        first, second = team.workers
        first.wait()
        team.require_alive()
        second.communicate(b"\n")
        with pytest.raises(GlimpseError, match="here-1 said last: no GPU"):
            team.require_alive()


def test_a_chief_that_cannot_write_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras Tuner tells the worker, and answers nobody from then on."""
    folder = open_or_create(
        tmp_path / "search", space=write_space(tmp_path), method="random"
    )
    oracle = make_oracle(folder)
    monkeypatch.setattr("app.tuning.search.make_oracle", lambda _: oracle)
    monkeypatch.setattr("app.tuning.search.LOOK", 0.01)

    def full(_: Path, text: str) -> None:
        raise GlimpseError("the disk is full")

    def ask(_: Team) -> None:
        monkeypatch.setattr("app.tuning.oracles.write_whole", full)
        with pytest.raises(GlimpseError):
            oracle.create_trial("a")

    monkeypatch.setattr(Team, "require_alive", ask)
    monkeypatch.setattr(tuner.Tuner, "search", lambda _: None)  # no server
    address = str(Address.free())
    with pytest.raises(GlimpseError, match="the disk is full"):
        lead(folder, Budget(), address, 1, Places(), 120)


def test_a_trial_of_a_job_that_is_no_more_is_free_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_or_create(
        tmp_path / "search", space=write_space(tmp_path), method="random"
    )
    oracle = make_oracle(folder)
    tuner.Tuner(folder, oracle, Post()).save()
    trial = oracle.create_trial("here-3")
    again = make_oracle(folder)
    monkeypatch.setattr("app.tuning.search.make_oracle", lambda _: again)

    def stop(_: Team) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Team, "require_alive", stop)
    monkeypatch.setattr(tuner.Tuner, "search", lambda _: None)  # no server
    with pytest.raises(KeyboardInterrupt):
        lead(folder, Budget(), None, 1, Places(), 120)
    assert again.create_trial("here-1").trial_id == trial.trial_id


@pytest.mark.parametrize(
    "text", ["8123", "localhost", ":8123", "host:", "host:0", "host:70000"]
)
def test_an_address_is_a_host_and_a_port(text: str) -> None:
    with pytest.raises(GlimpseError, match="HOST:PORT is accepted"):
        Address.parse(text)
    assert Address.parse("host:80") == Address("host", 80)


def test_a_chief_that_is_lost_while_it_is_asked_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """But an answer, if it is a refusal, is one."""

    class LostError(grpc.RpcError):
        def __init__(self, code: grpc.StatusCode) -> None:
            self.code = lambda: code

    class Client:
        objective = "bleu"
        left = [grpc.StatusCode.UNAVAILABLE] * 2

        def get_trial(self, trial_id: str) -> str:
            if self.left:
                raise LostError(self.left.pop())
            return trial_id

    monkeypatch.setattr(tuner, "WAIT", 0.0)
    oracle = tuner.Patient(Client())

    assert oracle.get_trial("0001") == "0001"
    assert oracle.objective == "bleu"
    Client.left = [grpc.StatusCode.INTERNAL]
    with pytest.raises(FatalError):  # or Keras Tuner takes it for the trial's
        oracle.get_trial("0001")


def test_an_address_that_is_taken_is_refused() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(GlimpseError, match="cannot listen at 127"):
            Address(*listener.getsockname()).require_free()
    with pytest.raises(
        GlimpseError, match=r"cannot listen at 192\.0\.2\.1:8123"
    ):
        Address("192.0.2.1", 8123).require_free()
    Address.free().require_free()


@pytest.mark.parametrize("name", ["", "a/b", "the-chief", ".a", "a b"])
def test_a_worker_has_a_name_that_can_be_a_file(name: str) -> None:
    with pytest.raises(GlimpseError, match="--worker got"):
        worker_name(name)
    assert worker_name("gpu-1.local") == "gpu-1.local"


def test_who_gives_no_sign_is_lost(tmp_path: Path) -> None:
    """Whether the time of the sign changes counts, not what it says."""
    folder = open_or_create(tmp_path / "search", space=write_space(tmp_path))
    folder.workers.mkdir()
    vigil = Vigil(folder, lost_after=0.3)
    for name in ("a", "b"):
        folder.sign(name).touch()
    assert vigil.lost(["a", "b", "c"]) == []

    wait_for(lambda: folder.sign("a").touch() or vigil.lost(["a", "b", "c"]))

    assert vigil.lost(["a", "b", "c"]) == ["b", "c"]
    assert not vigil.is_quiet(["a"], 0.3)
    assert vigil.is_quiet([], 0.3)


@pytest.mark.parametrize(
    ("allowed", "names"), [("0, 3", ["0", "3"]), ("-1", []), ("", [])]
)
def test_workers_have_the_gpus_that_are_allowed(
    monkeypatch: pytest.MonkeyPatch, allowed: str, names: list[str]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert workers._gpus() == names
