"""The oracles last: killed at any write, they lose and repeat no trial."""

import contextlib
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from app.tuning import oracles, tuner
from app.tuning.folder import Folder, Record, open_or_create
from app.tuning.oracles import ORACLES, make_oracle
from app.tuning.trials import Post
from app.tuning.tuner import Tuner
from data.writing import write_whole
from tests.app.tuning.fake import write_space

TRIALS = 6  # of Hyperband: the preset, three, one promoted, one more bracket


class KilledError(BaseException):
    """Nothing may be done after it, as after kill -9."""


class Search:
    """A search whose trials take no time, and that can be killed."""

    def __init__(self, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.writes, self.fatal, self.limit = 0, 0, TRIALS
        self.trained: list[str] = []
        for module in (oracles, tuner):
            monkeypatch.setattr(module, "write_whole", self._write_whole)
        monkeypatch.setattr(tuner, "run_trial", self._run_trial)

    def _write_whole(self, path: Path, text: str) -> None:
        self.writes += 1
        if self.writes == self.fatal:
            raise KilledError
        write_whole(path, text)

    def _run_trial(self, folder: Folder, record: Record, *_: Any) -> Record:
        self.trained.append(record.trial)
        if record.values["search.beam_size"] == 3:
            return record  # without a score: it has failed
        return Record(**{**vars(record), "score": float(len(self.trained))})

    def go(self) -> Any:
        """A new process: what is not in files is lost."""
        oracle = make_oracle(self.folder)
        oracle.is_spent = lambda: len(oracle.trials) >= self.limit
        search = Tuner(self.folder, oracle, Post())
        search.save()
        search.go()
        return oracle


def oracle_in(folder: Folder, *, keeps_workers: bool = False) -> Any:
    """The oracle of a new process."""
    oracle = make_oracle(folder)
    oracle.keeps_workers = keeps_workers
    Tuner(folder, oracle, Post())
    return oracle


@pytest.fixture
def space(tmp_path: Path) -> str:
    """Without a number that a grid cannot go through."""
    return write_space(tmp_path, training__learning_rate=None)


@pytest.mark.parametrize("method", ORACLES)
def test_a_search_killed_at_any_write_ends_as_if_it_were_not(
    tmp_path: Path, space: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each trial has ended once, and none is left out."""

    def new(name: str) -> Search:
        folder = open_or_create(
            tmp_path / name, space=space, method=method, epochs=3
        )
        return Search(folder, monkeypatch)

    whole = new("whole")
    wanted = whole.go()
    assert sorted(wanted.end_order) == sorted(wanted.trials)
    assert len(wanted.trials) == len(whole.trained) == TRIALS

    for fatal in range(1, whole.writes + 1):
        search = new(f"killed-at-{fatal}")
        search.fatal = fatal
        with contextlib.suppress(KilledError):
            search.go()
        oracle = search.go()

        assert sorted(oracle.end_order) == sorted(wanted.trials)
        assert not oracle.ongoing_trials
        assert not oracle._retry_queue
        # At most the one under way was trained again, from its checkpoint.
        assert len(search.trained) <= TRIALS + 1
        if method in ("random", "grid"):  # those do not look at scores
            for name, trial in wanted.trials.items():
                values = oracle.trials[name].hyperparameters.values
                assert values == trial.hyperparameters.values


def test_a_grid_is_gone_through_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """3 places, of which 1 has 2 more; killed once on the way."""
    when = {"model.decoder": "luong"}
    space = write_space(
        tmp_path,
        search__beam_size=[1, 2],
        model__input_feeding={"values": [False, True], "when": when},
        training__learning_rate=None,
    )
    folder = open_or_create(tmp_path / "grid", space=space, method="grid")
    search = Search(folder, monkeypatch)
    search.fatal, search.limit = 9, 99
    with pytest.raises(KilledError):
        search.go()

    oracle = search.go()

    chosen = {
        tuple(sorted(trial.hyperparameters.values.items()))
        for trial in oracle.trials.values()
    }
    assert len(chosen) == len(oracle.trials) == 2 * (1 + 2)


@pytest.mark.parametrize("method", ORACLES)
def test_the_first_trial_is_the_preset(
    tmp_path: Path, space: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_or_create(
        tmp_path / "search", space=space, method=method, epochs=3
    )
    oracle = Search(folder, monkeypatch).go()

    values = oracle.trials["0000"].hyperparameters.values

    assert folder.space.chosen(values) == {
        "search.beam_size": 5,
        "model.decoder": "bahdanau",
    }
    assert values.get("tuner/epochs", 3) == 3


def test_hyperband_has_its_brackets_besides_the_preset(
    tmp_path: Path, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_or_create(
        tmp_path / "search", space=space, method="hyperband", epochs=3
    )
    oracle = Search(folder, monkeypatch).go()

    values = [trial.hyperparameters.values for trial in oracle.trials.values()]
    epochs = [(v["tuner/initial_epoch"], v["tuner/epochs"]) for v in values]
    assert epochs == [(0, 3), (0, 1), (0, 1), (0, 1), (1, 3), (0, 3)]
    assert values[4]["tuner/trial_id"] != "0000"


def test_hyperband_promotes_though_some_trials_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those without a score leave their place in a bracket to others."""
    folder = open_or_create(
        tmp_path / "search",
        space=write_space(tmp_path),
        method="hyperband",
        epochs=3,
    )
    search = Search(folder, monkeypatch)
    search.limit = 30

    oracle = search.go()

    failed = [n for n, t in oracle.trials.items() if t.status == "FAILED"]
    values = [trial.hyperparameters.values for trial in oracle.trials.values()]
    first = [v for v in values if v["tuner/epochs"] == 1]
    promoted = [v for v in values if v["tuner/initial_epoch"]]
    assert len(failed) >= 5
    assert len(promoted) >= 4
    assert len(first) > 3 * len(promoted)
    assert not {v["tuner/trial_id"] for v in promoted} & {*failed}


def test_a_grid_gives_several_workers_something_to_do(
    tmp_path: Path, space: str
) -> None:
    folder = open_or_create(tmp_path / "search", space=space, method="grid")
    oracle = oracle_in(folder)

    trials = [oracle.create_trial(name) for name in "abcd"]

    assert {trial.status for trial in trials} == {"RUNNING"}
    values = [trial.hyperparameters.values for trial in trials]
    assert len(values) == 4
    assert all(one != other for one, other in combinations(values, 2))


def test_a_gaussian_process_tries_nothing_twice(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    space = write_space(
        tmp_path,
        search__beam_size=[1, 2, 4, 5, 6],
        model__decoder=None,
        model__input_feeding=None,
        training__learning_rate=None,
    )
    folder = open_or_create(tmp_path / "search", space=space, method="bayesian")
    search = Search(folder, monkeypatch)
    search.limit = 99

    oracle = search.go()

    chosen = [t.hyperparameters.values for t in oracle.trials.values()]
    assert len(chosen) == len({str(values) for values in chosen}) == 5
    assert caplog.messages == ["The search space has nothing more to try"]


def test_a_worker_leaves_the_mark_to_the_chief(
    tmp_path: Path, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that write one file at once would be in each other's way."""
    folder = open_or_create(tmp_path / "search", space=space)
    tuner = Tuner(folder, make_oracle(folder), Post())
    monkeypatch.setattr(tuner, "_is_worker", lambda: True)
    tuner.save()
    assert not (folder.path / "oracle" / "tuner.json").exists()


def test_a_failed_trial_has_no_score(
    tmp_path: Path, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = open_or_create(tmp_path / "search", space=space, method="random")

    oracle = Search(folder, monkeypatch).go()

    failed = {n for n, t in oracle.trials.items() if t.status == "FAILED"}
    planted = {
        name
        for name, trial in oracle.trials.items()
        if trial.hyperparameters.values["search.beam_size"]
        == 2  # the place of 3
    }
    assert failed == planted != set()
    assert all(t.status != "INVALID" for t in oracle.trials.values())


def test_a_lost_worker_gives_its_trial_to_the_next(
    tmp_path: Path, space: str
) -> None:
    folder = open_or_create(tmp_path / "search", space=space, method="random")
    oracle = oracle_in(folder)
    lost = oracle.create_trial("a")
    other = oracle.create_trial("b")

    oracle.release("a")

    assert oracle.tuner_ids == {"b"}
    assert oracle.create_trial("c").trial_id == lost.trial_id
    assert oracle.create_trial("b").trial_id == other.trial_id


def test_a_trial_ends_once_though_its_worker_was_given_up(
    tmp_path: Path, space: str
) -> None:
    folder = open_or_create(tmp_path / "search", space=space, method="random")
    oracle = oracle_in(folder)
    oracle.is_spent = lambda: len(oracle.trials) >= 2
    slow, taken = oracle.create_trial("slow"), oracle.create_trial("slower")
    for worker in ("slow", "slower"):
        oracle.release(worker)
    again = oracle.create_trial("b")
    assert again.trial_id == taken.trial_id
    for trial in (slow, taken, again):
        oracle.update_trial(trial.trial_id, {"bleu": 1.0})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)

    assert sorted(oracle.end_order) == [slow.trial_id, taken.trial_id]
    assert not oracle.ongoing_trials
    assert oracle.create_trial("b").status == "STOPPED"


def test_nobody_is_sent_home_while_a_trial_may_be_lost(
    tmp_path: Path, space: str
) -> None:
    folder = open_or_create(tmp_path / "search", space=space, method="random")
    oracle = oracle_in(folder)
    oracle.is_spent = lambda: len(oracle.trials) >= 1
    trial = oracle.create_trial("a")

    assert oracle.create_trial("b").status == "IDLE"
    assert oracle.tuner_ids == {"a", "b"}  # the chief waits for both
    assert not oracle.is_over
    oracle.update_trial(trial.trial_id, {"bleu": 1.0})
    trial.status = "COMPLETED"
    oracle.end_trial(trial)

    assert oracle.create_trial("b").status == "STOPPED"
    assert oracle.is_over


def test_a_chief_that_starts_again_leaves_trials_where_they_are(
    tmp_path: Path, space: str
) -> None:
    folder = open_or_create(tmp_path / "search", space=space, method="random")
    first = oracle_in(folder)
    Tuner(folder, first, Post()).save()
    trials = {name: first.create_trial(name).trial_id for name in ("a", "b")}

    again = oracle_in(folder, keeps_workers=True)
    alone = oracle_in(folder)

    assert {n: t.trial_id for n, t in again.ongoing_trials.items()} == trials
    assert again.tuner_ids == {"a", "b"}
    assert again._retry_queue == []
    # Where there are no workers any more, whoever asks gets them.
    assert sorted(alone._retry_queue) == sorted(trials.values())
    assert not alone.ongoing_trials
