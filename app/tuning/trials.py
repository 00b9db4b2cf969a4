"""Training of the trials of a search with the command `python -m app train`.

A trial trains and evaluates a model of one configuration. A child process
trains the model, and writes it and its training history to a run folder.
"""

import gc
import json
import math
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from subprocess import Popen

import tensorflow as tf

from app.config import Config, changed, useful
from app.machine.processes import last_words, start
from app.metrics import metric
from app.runs import has_history, read_history
from app.tuning.folder import Folder, Record
from data import GlimpseError, Places
from models.architecture import build_model

PATIENCE = 0.5  # seconds between checks of a trial under way
LONGEST_REASON = 300  # characters


@dataclass(frozen=True)
class Post:
    """Name and corpora of a process that has trials trained, one by one.

    Attributes:
        places: folders of the corpora that trials are trained on.
        worker: name of the process.
    """

    places: Places = field(default_factory=Places)
    worker: str = "tuner"


class TrialStoppedError(Exception):
    """Error raised when a trial is stopped because the search is out of time.

    The trial can be continued later.
    """


def count_parameters(config: Config) -> int:
    """Return how many trainable parameters a model of `config` has at most.

    The result is the number for vocabularies of the greatest size that `config`
    allows. No memory is allocated for weights, because the model is made in a
    graph that never runs.
    """
    size = config.tokenizer.vocabulary_size
    with tf.Graph().as_default():
        model = build_model(config.model, size, size)
        model.build()
        shapes = [weight.shape for weight in model.trainable_weights]
    del model
    # Graph and model refer to each other, so 1 MB would stay for each trial.
    gc.collect()
    return sum(map(math.prod, shapes))


def run_trial(
    folder: Folder,
    record: Record,
    post: Post,
    is_late: Callable[[], bool],
    look: Callable[[], None],
) -> Record:
    """Train the model of a trial, or continue its training; save the result.

    Args:
        folder: folder of the search.
        record: record of the trial, with the values chosen for it.
        post: description of this process.
        is_late: function that returns whether the time of the search is up; if
            it is, the trial is stopped.
        look: function that is called every `PATIENCE` seconds while the trial
            is trained.

    Returns:
        The record with its new status. A "completed" trial has a score; a
        "failed" or "refused" one has a reason. A trial is refused if its
        configuration is invalid or has too many parameters.

    Raises:
        TrialStoppedError: the time of the search is up. If training has begun,
            its state is saved.
        KeyboardInterrupt: the user stopped the trial; its state is saved.
        GlimpseError: another worker has taken over the trial.
    """
    overrides = folder.space.overrides(record.values)
    overrides.append(f"training.epochs={folder.settings.epochs}")
    try:
        config = changed(folder.base, overrides)
    except GlimpseError as error:
        reason = str(error)
        return _end(folder, replace(record, status="refused", reason=reason))
    overrides = useful(config, overrides)
    parameters = count_parameters(config)
    limit = folder.settings.max_parameters
    record = replace(record, parameters=parameters, worker=post.worker)
    if limit and parameters > limit:
        reason = f"{parameters:,} parameters, more than the {limit:,} allowed"
        return _end(folder, replace(record, status="refused", reason=reason))
    if is_late():
        raise TrialStoppedError
    folder.write(record)
    began = time.monotonic()
    try:
        code = _train(folder, record, overrides, post, is_late, look)
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
    post: Post,
    is_late: Callable[[], bool],
    look: Callable[[], None],
) -> int:
    command = ["train", "--preset", str(folder.preset), "--resume"]
    command += ["--run", str(folder.run(record))]
    command += ["--until", str(record.epochs), *post.places.arguments()]
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
    """Terminate the child process of a trial, and wait until it has ended.

    The child process saves the state of training before it ends. While waiting,
    call `look` repeatedly.
    """
    child.terminate()
    while child.poll() is None:
        time.sleep(PATIENCE)
        look()


def _require_mine(
    folder: Folder, record: Record, child: "Popen[bytes]"
) -> None:
    """Check that no other worker has taken over the trial.

    Raises:
        GlimpseError: another worker has taken over the trial. The child process
            is killed first.
    """
    owner = folder.read(record.trial)
    if owner is not None and owner.worker != record.worker:
        child.kill()
        raise GlimpseError(
            f"Worker {owner.worker} has taken over trial {record.trial}, since "
            f"{record.worker} was not heard of for long: start this worker "
            "again; if it was only slow, give the chief a longer --lost-after"
        )


def _score(folder: Folder, record: Record) -> float | None:
    """Return the best validation score of a trial; None if there is none.

    Only finite scores in the first `record.epochs` epochs of the run are used.
    """
    run = folder.run(record)
    if not has_history(run):
        return None
    decisive = metric(folder.settings.objective)
    rows = read_history(run)[: record.epochs]
    scores = [row[decisive.column] for row in rows]
    finite = [score for score in scores if math.isfinite(score)]
    pick = max if decisive.best == "max" else min
    return pick(finite) if finite else None


def _device(folder: Folder, record: Record) -> str | None:
    """Return the name of the device that a trial was trained on.

    If the device is a GPU and CUDA_VISIBLE_DEVICES is set, the value of this
    variable is added to the name. Return None if the device is not known.
    """
    path = folder.run(record) / "versions.json"
    if not path.is_file():
        return None
    device = json.loads(path.read_text("utf-8"))["device"]
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    counts = given and device.startswith("GPU")
    return f"{device}, number {given}" if counts else device


def _reason(code: int, said: str) -> str:
    """Return the reason why a training process ended without a score.

    Args:
        code: exit status of the process; negative if a signal ended it.
        said: last line, not counting blank lines, of the output of the process.
    """
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", most likely for want of memory" if name == "SIGKILL" else ""
        said = f"the process was ended by {name}{hint}; it said last: {said}"
    elif re.search("OOM|ResourceExhausted|MemoryError|bad_alloc", said):
        said = f"memory ran out: {said}"
    said = said.removeprefix("Error: ") or "the process said nothing"
    return said if len(said) <= LONGEST_REASON else f"{said[:LONGEST_REASON]}…"
