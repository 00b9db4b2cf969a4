"""Commands that are printed can be pasted, whatever a path is called."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from app.commands.train import next_commands
from app.machine.shell import app_command, make_command
from data import Places

ROOT = Path(__file__).parents[3]
PATHS = [
    "runs/plain",
    "my runs/a  b",
    "it's",
    'the "best"',
    "$HOME/$(id)/${x}",
    "`id`;&|<>*?~#!",
    "back\\slash\\",
    "日本/é",
]


@pytest.mark.parametrize("path", PATHS)
def test_the_application_gets_the_path(path: str) -> None:
    command = app_command("evaluate", Path(path), "--beam", "1")
    shown = subprocess.run(
        ["sh", "-c", f"python() {{ printf '%s\\n' \"$@\"; }}; {command}"],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = ["-m", "app", "evaluate", str(Path(path)), "--beam", "1"]
    assert shown.stdout.split("\n")[:-1] == expected


@pytest.mark.parametrize("path", PATHS)
def test_make_gives_the_path_on(path: str) -> None:
    # It installs nothing, and says nothing of being called by another make.
    show = "--no-print-directory -o .venv/ready ARGS= APP='printf \"%s\\n\"'"
    make = {each: "" for each in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")}
    shown = subprocess.run(
        ["sh", "-c", f"{make_command('evaluate', Path(path))} {show}"],
        cwd=ROOT,
        env={**os.environ, **make},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split("\n")[-3:-1] == ["evaluate", str(Path(path))]


@pytest.mark.parametrize("path", PATHS)
def test_what_is_next_names_the_run(path: str) -> None:
    places = Places(data_dir=Path("the data"))
    lines = next_commands(Path(path), places).split("\n")
    assert len(lines) == 5
    assert shlex.split(lines[0])[-3:] == [path, "--data-dir", "the data"]
    assert path in shlex.split(lines[1])
    for line, target in zip(
        lines[2:], ("evaluate", "translate", "serve"), strict=True
    ):
        assert line.strip().startswith(make_command(target, Path(path)))
