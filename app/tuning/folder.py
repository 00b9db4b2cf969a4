"""Folder of a hyperparameter search: its settings, and a record of each trial.

A trial trains and evaluates a model of one configuration. Besides the files of
results, the folder has these:

```
search.yaml   `Settings` of the search
preset.yaml   configuration on which all trials are based
space.yaml    search space: parameters to choose, with their values
seconds       time spent on the search until now, in seconds
oracle/       files of Keras Tuner
trials/       NNNN.json, record of trial NNNN; NNNN.log, output of its training
runs/         run folders: models of the trials, with their training histories
workers/      NAME, touched by the worker NAME while it runs; NAME.log, its log
```

Several trials may share a run folder: Hyperband trains the best models for more
epochs, in new trials that continue the runs of earlier trials.
"""

import dataclasses
import json
import logging
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.config import (
    Config,
    differences,
    flatten,
    load_config,
    save_config,
    yaml_text,
)
from app.machine.shell import app_command
from app.metrics import metric
from app.tuning.space import Space
from app.tuning.space_files import load_space, read_space, space_path
from data import GlimpseError
from data.writing import replacing, write_whole

# For each objective, prefixes of parameters that change what it measures. Its
# values could not be compared between trials with different such parameters:
# losses depend on the tokens, and on the terms that training adds to the loss.
INCOMPARABLE: dict[str, tuple[str, ...]] = {
    "bleu": (),
    "perplexity": ("tokenizer.",),
    "token_accuracy": ("tokenizer.",),
    "loss": (
        "tokenizer.",
        "training.label_smoothing",
        "training.coverage_loss",
        "training.guided_alignment",
    ),
}
BEGINNING = 60  # seconds that a worker waits for its chief to start
log = logging.getLogger(__name__)
Count = Annotated[int, Field(ge=1)]
Objective = Literal["bleu", "loss", "perplexity", "token_accuracy"]
Method = Literal["hyperband", "random", "grid", "bayesian"]
Status = Literal["running", "completed", "failed", "refused"]


@dataclass(frozen=True)
class Record:
    """Record of a trial: the values chosen for it, and its result.

    Attributes:
        trial: number of the trial, as text such as "0003".
        values: maps the name of each active parameter to the chosen value.
        run: name of the run folder in which the trial trains its model.
        first_epoch: number of epochs that the run already had when this trial
            began: a trial may train the run of an earlier trial further.
        epochs: number of epochs that the run has when this trial is completed.
        status: "running" until the trial ends; then "completed", "failed", or
            "refused" if it was never trained.
        score: best validation value of the objective in the first `epochs`
            epochs of the run; None if the trial has no score.
        parameters: number of parameters of the trial's model, or a little more;
            None if it was not counted.
        seconds: training time, including that of interrupted attempts.
        device: name of the device that the model was trained on; None if it is
            not known.
        worker: name of the process that trains or trained the trial.
        reason: reason why the trial failed or was refused; otherwise None.
    """

    trial: str
    values: dict[str, Any]
    run: str
    first_epoch: int = 0
    epochs: int = 0
    status: Status = "running"
    score: float | None = None
    parameters: int | None = None
    seconds: float = 0.0
    device: str | None = None
    worker: str = ""
    reason: str | None = None


@dataclass(frozen=True)
class Settings:
    """Settings of a search, which stay the same when the search is continued.

    Attributes:
        method: method that chooses the hyperparameters of each trial.
        objective: metric on the validation data. The score of a trial is the
            value of this metric at the best epoch.
        epochs: greatest number of epochs that a model is trained for.
        max_parameters: greatest number of parameters of a model, or None for no
            limit. Trials with larger models are refused before training.
        seed: random seed of this choice.
    """

    method: Method = "hyperband"
    objective: Objective = "bleu"
    epochs: Count = 10
    max_parameters: Count | None = None
    seed: Count = 1  # Keras Tuner would replace 0 by a random seed

    @property
    def direction(self) -> Literal["max", "min"]:
        """Direction in which scores become better: "max" or "min"."""
        return metric(self.objective).best

    def best(self, records: Iterable[Record]) -> Record | None:
        """Return the record with the best score; None if there is no score.

        Of records with equal scores, return the first.
        """
        scored = [(r.score, r) for r in records if r.score is not None]
        pick = max if self.direction == "max" else min
        return pick(scored, key=itemgetter(0))[1] if scored else None

    @property
    def incomparable(self) -> tuple[str, ...]:
        """Prefixes of names of parameters that the search must not vary.

        For the objective "perplexity", the prefix is "tokenizer.". Parameters
        with such a prefix change what the objective measures, so the scores of
        trials that differ in them cannot be compared.
        """
        return INCOMPARABLE[self.objective]


class Folder:
    """Folder of a search, with the paths and contents of its files.

    Args:
        path: path of the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.preset = path / "preset.yaml"
        self.space_file = path / "space.yaml"
        self.trials = path / "trials"
        self.runs = path / "runs"
        self.pictures = path / "pictures"
        self.workers = path / "workers"  # a sign of life and a log of each
        self.late = path / "late"  # the chief makes it, so that workers stop

    @cached_property
    def settings(self) -> Settings:
        """Settings of the search, read from `search.yaml`.

        Raises:
            GlimpseError: the folder has no `search.yaml`, or a damaged one.
        """
        path = self.path / "search.yaml"
        if not path.is_file():
            raise GlimpseError(
                f"{self.path} is not the folder of a search, since it has no "
                "search.yaml; begin one with: "
                f"{app_command('tune', '--run', self.path)}"
            )
        try:
            values = yaml_text.read(path)
            return TypeAdapter(Settings).validate_python(values)
        except (OSError, ValueError) as error:  # pydantic raises ValueErrors
            raise GlimpseError(
                f"{path} cannot be read: {' '.join(str(error).split())}"
            ) from error

    def wait(self) -> None:
        """Wait until another process, the chief, has created the search.

        Raises:
            GlimpseError: the folder has no search after `BEGINNING` seconds.
        """
        for _ in range(BEGINNING):
            if (self.path / "search.yaml").is_file():
                return
            time.sleep(1)
        _ = self.settings

    @cached_property
    def base(self) -> Config:
        """Configuration on which trials are based, from `preset.yaml`."""
        return load_config(self.preset)

    @cached_property
    def space(self) -> Space:
        """Search space, without parameters that `incomparable` excludes."""
        return load_space(
            self.space_file, self.base, self.settings.incomparable
        )

    def run(self, record: Record) -> Path:
        return self.runs / record.run

    def log(self, trial: str) -> Path:
        return self.trials / f"{trial}.log"

    def sign(self, worker: str) -> Path:
        """Return the path of the file that shows that a worker is alive.

        The worker regularly updates the modification time of this file.
        """
        return self.workers / worker

    def write(self, record: Record) -> None:
        self.trials.mkdir(parents=True, exist_ok=True)
        text = json.dumps(dataclasses.asdict(record), indent=1)
        write_whole(self.trials / f"{record.trial}.json", text)

    def read(self, trial: str) -> Record | None:
        """Read the record of a trial; return None if it has no record yet.

        Raises:
            GlimpseError: the record is damaged.
        """
        path = self.trials / f"{trial}.json"
        if not path.is_file():
            return None
        try:
            return TypeAdapter(Record).validate_json(path.read_bytes())
        except ValidationError as error:
            raise GlimpseError(
                f"{path} is damaged ({' '.join(str(error).split())[:200]}): "
                "put it back as it was, or remove it to do without that trial"
            ) from error

    def records(self) -> list[Record]:
        """Read the records of all trials, in the order of their numbers.

        Raises:
            GlimpseError: a record is damaged.
        """
        found = map(self.read, sorted(p.stem for p in self._record_files()))
        return [record for record in found if record is not None]

    def _record_files(self) -> list[Path]:
        return [p for p in self.trials.glob("*.json") if p.name[0] != "."]

    def best(self) -> Record | None:
        return self.settings.best(self.records())

    def seconds(self) -> float:
        """Return the saved time of the search in seconds; 0 if none is saved.

        Raises:
            GlimpseError: the file `seconds` does not contain a number.
        """
        path = self.path / "seconds"
        if not path.is_file():
            return 0.0
        text = path.read_text("utf-8", errors="replace")
        try:
            return float(text)
        except ValueError as error:
            raise GlimpseError(
                f"{path} is damaged: it has '{text[:20]}' instead of a number "
                "of seconds; write there how many were spent, or 0"
            ) from error


def open_or_create(
    path: Path,
    preset: str | None = None,
    overrides: Sequence[str] = (),
    space: str | None = None,
    **given: Any,
) -> Folder:
    """Open the search in a folder, or create one if the folder has none.

    If an argument is None, an existing search keeps its own value, and a new
    search gets the default.

    Args:
        path: path of the folder.
        preset: name or file of the preset, which is the configuration on which
            all trials are based.
        overrides: changes to the preset, as `SECTION.KEY=VALUE`.
        space: name or file of the search space.
        given: fields of `Settings`, as keyword arguments.

    Raises:
        GlimpseError: the preset, the space or a setting is invalid (then
            nothing is written); the settings of the search in the folder differ
            from the arguments; or the folder has files, but no search.
    """
    given = {name: value for name, value in given.items() if value is not None}
    folder = Folder(path)
    if (path / "search.yaml").is_file():
        _require_the_same(folder, preset, overrides, space, given)
        return folder
    begun = {folder.preset, folder.space_file}  # a killed command left them
    if path.is_dir() and any(there not in begun for there in path.iterdir()):
        raise GlimpseError(
            f"{path} is there already and holds no search: give another --run"
        )
    base = load_config(preset or "phrasebook", overrides)
    space_file = space_path(space or "default")
    settings = Settings(**{"epochs": base.training.epochs, **given})
    loaded = load_space(space_file, base, settings.incomparable)
    searched = {parameter.name for parameter in loaded.parameters}
    for name in read_space(space_file):
        if name not in searched:
            log.warning(
                "%s is left out, since it, or a parameter that it depends on, "
                "changes the %s of equally good translations; with the "
                "objective bleu it is not left out",
                name,
                settings.objective,
            )
    if settings.method == "grid":
        loaded.require_countable()
    _tell_of_values_outside(loaded, base)
    path.mkdir(parents=True, exist_ok=True)
    save_config(base, folder.preset)
    with replacing(folder.space_file) as beside:
        shutil.copyfile(space_file, beside)
    text = yaml_text.dump(dataclasses.asdict(settings))
    write_whole(path / "search.yaml", text)  # last: makes the folder a search
    return folder


def _tell_of_values_outside(space: Space, base: Config) -> None:
    """Warn about each value of the preset `base` that the space lacks.

    The first trial should be the preset itself. Where the space lacks the value
    of the preset, the first trial gets a value of the space instead.

    Raises:
        GlimpseError: the values of the space do not fit the rest of the preset.
    """
    try:
        first = flatten(space.first(base))
    except GlimpseError as error:
        raise GlimpseError(
            "The search space lacks values of the preset, and the values in "
            "their place do not go with the other values of the preset: "
            f"{error}"
        ) from error
    for name, value in flatten(base).items():
        if first[name] != value:
            log.warning(
                "The preset has %s %s, which is not in the space; the first "
                "trial has %s instead",
                name,
                value,
                first[name],
            )


def _require_the_same(
    folder: Folder,
    preset: str | None,
    overrides: Sequence[str],
    space: str | None,
    given: Mapping[str, Any],
) -> None:
    changed = [
        f"{name}: {own}, {given[name]}"
        for name, own in dataclasses.asdict(folder.settings).items()
        if given.get(name, own) != own
    ]
    if preset or overrides:
        wanted = load_config(preset or folder.preset, overrides)
        changed += differences(folder.base, wanted)
    if space and read_space(space_path(space)) != read_space(folder.space_file):
        changed.append(f"space: its own, {space}")
    if changed:
        raise GlimpseError(
            f"{folder.path} has another search (first its own settings, then "
            f"those asked for: {'; '.join(changed)}): leave these options "
            "out to continue that search, or give another --run"
        )
