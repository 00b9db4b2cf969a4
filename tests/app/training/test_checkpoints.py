from pathlib import Path

import pytest
import tensorflow as tf

from app.training.checkpoints import (
    KEPT,
    ORDER,
    Checkpoints,
    TrainingState,
)
from data import GlimpseError


def test_the_newest_checkpoint_comes_back(tmp_path: Path) -> None:
    variables = [tf.Variable([1.0, 2.0]), tf.Variable(3)]
    checkpoints = Checkpoints(
        tmp_path / "checkpoints", variables, variables[::-1]
    )
    assert checkpoints.restore() is None
    for step in range(1, KEPT + 3):
        variables[1].assign(step)
        checkpoints.save(TrainingState(step=step, best=step / 3))
    variables[1].assign(0)
    state = checkpoints.restore()
    expected = TrainingState(step=KEPT + 2, best=(KEPT + 2) / 3, order=ORDER)
    assert state == expected
    assert variables[1].numpy() == KEPT + 2
    assert len(list((tmp_path / "checkpoints").iterdir())) == KEPT


@pytest.mark.parametrize(
    "name",
    ["a[b]", "[ab", "a\\b", "\\[a\\]", "a*?", "[b]/ç d/[!e]", "{a,b}", "日本"],
)
@pytest.mark.parametrize("relative", [False, True])
def test_a_folder_may_be_called_anything(
    name: str,
    relative: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(name) if relative else tmp_path / name
    (tmp_path / "ab").mkdir()
    variable = tf.Variable([5, 7])
    checkpoints = Checkpoints(folder, [variable], [variable])
    for step in (1, 2):
        variable.assign([step, 3])
        checkpoints.save(TrainingState(step=step))
    variable.assign([0, 0])
    state = checkpoints.restore()
    assert state is not None
    assert state.step == 2
    assert variable.numpy().tolist() == [2, 3]
    assert Path.cwd() == tmp_path


@pytest.mark.parametrize("damaged", ["state.json", "variables.index", "data"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(
    damaged: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    variable = tf.Variable(0)
    checkpoints = Checkpoints(tmp_path, [variable], [variable])
    for step in (1, 2):
        variable.assign(step)
        checkpoints.save(TrainingState(step=step))
    (path,) = (tmp_path / "step-000000002").glob(f"*{damaged}*")
    path.write_bytes(path.read_bytes()[:-7])
    state = checkpoints.restore()
    assert state is not None
    assert state.step == variable.numpy() == 1
    assert "step-000000002 is damaged" in caplog.text


def test_with_every_checkpoint_damaged_nothing_is_trained_over(
    tmp_path: Path,
) -> None:
    variables = [tf.Variable(0)]
    checkpoints = Checkpoints(tmp_path, variables, variables)
    checkpoints.save(TrainingState(step=1))
    (tmp_path / "step-000000001" / "state.json").write_text("{")
    with pytest.raises(GlimpseError, match="None of the 1 checkpoints"):
        checkpoints.restore()


def test_a_full_disk_keeps_the_checkpoints_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = tf.Variable(1)
    checkpoints = Checkpoints(tmp_path, [variable], [variable])
    checkpoints.save(TrainingState(step=1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(GlimpseError, match="No space left"):
            checkpoints.save(TrainingState(step=2))
    state = checkpoints.restore()
    assert state is not None
    assert state.step == 1
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001"]
