"""What an evaluation leaves behind, and what if it cannot."""

import errno
import json
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.inference.translator import Translator
from app.measuring.keeping import keep, result_name
from app.runs import Run
from data import Example
from tests.app.commands.test_main import invoke
from tests.app.conftest import PAIRS, SOURCES, TARGETS

EXAMPLES = [Example(source, (target,)) for source, target in PAIRS[:3]]


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_run, tmp_path / "run")


@pytest.fixture
def files(tmp_path: Path) -> tuple[object, ...]:
    """Options that name two files, of a split's own name."""
    paths = tmp_path / "test", tmp_path / "test.fr"
    for path, lines in zip(paths, (SOURCES[:3], TARGETS[:3]), strict=True):
        path.write_text("\n".join(lines) + "\n", "utf-8")
    return ("--source", paths[0], "--reference", paths[1])


@pytest.fixture
def corpus(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three sentences stand for each split of any run's corpus."""
    monkeypatch.setattr(Translator, "load", lambda *_, **__: translator)
    monkeypatch.setattr(
        "app.runs.folder.open_corpus",
        lambda options, *_: SimpleNamespace(
            name=options.name,
            examples=lambda split: EXAMPLES,
            processed_references=lambda split: None,
        ),
    )


def test_what_is_measured_otherwise_has_another_name() -> None:
    here, there = Path("a/test"), Path("b/test")
    names = [
        result_name(*question)
        for question in (
            ("test",),
            ("validation",),
            ("test", (), {"beam1": True}),
            ("test", (), {"beam2": True}),
            ("test", (), {"beam1": True, "keep-unknown": True}),
            ("test", (here, here, None)),
            ("test", (there, here, None)),
            ("test", (here, there, None)),
            ("test", (here, here, there)),
            ("test", (here, there, here)),
            ("test", (here, here, None), {"cut": True}),
            # Splits of any name are not among the files.
            (result_name("test", (here, here, None)).partition("/")[2],),
            ("files",),
        )
    ]
    assert len(set(names)) == len(names)
    assert names[:3] == ["test", "validation", "test.beam1"]
    assert all("/" not in name for name in (*names[:5], *names[11:]))
    assert all(name.startswith("files/test-") for name in names[5:11])


@pytest.mark.parametrize("name", ["a b.en", "東京" * 40, "é" * 127, "x" * 255])
def test_a_name_is_short_enough_for_a_file_and_stays(name: str) -> None:
    path = Path(os.path.abspath(name))
    first = result_name(name, (path, path, None), {"beam1": False})
    assert result_name(name, (Path(name), path, None)) == first
    longest = f".writing.{Path(first).name}.beam12.keep-unknown.hypotheses.txt"
    assert len(longest.encode()) <= 255


@pytest.mark.usefixtures("corpus")
def test_no_result_takes_the_place_of_another(
    run: Path,
    files: tuple[object, ...],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.measuring.saving.save_extremes", lambda *_: [])
    caplog.set_level(logging.INFO)
    kept: dict[str, Any] = {}
    for options in ((), files, ("--beam", 1), (*files, "--beam", 1), files):
        caplog.clear()
        code, out, error = invoke("evaluate", run, "--json", *options)
        assert code == 0, error
        said = [each.getMessage() for each in caplog.records]
        (stem,) = [
            text.removeprefix("The results are kept as ").removesuffix(".*")
            for text in said
            if "kept as" in text
        ]
        kept[stem] = json.loads(out)
    assert len(kept) == 4  # the last took the place of its own
    for stem, result in kept.items():
        assert json.loads(Path(f"{stem}.json").read_text()) == result
    assert Run.open(run).result("test")["corpus"] == "phrasebook"
    assert Run.open(run).result("test")["beam"] == 5


def block(path: Path) -> None:
    """A file where a folder should be: nobody writes there, not even root."""
    path.write_text("")


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize("output", [None, "blocked", "blocked/deeper"])
def test_scores_are_shown_where_nothing_can_be_written(
    output: str | None,
    run: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    blocked = tmp_path / "blocked" if output else run / "evaluation"
    given = ("--output", tmp_path / output) if output else ()
    block(blocked)
    code, out, error = invoke("evaluate", run, "--json", *given)
    assert code == 0, error
    assert json.loads(out)["sentences"] == 3
    (warning,) = [
        each.getMessage()
        for each in caplog.records
        if each.levelno == logging.WARNING
        and "Could not write" in each.getMessage()
    ]
    for part in ("hypotheses.txt", "attention.npz", "json", "pictures"):
        assert f"test.{part}" in warning
    assert str(blocked) in warning
    assert "--output" in warning


@pytest.mark.usefixtures("corpus")
def test_another_folder_is_made_and_used(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block(run / "evaluation")
    folder = tmp_path / "deep" / "out put"
    monkeypatch.setattr("app.measuring.saving.save_extremes", lambda *_: [])
    code, out, _ = invoke("evaluate", run, "--json", "--output", folder)
    assert code == 0
    assert json.loads((folder / "test.json").read_text()) == json.loads(out)
    assert (run / "evaluation").read_text() == ""


@pytest.mark.parametrize("full", [0, 1, 2])
def test_a_disk_that_is_full_half_way(
    full: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def writing(number: int) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            if number >= full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            path.write_text("x")

        return write

    endings = [".txt", ".npz", ".json"]
    keep(
        tmp_path / "new" / "test",
        {ending: writing(number) for number, ending in enumerate(endings)},
    )
    (warning,) = [
        each.getMessage()
        for each in caplog.records
        if each.levelno == logging.WARNING
    ]
    assert "(No space left on device)" in warning
    for number, ending in enumerate(endings):
        assert (f"test{ending}" in warning) == (number >= full)
        there = (tmp_path / "new" / f"test{ending}").exists()
        assert there == (number < full)
