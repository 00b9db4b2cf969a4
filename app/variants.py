"""Every variant of the model, trained on one budget: the plan and its runs.

A run is a folder `NAME-seedN`, trained and measured by the same commands as
any other; what is finished is not done again.
"""

import json
import logging
import subprocess
import threading
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

from app import yaml_text
from app.config import differences, load_config
from app.device import cores, pick_device
from app.processes import (
    ended_like_interrupted,
    last_words,
    shares,
    start,
)
from app.run import Run
from app.training import Trainer
from data import GlimpseError
from models.naming import choose

log = logging.getLogger(__name__)

PLAN = Path(__file__).parent / "variants.yaml"
WARM_UP, TIMED = 20, 60  # steps
RATE = "target_tokens_per_second"


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Plan:
    """What to train.

    Attributes:
        preset: what all runs start from.
        set: what all of them change, SECTION.KEY to value.
        splits: what each is measured on.
        groups: by group, by name, what a variant changes besides; `seeds`
            among it, where one is not enough.
    """

    preset: str
    set: dict[str, Any]
    splits: tuple[str, ...]
    groups: dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    Attributes:
        name: also of its run folders.
        group: what it is a variant of.
        changes: SECTION.KEY to value, without those all runs have.
        seeds: one run each.
        overrides: all there is to `--set`.
    """

    name: str
    group: str
    changes: dict[str, Any]
    seeds: tuple[int, ...]
    overrides: tuple[str, ...]


def load_plan(path: Path = PLAN) -> Plan:
    """Read a plan and try every configuration in it, before anything trains.

    Raises:
        GlimpseError: it is no plan, or one of its variants no configuration.
    """
    try:
        values = yaml_text.read(path)
        plan = TypeAdapter(Plan).validate_python(values)
    except (OSError, ValueError) as error:  # pydantic's is one too
        raise GlimpseError(
            f"The plan {path} cannot be read: {' '.join(str(error).split())}; "
            "preset, set, splits and groups are wanted, as in app/variants.yaml"
        ) from error
    for variant in variants(plan):
        try:
            load_config(plan.preset, variant.overrides)
        except GlimpseError as error:
            raise GlimpseError(f"Variant '{variant.name}': {error}") from error
    return plan


def variants(plan: Plan, only: Sequence[str] = ()) -> list[Variant]:
    """The plan's variants, or those called `only`.

    Raises:
        GlimpseError: there is none of that name.
    """
    found = {
        name: _variant(plan, group, name, changes)
        for group, members in plan.groups.items()
        for name, changes in members.items()
    }
    names = dict.fromkeys(only or found)  # each once
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
    """Keep figures of another plan from standing beside this one's.

    Raises:
        GlimpseError: there is a run in `folder`, of another configuration.
    """
    if not (folder / "config.yaml").is_file():
        return
    wanted = load_config(
        plan.preset, [*variant.overrides, f"training.seed={seed}"]
    )
    changed = differences(Run.open(folder).config, wanted)
    if changed:
        raise GlimpseError(
            f"{folder} was made by another plan (its own, then this one's: "
            f"{'; '.join(changed)}): remove it, or give another --run"
        )


class Runs:
    """Trains and measures, `jobs` runs at a time in processes of their own.

    Args:
        root: where the run folders go.
        plan: what to train.
        jobs: each has its share of the cores to itself.
        options: what train and evaluate are called with besides.
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
        self.shares = shares(jobs)
        self.children: set[subprocess.Popen[bytes]] = set()
        self.stopping = threading.Event()

    def finish(self, chosen: Sequence[Variant]) -> list[str]:
        """Do what is not done yet; returns what failed, a sentence each."""
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
            ThreadPoolExecutor(len(self.shares)) as pool,
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
        """Children save what they have when they are told to end."""
        self.stopping.set()
        for child in tuple(self.children):
            child.terminate()
        log.warning("Stopping; the same command goes on where this one was")

    def _commands(self, variant: Variant, seed: int) -> list[list[str]]:
        """What is still to be called, in order."""
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
        share = self.shares.pop()
        name = folder_of(self.root, variant, seed).name
        try:
            for command in self._commands(variant, seed):
                if self.stopping.is_set() or not self._call(
                    command, name, share
                ):
                    return (
                        f"{name} failed: {last_words(self._log(name))}",
                        False,
                    )
        finally:
            self.shares.append(share)
        return f"{name} done in {time.monotonic() - began:.0f} s", True

    def _call(self, command: list[str], name: str, share: set[int]) -> bool:
        with start(command, self._log(name), share) as child:
            self.children.add(child)
            if self.stopping.is_set():
                child.terminate()
            child.wait()
            self.children.discard(child)
        return child.returncode == 0

    def _log(self, name: str) -> Path:
        return self.root / f"{name}.log"


def measure_speeds(
    root: Path,
    chosen: Sequence[Variant],
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
) -> None:
    """Time the first run of each variant that has one."""
    for variant in chosen:
        folder = folder_of(root, variant, variant.seeds[0])
        if (folder / "history.csv").is_file():
            speed = measure_speed(folder, data_dir, cache_dir)
            log.info("%s: %d tokens/s", variant.name, speed[RATE])


def measure_speed(
    folder: Path, data_dir: Path | None = None, cache_dir: Path | None = None
) -> dict[str, Any]:
    """Time training steps of a run's model, and keep that beside it.

    The machine should have nothing else to do. The wait for data counts. Timed
    again, the faster time is kept: whatever disturbs can only slow it down. The
    run stays as it is: another model is trained, in a folder that goes again.
    """
    run = Run.open(folder)
    corpus = run.load_corpus(data_dir, cache_dir)
    with TemporaryDirectory() as scratch:
        trainer = Trainer(
            Run(Path(scratch), run.config),
            corpus,
            run.load_tokenizers(),
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
    """What was timed before in the same way, or else `speed` itself."""
    path = run.folder / "speed.json"
    before = json.loads(path.read_text("utf-8")) if path.is_file() else speed
    return before if {**before, RATE: speed[RATE]} == speed else speed


def _train(trainer: Trainer, batches: Iterable[Any]) -> int:
    """The target tokens of these batches, once they are trained on."""
    trainer.model.reset_metrics()
    for batch in batches:
        trainer.train_step(batch)
    return int(trainer.model.perplexity.count)  # waits for a GPU too


def _batches(trainer: Trainer) -> Iterator[Any]:
    wanted = WARM_UP + TIMED
    epoch = 0
    while wanted:
        for batch in trainer.data.epoch(1, epoch).take(wanted):
            wanted -= 1
            yield batch
        epoch += 1
