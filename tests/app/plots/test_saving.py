"""Figures as files."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from app.plots import heat_map, save
from data import GlimpseError


def figure() -> Figure:
    return heat_map(np.eye(2), ["a", "قرأ"], ["c", "d"], "Title")


def test_a_figure_is_saved_twice(tmp_path: Path) -> None:
    settings = dict(matplotlib.rcParams)
    paths = save(figure(), tmp_path / "new" / "a.b")
    assert paths == (tmp_path / "new" / "a.b.png", tmp_path / "new" / "a.b.svg")
    assert sorted((tmp_path / "new").iterdir()) == list(paths)
    image = imread(paths[0])
    assert min(image.shape[:2]) > 100
    assert image.std() > 0.01
    svg = paths[1].read_text("utf-8")
    assert svg.rstrip().endswith("</svg>")
    assert "<text" not in svg  # the same without the fonts
    assert dict(matplotlib.rcParams) == settings


def test_the_same_figure_gives_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = [path.read_bytes() for path in save(figure(), tmp_path / "a")]
    # A year later, as matplotlib would tell the time.
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    second = [path.read_bytes() for path in save(figure(), tmp_path / "b")]
    assert first == second
    assert b"2027" not in second[1]


def test_one_format_alone(tmp_path: Path) -> None:
    assert save(figure(), tmp_path / "a", ("png",)) == (tmp_path / "a.png",)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    with pytest.raises(
        GlimpseError, match="format 'gif'; choose from png, svg"
    ):
        save(figure(), tmp_path / "b", ("png", "gif"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_picture_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = save(figure(), tmp_path / "a", ("png",))
    before = path.read_bytes()

    def fail(self: Figure, beside: Path, **_: object) -> None:
        beside.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(GlimpseError, match="No space left"):
        save(figure(), tmp_path / "a")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GlimpseError, match="cannot be made"):
        save(figure(), tmp_path / "file" / "a")
