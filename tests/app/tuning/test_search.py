"""A search from begin to end, its trials trained by a stand-in."""

import csv
import gc
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import tensorflow as tf
from tqdm import tqdm

from app.config import Config, load_config
from app.machine import processes
from app.plots import save
from app.tuning import budget, progress, results, trials
from app.tuning.budget import Budget
from app.tuning.clock import Clock
from app.tuning.folder import Folder, Record, open_or_create
from app.tuning.oracles import make_oracle
from app.tuning.progress import Progress
from app.tuning.search import lead, search_alone
from app.tuning.space_files import load_space
from app.tuning.trials import (
    Post,
    TrialStoppedError,
    count_parameters,
    run_trial,
)
from data import GlimpseError, Places, writing
from data.writing import alone
from models import Seq2Seq
from models.architecture import build_model
from tests.app.commands.test_main import invoke
from tests.app.tuning import fake
from tests.app.tuning.fake import write_space

HERE = Places()
ROOT = Path(__file__).parents[3]
COUNTED: dict[str, int] = {}  # by what the parameters depend on


def count_once(config: Config) -> int:
    """The same count: for each trial it takes half a second."""
    key = repr((config.model, config.tokenizer.vocabulary_size))
    if key not in COUNTED:
        COUNTED[key] = count_parameters(config)
    return COUNTED[key]


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "start", fake.start)
    monkeypatch.setattr(processes, "start", fake.start)
    monkeypatch.setattr(trials, "PATIENCE", 0.02)
    monkeypatch.setattr(trials, "count_parameters", count_once)
    monkeypatch.setattr(results, "save", lambda *_: None)  # it takes seconds


def new_search(tmp_path: Path, space: str = "", **given: Any) -> Folder:
    return open_or_create(
        tmp_path / "search",
        space=space or write_space(tmp_path),
        **{"method": "random", "epochs": 3, **given},
    )


def test_the_best_trial_becomes_a_preset(tmp_path: Path) -> None:
    folder = new_search(tmp_path)

    search_alone(folder, Budget(trials=6), HERE)

    records = folder.records()
    assert [r.trial for r in records] == [f"000{n}" for n in range(6)]
    assert {r.status for r in records} == {"completed"}
    heads = [r.values["search.beam_size"] for r in records]
    assert [r.score for r in records] == [10 * n + 2 for n in heads]
    best = folder.best()
    assert best is not None
    assert best.values["search.beam_size"] == max(heads)
    assert best.device == "a stand-in"
    assert best.worker == "tuner"
    assert best.parameters is not None
    preset = load_config(folder.path / "best.yaml")
    assert preset.search.beam_size == max(heads)
    assert preset.training.epochs == load_config("phrasebook").training.epochs
    first = (folder.path / "best.yaml").read_text("utf-8").split("\n")[0]
    assert first == (
        f"# Trial {best.trial}, the best until now: validation bleu "
        f"{best.score:.4g} after 3 epochs."
    )


def test_no_other_search_is_let_into_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SECONDS_OF_ENDING", 0.1)
    folder = new_search(tmp_path)
    budget = Budget(trials=1)

    with alone(folder.path):
        for begin in (
            lambda: search_alone(folder, budget, HERE),
            lambda: lead(folder, budget, None, 2, HERE, 120),
        ):
            with pytest.raises(GlimpseError, match="Another process is at"):
                begin()

    assert folder.records() == []


def test_all_trials_are_in_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "save", save)
    folder = new_search(tmp_path)
    search_alone(folder, Budget(trials=4), HERE)

    with (folder.path / "trials.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    told = results.to_json(folder)

    assert len(rows) == 4
    for row, record in zip(rows, folder.records(), strict=True):
        assert row["trial"] == record.trial
        assert float(row["score"]) == record.score
        assert row["search.beam_size"] == str(record.values["search.beam_size"])
        inactive = record.values["model.decoder"] == "bahdanau"
        assert (row["model.input_feeding"] == "") == inactive
    best = folder.best()
    assert best is not None
    assert told["best"]["trial"] == best.trial
    assert [each["trial"] for each in told["trials"]] == [
        row["trial"] for row in rows
    ]
    lines = results.table(folder).split("\n")
    assert lines[1].split()[:2] == [best.trial, f"{best.score:.4g}"]
    assert lines[-1] == "Trials: 4 completed"
    # The first trial is the preset, as far as the space has its values.
    changes = {lines[n][:4]: lines[n + 1] for n in (1, 3, 5, 7)}
    assert changes["0000"] == "       as the preset"
    assert [r.values["search.beam_size"] for r in folder.records()[:2]] == [
        5,
        1,
    ]
    assert "learning_rate=" in changes["0001"]
    assert "beam_size=1" in changes["0001"]
    for name in ("parameters", "parallel"):
        assert (folder.pictures / f"{name}.png").stat().st_size > 10_000
    logs = sorted(path.name for path in (folder.path / "logs").iterdir())
    assert logs == [row["trial"] for row in rows]


def test_a_report_trains_nothing(tmp_path: Path) -> None:
    folder = new_search(tmp_path)
    search_alone(folder, Budget(trials=1), HERE)
    before = folder.records()

    code, said, _ = invoke("tune", "--run", folder.path, "--report")

    assert (code, said) == (0, f"{results.table(folder)}\n")
    assert folder.records() == before
    code, _, error = invoke("tune", "--run", tmp_path, "--report")
    assert code == 1
    assert "is not the folder of a search" in error


def test_a_trial_that_is_promoted_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = new_search(tmp_path, method="hyperband")

    search_alone(folder, Budget(trials=6), HERE)

    records = {record.trial: record for record in folder.records()}
    first = [r for r in records.values() if r.first_epoch == 0]
    (promoted,) = (r for r in records.values() if r.first_epoch)
    source = records[promoted.run]
    assert source.epochs == promoted.first_epoch == 1
    assert promoted.epochs == 3
    assert promoted.values == source.values
    others = [r.score for r in first if r.epochs == 1]
    assert source.score == max(others)
    assert source.score == promoted.score - 2  # of its own epochs alone
    log = folder.log(promoted.trial).read_text()
    assert re.findall(r"epoch \d", log) == ["epoch 2", "epoch 3"]
    # The schedule is that of all epochs from the first on.
    began = folder.log(source.trial).read_text()
    assert "--until 1 " in began
    assert "training.epochs=3" in began
    # Drawn once, as it ended; those that were not promoted are dotted.
    lines = [
        line.get_linestyle()
        for line in results.figures(folder)["parallel"].axes[0].lines
        if str(line.get_label()).startswith("trial ")
    ]
    assert len(lines) == len(records) - 1
    assert lines.count("-") == sum(r.epochs == 3 for r in records.values())


def test_a_search_that_goes_on_counts_the_time_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = new_search(tmp_path)
    search_alone(folder, Budget(trials=3), HERE)
    (folder.path / "seconds").write_text("600")
    capsys.readouterr()

    shown = Progress(folder, Budget(trials=4), Clock(folder))
    shown.look()
    shown.close()

    said = capsys.readouterr().err
    assert "75%" in said
    assert re.search("10:0., 03:[12]. left, best", said)
    assert "1 trial left" in said


def test_the_epochs_of_a_trial_under_way_are_progress() -> None:
    ended = Record("0000", {}, "0000", epochs=2, status="completed")
    refused = Record("0001", {}, "0001", epochs=2, status="refused")
    promoted = Record("0002", {}, "0000", first_epoch=2, epochs=6)
    records = [ended, refused, promoted]

    assert Budget(trials=4).share(records, {"0002": 3}, 0) == (1 + 1 / 4) / 4
    assert Budget(epochs=12).share(records, {"0002": 3}, 0) == (2 + 1) / 12
    assert Budget(trials=4).share(records, {"0002": 0}, 0) == 1 / 4
    assert Budget(trials=4, minutes=1).share(records, {"0002": 3}, 45) == 0.75


def test_trials_that_fail_are_passed_over_with_their_reason(
    tmp_path: Path,
) -> None:
    """One says why; one is killed, as a system does when memory runs out."""
    space = write_space(
        tmp_path,
        search__beam_size=[4],
        model__decoder=None,
        model__input_feeding=None,
        training__learning_rate=None,
        training__label_smoothing=[0.0, 0.3, 0.4, 0.1],
    )
    folder = new_search(tmp_path, space, method="grid")

    search_alone(folder, Budget(trials=10), HERE)

    ended = [(r.status, r.score, r.reason) for r in folder.records()]
    assert ended[0] == ended[3] == ("completed", 42.0, None)
    assert ended[1] == ("failed", None, "planted")
    status, score, reason = ended[2]
    assert (status, score) == ("failed", None)
    assert "SIGKILL, most likely for want of memory" in str(reason)
    assert "0001   failed: planted" in results.table(folder)


def test_what_does_not_fit_is_refused_before_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too large, by far; or a combination that is no configuration."""
    space = write_space(
        tmp_path,
        search__beam_size=[4],
        model__decoder=["bahdanau", "luong"],
        model__input_feeding=None,
        training__learning_rate=None,
        model__readout=["tanh", "maxout"],
        model__decoder_units=[128, 10**6],
    )
    folder = new_search(tmp_path, space, method="grid", max_parameters=10**7)

    search_alone(folder, Budget(trials=9), HERE)

    refused = [r for r in folder.records() if r.status == "refused"]
    done = [r for r in folder.records() if r.status == "completed"]
    # Refused ones cost nothing, and do not count.
    assert len(done) == 3
    assert len(refused) == 5
    for record in refused:
        large = record.values["model.decoder_units"] == 10**6
        expected = (
            r"[\d,]{13,} parameters, more than the 10,000,000 allowed"
            if large and record.values["model.readout"] == "tanh"
            else r"model\.readout=maxout does not go with|parameters"
        )
        assert re.search(expected, str(record.reason))
        assert not folder.log(record.trial).exists()


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["model.decoder=luong", "model.input_feeding=true", "model.cell=lstm"],
        ["model.attention=multi-head", "model.encoder_layers=2"],
        ["model.kind=starting-example"],
    ],
)
def test_parameters_are_counted_without_a_model(overrides: list[str]) -> None:
    config = load_config("phrasebook", overrides)
    size = config.tokenizer.vocabulary_size
    model = build_model(config.model, size, size)
    model.build()
    trainable = sum(weight.numpy().size for weight in model.trainable_weights)

    assert count_parameters(config) == trainable


def test_a_search_in_which_all_is_refused_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "REFUSALS", 3)
    folder = new_search(tmp_path, max_parameters=1)

    with pytest.raises(GlimpseError, match=r"last 3 trials were refused.*more"):
        search_alone(folder, Budget(trials=1), HERE)

    assert {record.status for record in folder.records()} == {"refused"}


def test_counting_parameters_leaves_no_graph_behind() -> None:
    """A search of many trials counts them for each."""
    config = load_config("phrasebook")
    gc.collect()

    def graphs() -> int:
        return sum(type(each) is tf.Graph for each in gc.get_objects())

    before = graphs()
    count_parameters(config)

    assert graphs() == before


@pytest.mark.parametrize(
    ("budget", "trained"),
    [
        (Budget(trials=2), 2),
        (Budget(epochs=7), 3),  # of three epochs each
        (Budget(trials=4, epochs=3), 1),
        (Budget(trials=3, minutes=60), 3),
        (Budget(minutes=0), 0),
    ],
)
def test_a_budget_ends_the_search(
    tmp_path: Path, budget: Budget, trained: int
) -> None:
    folder = new_search(tmp_path)

    search_alone(folder, budget, HERE)

    assert len(folder.records()) == trained
    # What is nothing yet, is the preset.
    load_config(folder.path / "best.yaml")


def test_when_the_time_is_up_a_trial_waits_for_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_search(tmp_path)
    monkeypatch.setattr(trials, "count_parameters", lambda _: 1)  # at once
    monkeypatch.setenv("FAKE_SECONDS", "1")

    search_alone(folder, Budget(minutes=1.6 / 60), HERE)

    (record,) = folder.records()
    assert record.status == "running"
    assert "told to end" in folder.log("0000").read_text()
    assert folder.seconds() > 1.5

    monkeypatch.setenv("FAKE_SECONDS", "0.2")
    search_alone(folder, Budget(trials=2, minutes=60), HERE)

    assert [r.status for r in folder.records()] == ["completed"] * 2
    log = folder.log("0000").read_text()
    assert re.findall(r"epoch \d", log) == ["epoch 1", "epoch 2", "epoch 3"]
    assert folder.records()[0].seconds > record.seconds > 0  # both attempts


def test_a_trial_that_is_stopped_has_time_to_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And gives signs of life meanwhile, or a chief would end it."""
    monkeypatch.setenv("FAKE_SECONDS", "100")
    monkeypatch.setenv("FAKE_ENDING", "0.5")
    folder = new_search(tmp_path)
    record = Record("0000", {}, "0000", epochs=3)
    signs: list[bool] = []

    def is_told(said: str) -> bool:
        path = folder.log(record.trial)
        return path.is_file() and said in path.read_text()

    with pytest.raises(TrialStoppedError):
        run_trial(
            folder,
            record,
            Post(worker="here"),
            lambda: is_told("began"),
            lambda: signs.append(is_told("told to end")),
        )

    assert is_told("saved")
    assert sum(signs) > 3


def test_a_trial_that_has_ended_is_not_begun_when_it_is_late(
    tmp_path: Path,
) -> None:
    """Its worker wrote that it had, and could not tell the chief."""
    folder = new_search(tmp_path)
    search_alone(folder, Budget(trials=1), HERE)
    (before,) = folder.records()

    with pytest.raises(TrialStoppedError):
        run_trial(
            *(folder, replace(before, status="running", score=None)),
            *(Post(), lambda: True, lambda: None),
        )

    assert folder.records() == [before]


def test_the_smallest_loss_is_the_best(tmp_path: Path) -> None:
    folder = new_search(tmp_path, objective="loss")

    search_alone(folder, Budget(trials=5), HERE)

    scores = [record.score for record in folder.records() if record.score]
    best = folder.best()
    assert len(scores) == 5
    assert len({*scores}) > 1
    assert best is not None
    assert best.score == min(scores)
    # Of each trial too: with the best of its three epochs.
    assert best.score == 98 - 10 * best.values["search.beam_size"]
    rows = re.findall(r"^\d{4} +(\S+) ", results.table(folder), re.MULTILINE)
    assert [float(row) for row in rows] == sorted(scores)
    assert make_oracle(folder).objective.direction == "min"


def test_a_search_without_a_bar_says_the_rest(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """TQDM_DISABLE, which tqdm reads as it is imported, does this."""

    class Disabled(tqdm):  # type: ignore[type-arg]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options, disable=True)

    monkeypatch.setattr(progress, "tqdm", Disabled)
    search_alone(new_search(tmp_path), Budget(trials=1), HERE)
    said = capsys.readouterr().err
    assert "Trial 0000: bleu 52 after 3 epochs" in said
    assert "left" not in said


def test_a_hopeless_search_is_given_up(tmp_path: Path) -> None:
    space = write_space(
        tmp_path,
        training__label_smoothing=[0.3],
    )
    folder = new_search(tmp_path, space)

    with pytest.raises(
        GlimpseError, match=r"last 5 trials failed.*because: planted"
    ):
        search_alone(folder, Budget(trials=99), HERE)

    assert len(folder.records()) == 5
    # The cause may be gone: it is tried again.
    with pytest.raises(GlimpseError, match="last 5 trials failed"):
        search_alone(folder, Budget(trials=99), HERE)
    assert len(folder.records()) == 10


def test_an_error_of_our_own_ends_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras Tuner would take it for a bad trial, and go on."""
    folder = new_search(tmp_path)

    def full(*_: Any, **__: Any) -> None:
        raise GlimpseError("the disk is full")

    monkeypatch.setattr(trials, "start", full)
    with pytest.raises(GlimpseError, match="the disk is full"):
        search_alone(folder, Budget(trials=3), HERE)


def test_a_search_goes_on_in_a_folder_of_any_name(tmp_path: Path) -> None:
    odd = tmp_path / "a[b] *\\日本"
    odd.mkdir()
    folder = new_search(odd)
    search_alone(folder, Budget(trials=1), HERE)
    search_alone(new_search(odd), Budget(trials=2), HERE)
    statuses = [record.status for record in folder.records()]
    assert statuses == ["completed", "completed"]


def test_the_same_command_goes_on_and_another_is_refused(
    tmp_path: Path,
) -> None:
    folder = new_search(tmp_path)
    search_alone(folder, Budget(trials=2), HERE)
    space = write_space(tmp_path)

    again = new_search(tmp_path, space)
    search_alone(again, Budget(trials=3), HERE)

    assert len(again.records()) == 3
    for given, message in (
        ({"method": "grid"}, "method: random, grid"),
        ({"epochs": 9}, "epochs: 3, 9"),
        ({"overrides": ["model.cell=lstm"]}, r"model\.cell: gru, lstm"),
        ({"preset": "multi30k-en-fr"}, r"corpus\.name: phrasebook, multi30k"),
        ({"space": "default"}, "space: its own, default"),
    ):
        with pytest.raises(GlimpseError, match=f"another search.*{message}"):
            open_or_create(folder.path, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"preset": "phrasebok"}, "did you mean 'phrasebook'"),
        ({"space": "nowhere"}, "no search space 'nowhere'"),
        ({"overrides": ["model.cell=grue"]}, "did you mean 'gru'"),
        (
            {"method": "grid", "space": None},
            r"training\.learning_rate .* any number .* a grid",
        ),
    ],
)
def test_nothing_is_written_of_a_search_that_is_refused(
    tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    space = write_space(tmp_path)
    if "space" in given:
        space = given.pop("space") or space
    with pytest.raises(GlimpseError, match=message):
        open_or_create(tmp_path / "search", space=space, **given)
    assert not (tmp_path / "search").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(GlimpseError, match="holds no search"):
        open_or_create(tmp_path)
    with pytest.raises(GlimpseError, match=r"has no search\.yaml"):
        _ = Folder(tmp_path).settings


def test_a_search_that_was_killed_as_it_began_is_begun(tmp_path: Path) -> None:
    folder = new_search(tmp_path)
    (folder.path / "search.yaml").unlink()
    assert new_search(tmp_path).settings == folder.settings
    (folder.path / "search.yaml").unlink()
    (folder.path / "notes").touch()
    with pytest.raises(GlimpseError, match="holds no search"):
        new_search(tmp_path)


def test_what_of_the_preset_the_space_does_not_have_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changes: dict[str, Any] = {
        "pipeline__batch_size": [7, 9],
        "training__schedule": ["cosine", "constant"],
        "training__plateau_patience": {
            "values": [2, 3],
            "when": {"training.schedule": "constant"},
        },
        "model__decoder_units": {
            "values": [128],
            "also": ["model.encoder_units"],
        },
    }
    own = ["model.decoder_units=128", "model.encoder_units=64"]
    own += ["training.plateau_patience=3"]
    space = write_space(tmp_path, **changes)
    new_search(tmp_path, space, overrides=own)
    assert [
        message.partition(", which")[0] + message.partition("trial")[2]
        for message in caplog.messages
    ] == [
        "The preset has pipeline.batch_size 64 has 7 instead",
        "The preset has model.encoder_units 64 has 128 instead",
        "The preset has training.plateau_patience 3 has None instead",
    ]


def test_a_space_that_the_preset_cannot_enter_is_refused(
    tmp_path: Path,
) -> None:
    changes: dict[str, Any] = {
        "model__decoder": ["luong"],
        "model__input_feeding": None,
        "model__readout": ["maxout"],
    }
    with pytest.raises(GlimpseError, match="do not go with the other"):
        new_search(tmp_path, write_space(tmp_path, **changes))
    assert not (tmp_path / "search").exists()


def test_signals_are_as_before_whatever_becomes_of_a_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Folder) -> None:
        raise GlimpseError("the disk is full")

    before = signal.getsignal(signal.SIGTERM)
    folder = new_search(tmp_path)
    monkeypatch.setattr(results, "finish", full)
    with pytest.raises(GlimpseError, match="the disk is full"):
        search_alone(folder, Budget(trials=1), HERE)
    assert signal.getsignal(signal.SIGTERM) == before


def test_damaged_files_are_named(tmp_path: Path) -> None:
    folder = new_search(tmp_path)
    search_alone(folder, Budget(trials=2), HERE)
    record = folder.trials / "0001.json"
    whole = record.read_bytes()
    record.write_bytes(whole[:40])
    with pytest.raises(GlimpseError, match=r"0001\.json is damaged"):
        folder.records()
    record.write_bytes(whole)

    oracle = folder.path / "oracle" / "oracle.json"
    oracle.write_text(oracle.read_text()[:100])
    with pytest.raises(GlimpseError, match=r"oracle\.json .* cannot be read"):
        search_alone(folder, Budget(trials=3), HERE)
    (folder.path / "search.yaml").write_text("method: [")
    with pytest.raises(GlimpseError, match=r"search\.yaml cannot be read"):
        _ = Folder(folder.path).settings
    (folder.path / "seconds").write_text("")
    with pytest.raises(GlimpseError, match="seconds is damaged: it has ''"):
        folder.seconds()


def test_no_two_processes_train_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was given up, and was slow only, leaves it to the other."""
    folder = new_search(tmp_path)
    monkeypatch.setenv("FAKE_SECONDS", "100")

    def take_over() -> None:
        wait_for(lambda: folder.log("0000").is_file())
        record = folder.read("0000")
        assert record is not None
        folder.write(replace(record, worker="there"))

    thread = threading.Thread(target=take_over)
    thread.start()
    with pytest.raises(GlimpseError, match="there has taken over trial 0000"):
        search_alone(folder, Budget(trials=1), HERE)
    thread.join()


def command(folder: Path, space: str, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "tests.app.tuning.fake", "tune"),
        *("--run", str(folder), "--space", space, "--trial-epochs", "3"),
        *more,
    ]


def wait_for(condition: Any, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def ended(folder: Path) -> list[str]:
    found = [record for record in Folder(folder).records() if record.score]
    return [record.trial for record in found]


def test_a_search_killed_twice_ends_with_all_trials_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 in a real process, and what it had begun goes with it."""
    folder, space = tmp_path / "search", write_space(tmp_path)
    begin = command(folder, space, "--trials", "6", "--json")
    monkeypatch.setenv("FAKE_SECONDS", "0.2")
    for number in (1, 3):
        with subprocess.Popen(
            begin, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            wait_for(lambda number=number: len(ended(folder)) == number)
            process.kill()
            process.communicate()
    monkeypatch.setenv("FAKE_SECONDS", "0")

    done = subprocess.run(
        begin, cwd=ROOT, capture_output=True, text=True, check=True
    )

    told = json.loads(done.stdout)
    assert [each["trial"] for each in told["trials"]] == [
        f"{n:04}" for n in range(6)
    ]
    assert {each["status"] for each in told["trials"]} == {"completed"}
    oracle = json.loads((folder / "oracle" / "oracle.json").read_text())
    assert sorted(oracle["end_order"]) == [f"{n:04}" for n in range(6)]
    # Each epoch was trained once, whoever was killed meanwhile.
    for record in Folder(folder).records():
        log = Folder(folder).log(record.trial).read_text()
        last = record.epochs - record.first_epoch
        assert len(set(re.findall(r"epoch \d", log))) == last
    assert 0 < told["seconds"] < 600


def test_ctrl_c_leaves_a_preset_that_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, space = tmp_path / "search", write_space(tmp_path)
    monkeypatch.setenv("FAKE_SECONDS", "0.3")
    with subprocess.Popen(
        command(folder, space, "--trials", "9"),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # A program that was started in the background ignores SIGINT.
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.default_int_handler
        ),
    ) as process:
        wait_for(lambda: len(ended(folder)) == 1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()

    assert process.returncode == 1
    assert "to continue, give the same command again" in said
    best = Folder(folder).best()
    assert best is not None
    preset = load_config(folder / "best.yaml")
    assert preset.search.beam_size == best.values["search.beam_size"]
    assert (folder / "pictures" / "parameters.png").is_file()


def test_memory_stays_flat_over_many_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No model or graph is left, and of all else no more than a record."""
    monkeypatch.setattr(trials, "count_parameters", count_parameters)
    folder = new_search(tmp_path)
    resident, kept, large = [], [], []
    for number in (2, 5):
        search_alone(folder, Budget(trials=number), HERE)
        gc.collect()
        objects = gc.get_objects()
        kept.append(len(objects))
        large.append(sum(type(each) in (tf.Graph, Seq2Seq) for each in objects))
        resident.append(psutil.Process().memory_info().rss)

    assert len(folder.records()) == 5
    assert large[1] == large[0]
    assert kept[1] - kept[0] < 3 * 1000
    assert resident[1] < 1.05 * resident[0]


def test_what_a_loss_cannot_compare_is_not_searched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another vocabulary has other tokens; smoothing adds to the loss."""
    for objective, left_out in (
        ("bleu", set()),
        ("perplexity", {"tokenizer.vocabulary_size"}),
        ("loss", {"tokenizer.vocabulary_size", "training.label_smoothing"}),
    ):
        folder = open_or_create(tmp_path / objective, objective=objective)
        every = {
            p.name
            for p in load_space(folder.space_file, folder.base).parameters
        }
        assert every - {p.name for p in folder.space.parameters} == left_out
        said = {record.args[0] for record in caplog.records if record.args}
        assert said == left_out
        caplog.clear()


def test_hyperband_needs_more_to_choose_from_than_it_begins_with(
    tmp_path: Path,
) -> None:
    space = write_space(
        tmp_path,
        **{"training__learning_rate": None, "model__decoder": None},
        **{"model__input_feeding": None, "search__beam_size": [1, 2, 3]},
    )
    folder = new_search(tmp_path, space, method="hyperband")

    with pytest.raises(
        GlimpseError, match=r"has 3 combinations.* begins with 3"
    ):
        search_alone(folder, Budget(trials=3), HERE)

    assert not folder.records()


def test_a_damaged_oracle_is_told_in_a_sentence(tmp_path: Path) -> None:
    folder = new_search(tmp_path)
    search_alone(folder, Budget(trials=2), HERE)
    shutil.rmtree(folder.path / "oracle" / "trial_0000")

    with pytest.raises(GlimpseError, match="so the search cannot go on"):
        search_alone(folder, Budget(trials=3), HERE)
