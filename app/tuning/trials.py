"""One trial: a run folder, trained by `python -m app train` in a process."""

import csv
import gc
import json
import math
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import Popen

import tensorflow as tf

from app.config import Config, changed
from app.processes import last_words, places, start
from app.run import build_model
from app.tuning.folder import Folder, Record
from data import GlimpseError

PATIENCE = 0.5  # seconds between looks at a trial under way
LONGEST_REASON = 300  # characters


@dataclass(frozen=True)
class Place:
    """Where the trials of a process are trained.

    Attributes:
        data_dir: see `data.load_corpus`.
        cache_dir: see `data.load_corpus`.
        worker: name of the process.
    """

    data_dir: Path | None = None
    cache_dir: Path | None = None
    worker: str = "tuner"

    def options(self) -> list[str]:
        """What `train` is called with besides."""
        return places(self.data_dir, self.cache_dir)


class TrialStoppedError(Exception):
    """The time was up before the trial was; it can go on later."""


def count_parameters(config: Config) -> int:
    """Trainable parameters, at most: with as large a vocabulary as allowed.

    Nothing is allocated: the model is made in a graph that never runs.
    """
    size = config.tokenizer.vocabulary_size
    with tf.Graph().as_default():
        model = build_model(config.model, size, size)
        model.build()
        shapes = [weight.shape for weight in model.trainable_weights]
    del model
    gc.collect()  # graph and model refer to each other: a megabyte a trial
    return sum(map(math.prod, shapes))


def run_trial(
    folder: Folder,
    record: Record,
    place: Place,
    is_late: Callable[[], bool],
    look: Callable[[], None],
) -> Record:
    """Train a trial, from where it stands, and record how it ended.

    Args:
        folder: of the search.
        record: the trial, as it was chosen.
        place: where.
        is_late: whether to stop it.
        look: is called again and again meanwhile.

    Returns:
        The record: completed, with its score; or refused or failed, with the
        reason.

    Raises:
        TrialStoppedError: it was late; all is saved, or nothing was begun.
        KeyboardInterrupt: the same.
        GlimpseError: another worker has taken it over.
    """
    overrides = folder.space.overrides(record.values)
    overrides.append(f"training.epochs={folder.settings.epochs}")
    try:
        config = changed(folder.base, overrides)
    except GlimpseError as error:
        reason = str(error)
        return _end(folder, replace(record, status="refused", reason=reason))
    parameters = count_parameters(config)
    limit = folder.settings.max_parameters
    record = replace(record, parameters=parameters, worker=place.worker)
    if limit and parameters > limit:
        reason = f"{parameters:,} parameters, more than the {limit:,} allowed"
        return _end(folder, replace(record, status="refused", reason=reason))
    if is_late():
        raise TrialStoppedError
    folder.write(record)
    began = time.monotonic()
    try:
        code = _train(folder, record, overrides, place, is_late, look)
    except (TrialStoppedError, KeyboardInterrupt):
        folder.write(_after(record, began))
        raise
    record = replace(_after(record, began), device=_device(folder, record))
    score = _score(folder, record) if code == 0 else None
    if score is None:
        reason = _reason(code, last_words(folder.log(record.trial)))
        return _end(folder, replace(record, status="failed", reason=reason))
    return _end(folder, replace(record, status="completed", score=score))


def _after(record: Record, began: float) -> Record:
    seconds = record.seconds + time.monotonic() - began
    return replace(record, seconds=round(seconds, 1))


def _end(folder: Folder, record: Record) -> Record:
    folder.write(record)
    return record


def _train(
    folder: Folder,
    record: Record,
    overrides: list[str],
    place: Place,
    is_late: Callable[[], bool],
    look: Callable[[], None],
) -> int:
    command = ["train", "--preset", str(folder.preset), "--resume"]
    command += ["--run", str(folder.run(record))]
    command += ["--until", str(record.epochs), *place.options()]
    command += [part for each in overrides for part in ("--set", each)]
    with start(command, folder.log(record.trial)) as child:
        while child.poll() is None:
            try:
                time.sleep(PATIENCE)
                look()
                late = is_late()
                _require_mine(folder, record, child)
            except KeyboardInterrupt:
                _stop(child, look)
                raise
            if late:
                _stop(child, look)
                raise TrialStoppedError
    return child.returncode


def _stop(child: "Popen[bytes]", look: Callable[[], None]) -> None:
    """Wait until it has saved what it has; who waits for us sees us alive."""
    child.terminate()
    while child.poll() is None:
        time.sleep(PATIENCE)
        look()


def _require_mine(
    folder: Folder, record: Record, child: "Popen[bytes]"
) -> None:
    """Let no two processes train the same run."""
    owner = folder.read(record.trial)
    if owner is not None and owner.worker != record.worker:
        child.kill()
        raise GlimpseError(
            f"Worker {owner.worker} has taken over trial {record.trial}, since "
            f"{record.worker} was not heard of for long: start it again, with "
            "a longer --lost-after at the chief if it was only slow"
        )


def _score(folder: Folder, record: Record) -> float | None:
    """The best validation of the epochs this trial is about."""
    path = folder.run(record) / "history.csv"
    if not path.is_file():
        return None
    settings = folder.settings
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[: record.epochs]
    scores = [float(row[f"validation_{settings.objective}"]) for row in rows]
    finite = [score for score in scores if math.isfinite(score)]
    pick = max if settings.direction == "max" else min
    return pick(finite) if finite else None


def _device(folder: Folder, record: Record) -> str | None:
    """What it was trained on: which of several, where it was given one."""
    path = folder.run(record) / "versions.json"
    if not path.is_file():
        return None
    device = json.loads(path.read_text("utf-8"))["device"]
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    counts = given and device.startswith("GPU")
    return f"{device}, number {given}" if counts else device


def _reason(code: int, said: str) -> str:
    """Why a process ended without a score, in a sentence."""
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", most likely for want of memory" if name == "SIGKILL" else ""
        said = f"the process was ended by {name}{hint}; it said last: {said}"
    elif re.search("OOM|ResourceExhausted|MemoryError|bad_alloc", said):
        said = f"memory ran out: {said}"
    said = said.removeprefix("Error: ") or "the process said nothing"
    return said if len(said) <= LONGEST_REASON else f"{said[:LONGEST_REASON]}…"
