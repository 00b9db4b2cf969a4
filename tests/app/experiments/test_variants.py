"""The plan of variants, its runs, and the table they come to."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from app.config import yaml_text
from app.experiments import variants, variants_table
from app.experiments.variants import Runs, load_plan
from app.training import Trainer
from data import GlimpseError, Places
from tests.app.tiny import ONE_PART, PAIRS, TINY

ROOT = Path(__file__).parents[3]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """Two variants of a tiny model: one that trains, one that cannot."""
    text = tmp_path / "all.tsv"
    text.write_text("".join(f"{s}\t{t}\n" for s, t in PAIRS), "utf-8")
    changes: dict[str, Any] = {
        "corpus.name": "parallel_text",
        "corpus.train": [str(text)],
        "corpus.held_out": 4,
    }
    for override in (*TINY, ONE_PART):
        key, _, value = override.partition("=")
        changes[key] = yaml_text.load(value)
    groups = {
        "cell": {
            "rnn": {"seeds": [1, 2], "model.cell": "rnn"},
            "broken": {"corpus.train": ["nowhere.tsv"]},
        }
    }
    path = tmp_path / "plan.yaml"
    path.write_text(
        yaml_text.dump(
            {
                "preset": "phrasebook",
                "set": {**changes, "training.epochs": 1},
                "splits": ["test"],
                "groups": groups,
            }
        ),
        "utf-8",
    )
    return path


def change(path: Path, **changes: Any) -> None:
    values = yaml_text.read(path)
    path.write_text(yaml_text.dump({**values, **changes}), "utf-8")


def planted(
    root: Path,
    name: str,
    bleu: float,
    aer: float | None = None,
    validation: tuple[float, ...] = (50.0,),
) -> None:
    """A finished run, as its files would be."""
    folder = root / name
    (folder / "evaluation").mkdir(parents=True)
    measured: dict[str, Any] = {"bleu": {"score": bleu}, "aer": None}
    if aer is not None:
        other = {"reading": "after", "score": 0.75}
        measured["aer"] = {
            "reading": "before",
            "score": aer,
            "other_reading": other,
        }
    (folder / "evaluation" / "test.json").write_text(json.dumps(measured))
    rows = [f"{100 * n},{v},{n}" for n, v in enumerate(validation, 1)]
    (folder / "history.csv").write_text(
        "\n".join(["step,validation_bleu,seconds", *rows]) + "\n"
    )


def test_every_variant_is_a_configuration() -> None:
    plan = load_plan()
    found = variants.variants(plan)

    assert len({each.name for each in found}) == len(found) > 30
    three = {each.name for each in found if len(each.seeds) == 3}
    assert three == {
        *("bahdanau", "conditional", "luong", "luong-feeding"),
        *("luong-dot-decoder", "luong-dot-feeding", "luong-concat-decoder"),
        *("luong-concat-feeding", "luong-local-m", "luong-local-p"),
    }
    assert all("training.epochs=3" in each.overrides for each in found)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "docs").glob("*.yaml")), ids=lambda path: path.stem
)
def test_the_plans_of_the_documentation_can_be_trained(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert len(variants.variants(load_plan(path))) > 1


def test_values_arrive_as_they_were_written(plan: Path) -> None:
    """A list, a number and a name, through `--set`."""
    (rnn,) = variants.variants(load_plan(plan), ["rnn"])

    config = variants.load_config("phrasebook", rnn.overrides)

    assert config.model.cell == "rnn"
    assert config.corpus.train == (str(plan.parent / "all.tsv"),)
    assert config.corpus.held_out == 4


def test_a_failing_variant_does_not_stop_the_others(
    plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real processes; what is done is not done again."""
    opened = load_plan(plan)
    chosen = [
        variants.Variant(**{**vars(each), "seeds": (1,)})
        for each in variants.variants(opened)
    ]
    root = tmp_path / "runs"

    failed = Runs(root, opened, jobs=2).finish(chosen)

    assert len(failed) == 1
    assert "broken-seed1 failed: Error:" in failed[0]
    assert "nowhere.tsv" in failed[0]
    (result,) = variants_table.results(root, opened, chosen[0])
    assert result.measures["test"]["split"] == "test"
    assert Runs(root, opened).finish(chosen[:1]) == []
    log = (root / "rnn-seed1.log").read_text("utf-8")
    assert log.count("Training on ") == 1

    elsewhere = variants.Variant(
        **{
            **vars(chosen[0]),
            "overrides": (*chosen[0].overrides, "model.cell=gru"),
        }
    )
    with pytest.raises(
        GlimpseError, match=r"made by another plan.*model\.cell"
    ):
        Runs(root, opened).finish([elsewhere])
    with pytest.raises(GlimpseError, match="made by another plan"):
        variants_table.results(root, opened, elsewhere)

    monkeypatch.setattr(variants, "WARM_UP", 2)
    monkeypatch.setattr(variants, "TIMED", 6)
    made: list[Trainer] = []

    def first(*given: Any) -> Trainer:
        """To trace the graphs of another takes seconds."""
        if not made:
            made.append(Trainer(*given))
        return made[0]

    monkeypatch.setattr(variants, "Trainer", first)
    logs = sorted((root / "rnn-seed1" / "logs").iterdir())
    speed = variants.measure_speed(root / "rnn-seed1", Places())
    assert sorted((root / "rnn-seed1" / "logs").iterdir()) == logs
    assert speed["target_tokens_per_second"] > 0
    path = root / "rnn-seed1" / "speed.json"
    assert json.loads(path.read_text()) == speed
    # Of two times the faster is kept, unless the earlier was of another kind.
    faster = {**speed, "target_tokens_per_second": 10**9}
    path.write_text(json.dumps(faster))
    assert variants.measure_speed(root / "rnn-seed1", Places()) == faster
    path.write_text(json.dumps({**faster, "steps": 5}))
    assert variants.measure_speed(root / "rnn-seed1", Places())["steps"] != 5
    assert json.loads(path.read_text())["target_tokens_per_second"] < 10**9


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
)
def test_who_is_interrupted_tells_the_children_and_goes_on_later(
    plan: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """A stand-in for the command: it says that it began, and waits."""
    opened = load_plan(plan)
    chosen = variants.variants(opened, ["rnn"])
    stand_in = tmp_path / "python"
    stand_in.write_text(
        "#!/bin/sh\ntrap 'echo told; exit 1' TERM\necho began\n"
        "while :; do sleep 0.05; done\n"
    )
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    root = tmp_path / "runs"
    runs = Runs(root, opened, jobs=2)
    # A program that was started in the background ignores SIGINT.
    old = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupt() -> None:
        logs = [root / f"rnn-seed{seed}.log" for seed in (1, 2)]
        while not all(p.is_file() and "began" in p.read_text() for p in logs):
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            runs.finish(chosen)
    finally:
        thread.join()
        signal.signal(signal.SIGINT, old)

    assert not runs.children._running
    for seed in (1, 2):
        assert "told" in (root / f"rnn-seed{seed}.log").read_text()


def test_the_table_has_means_and_ranges(plan: Path, tmp_path: Path) -> None:
    opened = load_plan(plan)
    planted(tmp_path, "rnn-seed1", 40.0, 0.1, (50.0, 90.0, 95.0))
    planted(tmp_path, "rnn-seed2", 50.0, 0.2, (50.0, 60.0))
    planted(tmp_path, "broken-seed1", 12.34)

    lines = variants_table.table(
        tmp_path, opened, variants.variants(opened)
    ).split("\n")

    head, _, rnn, broken = lines
    assert head.count("|") == rnn.count("|") == broken.count("|")
    assert rnn.startswith("| `rnn` | `cell=rnn` | 2 | – | 45.0 (40.0–50.0) |")
    assert rnn.endswith(
        "| 15.0 (10.0–20.0) | 75.0 (75.0–75.0) | 200 (200–200 in 1) | – |"
    )
    assert broken.endswith("| 1 | – | 12.3 | – | – | – | – |")


def test_scores_are_written_where_there_is_a_place(
    plan: Path, tmp_path: Path
) -> None:
    opened = load_plan(plan)
    planted(tmp_path, "rnn-seed1", 40.0)
    page = tmp_path / "page.md"
    page.write_text(
        "| variant | score |\n|---|---|\n| `rnn` | old |\n| `other` | kept |\n"
        "before <!-- scores:begin -->old<!-- scores:end --> after\n"
    )

    variants_table.write(page, tmp_path, opened, variants.variants(opened))

    text = page.read_text("utf-8")
    assert "| `rnn` | 40.0 |\n| `other` | kept |" in text
    assert text.endswith("<!-- scores:end --> after\n")
    assert "old" not in text
    once = text
    variants_table.write(page, tmp_path, opened, variants.variants(opened))
    assert page.read_text("utf-8") == once


def test_a_page_without_a_place_is_refused(plan: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here")

    with pytest.raises(GlimpseError, match="no place for the scores"):
        variants_table.write(page, tmp_path, load_plan(plan), [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"groups": {"cell": {"gru": {"model.cel": "gru"}}}},
            "Variant 'gru': .*unknown key 'model.cel'; did you mean 'cell'",
        ),
        (
            {"groups": {"cell": {"gru": {"model.cell": "grue"}}}},
            "Variant 'gru': .*did you mean 'gru'",
        ),
        (
            {"groups": {"cell": {"gru": {"seeds": 3}}}},
            "Variant 'gru' has seeds: 3; a list of one or more numbers",
        ),
        ({"splits": 3}, "cannot be read: .*preset, set, splits and groups"),
        ({"setting": {}}, "cannot be read: .*setting"),
    ],
)
def test_a_wrong_plan_is_refused_before_anything_trains(
    plan: Path, changes: dict[str, Any], message: str
) -> None:
    change(plan, **changes)
    with pytest.raises(GlimpseError, match=message):
        load_plan(plan)


def test_an_unknown_variant_is_refused_with_the_nearest(plan: Path) -> None:
    with pytest.raises(GlimpseError, match=r"variant 'rn': .*mean 'rnn'"):
        variants.variants(load_plan(plan), ["rn"])
