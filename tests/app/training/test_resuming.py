import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.config import changed, load_config
from app.machine.device import Device
from app.runs import Run, open_or_create
from app.training import resuming, train
from app.training.checkpoints import TrainingState
from data import GlimpseError, Places

CPU = Device("the CPU", jit_compile=False)
OWN = ["corpus.train=[old/a.en, old/a.fr]", "training.clip_norm=null"]
CONFIG = load_config("phrasebook", OWN)  # of six epochs


def run_folder(folder: Path, *overrides: str, **state: Any) -> Path:
    """A run with a checkpoint, whose configuration was changed since."""
    Run.create(folder, changed(CONFIG, overrides))
    checkpoint = folder / "checkpoints" / "step-000000007"
    checkpoint.mkdir(parents=True)
    known = TrainingState(step=7, config=resuming.recorded(CONFIG))
    said = dataclasses.asdict(known) | state
    (checkpoint / "state.json").write_text(json.dumps(said))
    return folder


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("training.epochs=9", "training.epochs: 6 → 9"),
        ("training.clip_norm=1", "training.clip_norm: null → 1.0"),
        ("training.schedule=constant", "training.schedule: cosine → constant"),
        ("search.max_length=9", "search.max_length: null → 9"),
        ("training.checkpoint_steps=9", "training.checkpoint_steps: 200 → 9"),
        (
            "corpus.train=[/new/a.en, /new/a.fr]",
            'corpus.train: ["old/a.en", "old/a.fr"] → '
            '["/new/a.en", "/new/a.fr"]',
        ),
        ("training.epochs=6", ""),
    ],
)
def test_what_can_change(override: str, told: str, tmp_path: Path) -> None:
    now = changed(CONFIG, [override])
    found = resuming.changes(resuming.recorded(CONFIG), now, tmp_path)
    assert resuming.described(found) == told


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("model.cell=lstm", "model.cell: gru → lstm"),
        ("training.seed=2", "training.seed: 1 → 2"),
        ("training.metric=perplexity", "training.metric: bleu → perplexity"),
        ("training.guided_alignment=1", "guided_alignment: 0.0 → 1.0"),
        ("training.precision=mixed_bfloat16", "float32 → mixed_bfloat16"),
        ("corpus.source=de", "corpus.source: en → de"),
        ("corpus.train=[old/b.en, old/a.fr]", '"old/a.fr".* → .*"old/b.en"'),
        ("corpus.validation=[a.en, a.fr]", r"corpus.validation: \[\] → "),
        ("cleaning.length_ratio=3", "cleaning.length_ratio: .* → 3"),
        ("tokenizer.joint=false", "tokenizer.joint: true → false"),
        ("pipeline.batch_size=3", "pipeline.batch_size: 64 → 3"),
    ],
)
def test_what_cannot_change_is_refused_before_anything_is_done(
    override: str, told: str, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path / "run", override, "training.clip_norm=2")
    with pytest.raises(GlimpseError, match=told) as caught:
        train(Run.open(folder), CPU, Places(tmp_path))
    assert "\n" not in str(caught.value)
    assert "restore the old values" in str(caught.value)
    assert "clip_norm" not in str(caught.value)


def test_keys_of_another_version_are_no_change(tmp_path: Path) -> None:
    before = resuming.recorded(changed(CONFIG, ["training.patience=3"]))
    del before["model.cell"]
    before["model.of_another_version"] = 7
    found = resuming.changes(before, CONFIG, tmp_path)
    assert found == {"training.patience": (3, None)}
    assert resuming.changes({}, CONFIG, tmp_path) == {}


def test_fewer_epochs_are_refused_however_they_are_asked_for(
    tmp_path: Path,
) -> None:
    message = "training.epochs=6 and was asked for 4: only a larger.*--until 4"
    folder = run_folder(tmp_path / "by hand", "training.epochs=4")
    with pytest.raises(GlimpseError, match=message):
        train(Run.open(folder), CPU, Places(tmp_path))
    folder = run_folder(tmp_path / "run")
    for preset in (None, _preset(tmp_path, 6), _preset(tmp_path, 9)):
        with pytest.raises(GlimpseError, match=message):
            open_or_create(folder, preset, ["training.epochs=4"], resume=True)


@pytest.mark.parametrize(
    ("preset", "overrides", "epochs"),
    [
        (None, ["training.epochs=8"], 8),
        (None, ["training.epochs = 8"], 8),
        (None, ["training.epochs=6"], 6),
        (None, [], 6),
        (6, [], 6),
        (6, ["training.epochs=8"], 8),
        (4, [], 6),  # its epochs were raised since
        (4, ["training.epochs=8"], 8),
        (9, ["training.epochs=8"], 8),
    ],
)
def test_a_run_is_asked_for_with_its_own_epochs_or_more(
    preset: int | None, overrides: list[str], epochs: int, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path / "run")
    given = None if preset is None else _preset(tmp_path, preset)
    run = open_or_create(folder, given, overrides, resume=True)
    assert run.config == changed(CONFIG, [f"training.epochs={epochs}"])
    assert Run.open(folder).config == CONFIG  # until it is trained


@pytest.mark.parametrize(
    ("preset", "overrides", "told"),
    [
        (6, ["training.seed=2"], "training.seed: 1, 2"),
        (9, [], "training.epochs: 6, 9"),  # only if it is said
        (4, ["model.cell=lstm"], "model.cell: gru, lstm"),
        (6, ["training.epochs=8", "model.cell=lstm"], "lstm; .*epochs: 6, 8"),
        (None, ["training.patience=2"], "training.patience: None, 2"),
    ],
)
def test_a_run_is_not_asked_for_as_another(
    preset: int | None, overrides: list[str], told: str, tmp_path: Path
) -> None:
    folder = run_folder(tmp_path / "run")
    given = None if preset is None else _preset(tmp_path, preset)
    with pytest.raises(
        GlimpseError, match=rf"{told}\).*training\.epochs with --set"
    ):
        open_or_create(folder, given, overrides, resume=True)


def _preset(folder: Path, epochs: int) -> str:
    path = folder / f"preset{epochs}"
    Run.create(path, changed(CONFIG, [f"training.epochs={epochs}"]))
    return str(path / "config.yaml")


@pytest.mark.parametrize(
    ("state", "until", "said"),
    [
        ({"epoch": 4}, None, ""),
        ({"epoch": 4}, 5, ""),
        ({"epoch": 4}, 6, ""),
        ({"epoch": 0}, 1, ""),
        ({"epoch": 4}, 4, "Epoch 4 of 6 is done already, so --until 4 leaves"),
        ({"epoch": 4}, 1, "Epoch 4 of 6 is done already, so --until 1 leaves"),
        ({"epoch": 4}, 7, "--until 7 is past the end .* --set training.epo.*7"),
        ({"epoch": 6, "finished": True}, None, "after epoch 6 of 6, so .*=12"),
        ({"epoch": 6, "finished": True}, 90, "after epoch 6 of 6, so .*=90"),
        (
            {"epoch": 4, "finished": True, "stale_epochs": 2},
            2,
            "after epoch 4 of 6, since validation was not better for 2 epochs",
        ),
    ],
)
def test_what_is_done_is_foreseen(
    state: dict[str, Any], until: int | None, said: str
) -> None:
    found = resuming.foreseen(
        TrainingState(**state), CONFIG.training, until, "train --resume"
    )
    assert re.search(said, found)
    assert bool(said) == bool(found)
