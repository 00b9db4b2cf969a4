"""Training and measurement of variants of the model, to compare them.

A plan (a YAML file) lists the variants. Each variant is trained once for each
of its seeds. Each of these runs has a folder called `NAME-seedN`, to which the
commands `train` and `evaluate` write. A finished run is not trained or measured
again.
"""

import json
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass as checked

from app.config import differences, load_config, yaml_text
from app.machine.device import cores, pick_device
from app.machine.processes import (
    Children,
    ended_like_interrupted,
    last_words,
)
from app.runs import Run, has_history
from app.training import Trainer
from data import GlimpseError, Places
from data.naming import choose

log = logging.getLogger(__name__)

PLAN = Path(__file__).parent / "variants.yaml"
WARM_UP, TIMED = 20, 60  # numbers of steps before and in a timing
RATE = "target_tokens_per_second"


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Plan:
    """Plan of the variants to train and measure.

    Attributes:
        preset: name of the configuration that every variant changes.
        set: changes to the preset that all variants share; each key has the
            form SECTION.KEY.
        splits: parts of the corpus on which each run is measured.
        groups: changes that only one variant makes: `groups[group][variant]`
            has the changes of a variant, in the same form as `set`. If the
            changes have the key `seeds`, its value is not a change but the list
            of the variant's random seeds; the default list is [1].
    """

    preset: str
    set: dict[str, Any]
    splits: tuple[str, ...]
    groups: dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Variant:
    """Variant of the model; the table of results has a row for each variant.

    Attributes:
        name: name of the variant; the names of its run folders begin with it.
        group: name of the variant's group in the plan.
        changes: changes to the preset that only this variant makes; each key
            has the form SECTION.KEY.
        seeds: random seeds of the variant; there is one run for each seed.
        overrides: all changes to the preset, including those that all variants
            share; each one is an argument SECTION.KEY=VALUE of `train --set`.
    """

    name: str
    group: str
    changes: dict[str, Any]
    seeds: tuple[int, ...]
    overrides: tuple[str, ...]


def load_plan(path: Path = PLAN) -> Plan:
    """Read a plan, and check the configuration of each of its variants.

    Raises:
        GlimpseError: the file is not a plan, or a configuration is invalid.
    """
    try:
        values = yaml_text.read(path)
        plan = TypeAdapter(Plan).validate_python(values)
    except (OSError, ValueError) as error:  # pydantic's is a ValueError
        raise GlimpseError(
            f"The plan {path} cannot be read: {' '.join(str(error).split())}; "
            "preset, set, splits and groups are wanted, as in "
            "app/experiments/variants.yaml"
        ) from error
    for variant in variants(plan):
        try:
            load_config(plan.preset, variant.overrides)
        except GlimpseError as error:
            raise GlimpseError(f"Variant '{variant.name}': {error}") from error
    return plan


def variants(plan: Plan, only: Sequence[str] = ()) -> list[Variant]:
    """List the variants of a plan.

    Args:
        plan: the plan.
        only: names of the variants to list; if empty, all are listed.

    Raises:
        GlimpseError: `only` has a name that no variant of the plan has, or the
            seeds of a variant are not a list of one or more numbers.
    """
    found = {
        name: _variant(plan, group, name, changes)
        for group, members in plan.groups.items()
        for name, changes in members.items()
    }
    names = dict.fromkeys(only or found)  # without repeats
    try:
        return [choose(name, found, "variant") for name in names]
    except ValueError as error:
        raise GlimpseError(str(error)) from error


def _variant(
    plan: Plan, group: str, name: str, changes: dict[str, Any]
) -> Variant:
    changes = dict(changes)
    seeds = changes.pop("seeds", [1])
    if not isinstance(seeds, list) or not seeds:
        raise GlimpseError(
            f"Variant '{name}' has seeds: {seeds!r}; a list of one or more "
            "numbers is wanted, such as [1, 2, 3]"
        )
    overrides = tuple(
        f"{key}={json.dumps(value)}"
        for key, value in (plan.set | changes).items()
    )
    return Variant(name, group, changes, tuple(seeds), overrides)


def folder_of(root: Path, variant: Variant, seed: int) -> Path:
    return root / f"{variant.name}-seed{seed}"


def require_same_plan(
    folder: Path, plan: Plan, variant: Variant, seed: int
) -> None:
    """Check that the configuration in a run folder agrees with a plan.

    A folder without a configuration passes the check.

    Args:
        folder: folder of the variant's run with this seed.
        plan: the plan.
        variant: a variant of the plan.
        seed: the seed of the run.

    Raises:
        GlimpseError: the configuration in `folder` differs from the one that
            the plan gives the variant.
    """
    if not (folder / "config.yaml").is_file():
        return
    wanted = load_config(
        plan.preset, [*variant.overrides, f"training.seed={seed}"]
    )
    changed = differences(Run.open(folder).config, wanted)
    if changed:
        raise GlimpseError(
            f"{folder} was made by another plan (its values, then this plan's: "
            f"{'; '.join(changed)}): remove it, or give another --run"
        )


class Runs:
    """Runs of a plan, which are trained and measured in child processes.

    Args:
        root: folder that contains all run folders.
        plan: the plan of the variants to train.
        jobs: number of runs that are trained or measured at the same time; the
            processor's cores are divided among them.
        options: further command-line arguments of `train` and `evaluate`.
    """

    def __init__(
        self,
        root: Path,
        plan: Plan,
        jobs: int = 1,
        options: Sequence[str] = (),
    ) -> None:
        self.root = root
        self.plan = plan
        self.options = list(options)
        self.children = Children(jobs)
        self._free = list(range(jobs))  # numbers of the idle jobs

    def finish(self, chosen: Sequence[Variant]) -> list[str]:
        """Train and measure all unfinished runs of the chosen variants.

        Returns:
            For each run that failed, a sentence with its name and the reason.

        Raises:
            GlimpseError: see `require_same_plan`.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        todo = [
            (variant, seed)
            for seed in sorted({s for v in chosen for s in v.seeds})
            for variant in chosen
            if seed in variant.seeds and self._commands(variant, seed)
        ]
        failed = []
        with (
            ended_like_interrupted(),
            ThreadPoolExecutor(self.children.jobs) as pool,
        ):
            running = [pool.submit(self._run, *each) for each in todo]
            try:
                for count, done in enumerate(as_completed(running), 1):
                    sentence, success = done.result()
                    log.info("%s; %d left", sentence, len(todo) - count)
                    if not success:
                        failed.append(sentence)
            except KeyboardInterrupt:
                self._stop()
                pool.shutdown(cancel_futures=True)
                raise
        return failed

    def _stop(self) -> None:
        """Stop the child processes, which save their progress first."""
        self.children.stop()
        log.warning("Stopping; to continue, give the same command again")

    def _commands(self, variant: Variant, seed: int) -> list[list[str]]:
        """List the commands that a run still needs, in order.

        Returns:
            The arguments of each command: first `train`, then one `evaluate`
            for each split whose results are missing. If no results are missing,
            the list is empty.

        Raises:
            GlimpseError: see `require_same_plan`.
        """
        folder = folder_of(self.root, variant, seed)
        sets = [part for each in variant.overrides for part in ("--set", each)]
        train = ["train", "--preset", self.plan.preset, "--run", str(folder)]
        require_same_plan(folder, self.plan, variant, seed)
        measured = [
            folder / "evaluation" / f"{s}.json" for s in self.plan.splits
        ]
        missing = [path.stem for path in measured if not path.is_file()]
        if not missing:
            return []
        return [
            [*train, "--resume", "--seed", str(seed), *sets, *self.options],
            *(
                ["evaluate", str(folder), "--split", split, *self.options]
                for split in missing
            ),
        ]

    def _run(self, variant: Variant, seed: int) -> tuple[str, bool]:
        began = time.monotonic()
        job = self._free.pop()
        name = folder_of(self.root, variant, seed).name
        try:
            for command in self._commands(variant, seed):
                if self.children.is_stopping or not self._call(
                    command, name, job
                ):
                    return (
                        f"{name} failed: {last_words(self._log(name))}",
                        False,
                    )
        finally:
            self._free.append(job)
        return f"{name} done in {time.monotonic() - began:.0f} s", True

    def _call(self, command: list[str], name: str, job: int) -> bool:
        child = self.children.start(command, self._log(name), job)
        return self.children.wait(child) == 0

    def _log(self, name: str) -> Path:
        return self.root / f"{name}.log"


def measure_speeds(
    root: Path, chosen: Sequence[Variant], places: Places
) -> None:
    """Measure the training speed of each variant, see `measure_speed`.

    The speed is measured on the model of the variant's first seed. A variant
    whose run with that seed has not been trained yet is left out.

    Args:
        root: folder that contains all run folders.
        chosen: the variants.
        places: folders of the corpora's files.
    """
    for variant in chosen:
        folder = folder_of(root, variant, variant.seeds[0])
        if has_history(folder):
            speed = measure_speed(folder, places)
            log.info("%s: %d tokens/s", variant.name, speed[RATE])


def measure_speed(folder: Path, places: Places) -> dict[str, Any]:
    """Measure how fast a run's model trains; save the speed in the run folder.

    The machine should do nothing else during the measurement. Time spent
    waiting for data is included. If a comparable earlier measurement gave a
    higher speed, that speed stays saved, since other work on the machine can
    only lower the speed. The run's trained weights do not change: a new model
    of the same configuration is trained for some steps in a temporary folder.

    Args:
        folder: the run folder.
        places: folders of the corpora's files.

    Returns:
        The object saved in the run's `speed.json`.
    """
    run = Run.open(folder)
    corpus = run.open_corpus(places)
    with TemporaryDirectory() as scratch:
        trainer = Trainer(
            Run(Path(scratch), run.config),
            corpus,
            run.load_sides(),
            pick_device(),
        )
        batches = _batches(trainer)
        _train(trainer, islice(batches, WARM_UP))
        began = time.perf_counter()
        tokens = _train(trainer, batches)
        seconds = time.perf_counter() - began
    speed = {
        "parameters": trainer.model.count_params(),
        RATE: round(tokens / seconds),
        "steps": TIMED,
        "cores": cores(),
    }
    speed = max(_earlier(run, speed), speed, key=lambda each: each[RATE])
    run.write_json("speed.json", speed)
    return speed


def _earlier(run: Run, speed: dict[str, Any]) -> dict[str, Any]:
    """Return the run's saved measurement if it can be compared with `speed`.

    A measurement is a dictionary: a speed and its conditions, such as the
    number of cores. Two measurements can be compared if their conditions are
    equal. If the run has none that can be compared, return `speed`.
    """
    path = run.folder / "speed.json"
    before = json.loads(path.read_text("utf-8")) if path.is_file() else speed
    return before if {**before, RATE: speed[RATE]} == speed else speed


def _train(trainer: Trainer, batches: Iterable[Any]) -> int:
    """Train a step on each batch; return the number of all target tokens."""
    trainer.model.reset_metrics()
    for batch in batches:
        trainer.train_step(batch)
    return int(trainer.model.perplexity.count)  # waits for a GPU to finish


def _batches(trainer: Trainer) -> Iterator[Any]:
    wanted = WARM_UP + TIMED
    epoch = 0
    while wanted:
        for batch in trainer.data.epoch(1, epoch).take(wanted):
            wanted -= 1
            yield batch
        epoch += 1
