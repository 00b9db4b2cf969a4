"""The folder of a search: what was asked for, and a record of each trial.

```
search.yaml   how is searched: `Settings`
preset.yaml   what all trials start from
space.yaml    what they choose from
seconds       spent until now
oracle/       Keras Tuner's own
trials/       NNNN.json, a record a trial; NNNN.log, what it printed
runs/         run folders; a promoted trial goes on in that of another
```
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

from app import yaml_text
from app.config import (
    Config,
    differences,
    flatten,
    load_config,
    save_config,
)
from app.run import replacing
from app.shell import app_command
from app.tuning.space import Space, load_space, read_space, space_path
from data import GlimpseError

# Losses are of the tokens there are, and of all that training adds to them.
INCOMPARABLE: dict[str, tuple[str, ...]] = {
    "bleu": (),
    "perplexity": ("tokenizer.",),
    "loss": (
        "tokenizer.",
        "training.label_smoothing",
        "training.coverage_loss",
        "training.guided_alignment",
    ),
}
BEGINNING = 60  # seconds that a worker waits for its chief to begin
log = logging.getLogger(__name__)
Count = Annotated[int, Field(ge=1)]
Objective = Literal["bleu", "loss", "perplexity"]
Method = Literal["hyperband", "random", "grid", "bayesian"]
Status = Literal["running", "completed", "failed", "refused"]


@dataclass(frozen=True)
class Record:
    """One trial.

    Attributes:
        trial: its number.
        values: what was chosen, by SECTION.KEY.
        run: name of its run folder.
        first_epoch: epochs that another trial has trained there before.
        epochs: those the run is to have in the end.
        status: how it stands.
        score: the best validation, by the objective; None without one.
        parameters: of the model, at most.
        seconds: it took, in all its attempts.
        device: it was trained on.
        worker: which process had it.
        reason: why there is no score.
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
    """What makes a search the one it is.

    Attributes:
        method: how trials are chosen.
        objective: what of validation decides, best of all epochs.
        epochs: of one trial, at most.
        max_parameters: larger models are refused before they are built.
        seed: of the choice of trials.
    """

    method: Method = "hyperband"
    objective: Objective = "bleu"
    epochs: Count = 10
    max_parameters: Count | None = None
    seed: Count = 1  # of 0 Keras Tuner would make one at random

    @property
    def direction(self) -> Literal["max", "min"]:
        return "max" if self.objective == "bleu" else "min"

    def best(self, records: Iterable[Record]) -> Record | None:
        """The one with the best score; of equal ones the first."""
        scored = [(r.score, r) for r in records if r.score is not None]
        pick = max if self.direction == "max" else min
        return pick(scored, key=itemgetter(0))[1] if scored else None

    @property
    def incomparable(self) -> tuple[str, ...]:
        """How parameters begin that change what the objective measures."""
        return INCOMPARABLE[self.objective]


class Folder:
    """The paths and parts of a search's folder.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.preset = path / "preset.yaml"
        self.space_file = path / "space.yaml"
        self.trials = path / "trials"
        self.runs = path / "runs"
        self.pictures = path / "pictures"
        self.workers = path / "workers"  # a sign of life and a log of each
        self.late = path / "late"  # is there when workers are to stop

    @cached_property
    def settings(self) -> Settings:
        """What `open_or_create` wrote.

        Raises:
            GlimpseError: there is no search here, or a damaged one.
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
        except (OSError, ValueError) as error:  # pydantic's is one too
            raise GlimpseError(
                f"{path} cannot be read: {' '.join(str(error).split())}"
            ) from error

    def wait(self) -> None:
        """Until there is a search, which another process may just begin.

        Raises:
            GlimpseError: there was none for `BEGINNING` seconds.
        """
        for _ in range(BEGINNING):
            if (self.path / "search.yaml").is_file():
                return
            time.sleep(1)
        _ = self.settings

    @cached_property
    def base(self) -> Config:
        """The preset that all trials start from."""
        return load_config(self.preset)

    @cached_property
    def space(self) -> Space:
        """What they choose from."""
        return load_space(
            self.space_file, self.base, self.settings.incomparable
        )

    def run(self, record: Record) -> Path:
        return self.runs / record.run

    def log(self, trial: str) -> Path:
        return self.trials / f"{trial}.log"

    def sign(self, worker: str) -> Path:
        """A file that a worker touches while it lives."""
        return self.workers / worker

    def write(self, record: Record) -> None:
        self.trials.mkdir(parents=True, exist_ok=True)
        with replacing(self.trials / f"{record.trial}.json") as beside:
            text = json.dumps(dataclasses.asdict(record), indent=1)
            beside.write_text(text, "utf-8")

    def read(self, trial: str) -> Record | None:
        """A trial's record, if it has one yet.

        Raises:
            GlimpseError: it is damaged.
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
        """All trials, as they were begun."""
        found = map(self.read, sorted(p.stem for p in self._record_files()))
        return [record for record in found if record is not None]

    def _record_files(self) -> list[Path]:
        return [p for p in self.trials.glob("*.json") if p.name[0] != "."]

    def best(self) -> Record | None:
        return self.settings.best(self.records())

    def seconds(self) -> float:
        """Spent searching, as far as `Clock` has written it down."""
        path = self.path / "seconds"
        if not path.is_file():
            return 0.0
        text = path.read_text("utf-8", errors="replace")
        try:
            return float(text)
        except ValueError as error:
            raise GlimpseError(
                f"{path} is damaged: it has '{text[:20]}' and no number of "
                "seconds; write there how many were spent, or 0"
            ) from error


class Clock:
    """Time spent on a search, those who were killed included."""

    EVERY = 5.0  # seconds

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._before = folder.seconds()
        self._began = self._written = time.monotonic()

    def seconds(self) -> float:
        now = time.monotonic()
        if now - self._written >= self.EVERY:
            self._written = now
            self.save()
        return self._before + now - self._began

    def save(self) -> None:
        seconds = self._before + time.monotonic() - self._began
        with replacing(self.folder.path / "seconds") as beside:
            beside.write_text(f"{seconds:.1f}\n")


def open_or_create(
    path: Path,
    preset: str | None = None,
    overrides: Sequence[str] = (),
    space: str | None = None,
    **given: Any,
) -> Folder:
    """The search to go on with, or a new one.

    Args:
        path: of its folder.
        preset: by name or file; None for the search's own, or the default.
        overrides: `SECTION.KEY=VALUE`, of the preset.
        space: by name or file; None for the search's own, or the default.
        given: fields of `Settings`; what is None is the search's own, or the
            default.

    Raises:
        GlimpseError: the preset, the space or a setting is refused, and
            nothing was written; or there is something else in the folder, or
            another search than the one asked for.
    """
    given = {name: value for name, value in given.items() if value is not None}
    folder = Folder(path)
    if (path / "search.yaml").is_file():
        _require_the_same(folder, preset, overrides, space, given)
        return folder
    begun = {folder.preset, folder.space_file}  # and then killed
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
                "%s is not searched by %s, which changes with it, or with what "
                "it depends on, however well is translated; by bleu it is",
                name,
                settings.objective,
            )
    if settings.method == "grid":
        loaded.require_countable()
    _tell_of_values_outside(loaded, base)
    path.mkdir(parents=True, exist_ok=True)
    with replacing(folder.preset) as beside:
        save_config(base, beside)
    with replacing(folder.space_file) as beside:
        shutil.copyfile(space_file, beside)
    with replacing(path / "search.yaml") as beside:  # last: now it is one
        beside.write_text(yaml_text.dump(dataclasses.asdict(settings)), "utf-8")
    return folder


def _tell_of_values_outside(space: Space, base: Config) -> None:
    """The first trial is the preset, as far as the space lets it be."""
    try:
        first = flatten(space.first(base))
    except GlimpseError as error:
        raise GlimpseError(
            "The search space does not have what the preset has, and what it "
            f"has instead does not go with the rest of it: {error}"
        ) from error
    for name, value in flatten(base).items():
        if first[name] != value:
            log.warning(
                "The preset has %s %s, which the space does not; the first "
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
            f"{folder.path} holds another search (its own, then the one asked "
            f"for: {'; '.join(changed)}): leave that out to go on with it, or "
            "give another --run"
        )
