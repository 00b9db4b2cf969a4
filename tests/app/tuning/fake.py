"""`python -m app` that trains by a stand-in, and so do its workers."""

import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.config import yaml_text

TRAINER = Path(__file__).with_name("fake_train.py")
HURRIED = 0.1, 1.0, 0.02, 0.1  # seconds: its trials are over in no time
SPACE: dict[str, Any] = {
    "search.beam_size": [1, 2, 3, 4, 5, 6],
    "training.learning_rate": {"min": 1e-3, "max": 1e-2, "scale": "log"},
    "model.decoder": ["bahdanau", "luong"],
    "model.input_feeding": {
        "values": [False, True],
        "when": {"model.decoder": "luong"},
    },
}


def write_space(folder: Path, **changes: Any) -> str:
    """A file of `SPACE` with changes: `__` is a dot; None leaves out."""
    named = {name.replace("__", "."): v for name, v in changes.items()}
    space = {**SPACE, **named}
    path = folder / "space.yaml"
    kept = {name: value for name, value in space.items() if value is not None}
    path.write_text(yaml_text.dump(kept), "utf-8")
    return str(path)


def start(
    command: Sequence[str],
    log: Path,
    cores: Collection[int] = (),
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen[bytes]":
    """In the place of `app.machine.processes.start`."""
    trains = command[0] == "train"
    program = [str(TRAINER)] if trains else ["-m", __name__]
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, *program, *command],
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )


def patch(search: Any, trials: Any, tuner: Any, processes: Any) -> None:
    trials.start = processes.start = start
    search.LOOK, search.QUIET, trials.PATIENCE, tuner.WAIT = HURRIED
    trials.count_parameters = lambda _: 1  # it takes half a second a trial


if __name__ == "__main__":
    from app import __main__
    from app.machine import processes
    from app.tuning import search, trials, tuner

    # As a module, so that `start` names it.
    from tests.app.tuning import fake

    fake.patch(search, trials, tuner, processes)
    __main__.main()
