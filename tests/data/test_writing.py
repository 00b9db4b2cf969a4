"""Files written whole, and folders that one process works in."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from data import GlimpseError, writing
from data.writing import LOCK, after_others, alone, replacing, write_whole

ROOT = Path(__file__).parents[2]


def test_what_fails_to_be_written_leaves_what_was_there(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fill(beside: Path) -> None:
        beside.write_text("half")
        raise OSError(28, "No space left on device")

    with (
        pytest.raises(GlimpseError, match="No space left on device"),
        replacing(path) as beside,
    ):
        fill(beside)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"
    with replacing(path) as beside:
        beside.write_text("new")
    assert path.read_text() == "new"


def test_another_error_leaves_what_was_there_and_passes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fill(beside: Path) -> None:
        beside.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), replacing(path) as beside:
        fill(beside)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_a_place_that_cannot_be_written_is_one_sentence(
    tmp_path: Path,
) -> None:
    below = tmp_path / "file" / "below"
    below.parent.write_text("")
    with (
        pytest.raises(GlimpseError, match="could not be written"),
        replacing(below) as beside,
    ):
        beside.write_text("x")
    with pytest.raises(GlimpseError, match="could not be written") as caught:
        write_whole(below, "x")
    assert "\n" not in str(caught.value)


def test_a_text_is_written_whole_with_its_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for text in ("old", "é\r\nが\n\ud7ff\r", ""):
        write_whole(path, text)
        assert path.read_bytes() == text.encode()
        assert [each.name for each in tmp_path.iterdir()] == ["file"]


@contextmanager
def started(program: str, *arguments: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a program that reads and prints lines; end it in any case."""
    with subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_one_process_works_in_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from data.writing import alone\n"
        "with alone(pathlib.Path(sys.argv[1])):\n"
        "    print('here', flush=True)\n"
        "    time.sleep(600)"
    )
    monkeypatch.setattr(writing, "SECONDS_OF_ENDING", 0.3)
    with started(program, tmp_path) as other:
        assert line_of(other) == "here"
        with (
            pytest.raises(GlimpseError, match="Another process is at work in"),
            alone(tmp_path),
        ):
            pytest.fail("two are at work")
        (tmp_path / "other").mkdir()
        with alone(tmp_path / "other"):  # each folder is for itself
            pass
        other.kill()
    assert other.returncode == -signal.SIGKILL
    with alone(tmp_path):  # a lock does not outlive its process
        assert (tmp_path / LOCK).is_file()
    with alone(tmp_path):
        pass


def test_one_that_is_ending_is_waited_for(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from data.writing import alone\n"
        "with alone(pathlib.Path(sys.argv[1])):\n"
        "    print('here', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    time.sleep(0.5)"
    )
    with started(program, tmp_path) as other:
        assert line_of(other) == "here"
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
        with alone(tmp_path):
            assert (tmp_path / LOCK).is_file()


def test_others_are_waited_for(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\n"
        "from data.writing import after_others\n"
        "print('ready', flush=True)\n"
        "with after_others(pathlib.Path(sys.argv[1])):\n"
        "    print('here', flush=True)\n"
        "    sys.stdin.readline()\n"
        "    with open(sys.argv[2], 'a') as log:\n"
        "        log.write(sys.argv[3] + '\\n')\n"
    )
    lock, log = tmp_path / "lock", tmp_path / "log"
    with started(program, lock, log, Path("first")) as first:
        assert [line_of(first), line_of(first)] == ["ready", "here"]
        with started(program, lock, log, Path("second")) as second:
            assert line_of(second) == "ready"
            assert second.stdin is not None
            second.stdin.write("\n")  # would end as soon as it is let in
            second.stdin.flush()
            time.sleep(0.5)
            assert second.poll() is None
            assert not log.exists()
            first.communicate("\n")
            assert line_of(second) == "here"
            assert second.wait(60) == 0
    assert log.read_text().split() == ["first", "second"]
    with after_others(lock):
        pass
