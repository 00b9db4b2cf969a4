"""Command `python -m app variants`."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import (
    AsJson,
    CacheDir,
    DataDir,
    Debug,
    one_sentence,
)

RunsFolder = Annotated[
    Path, typer.Option("--run", help="Folder for the run folders.")
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="NAME",
        help="Use only this variant; can be repeated.",
    ),
]
PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        help="A YAML file like app/experiments/variants.yaml.",
        show_default="app/experiments/variants.yaml",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        min=1,
        help="Number of runs at a time, each on its own CPU cores.",
    ),
]
IsListed = Annotated[
    bool, typer.Option("--list", help="Only list the variants.")
]
IsReport = Annotated[
    bool,
    typer.Option("--report", help="Train nothing; show the results so far."),
]
Speed = Annotated[
    bool,
    typer.Option(
        "--speed",
        help="Measure how fast each variant trains, instead of training it to "
        "the end. The machine should have nothing else to do. If a variant has "
        "been measured several times, the fastest time counts.",
    ),
]
Write = Annotated[
    Path | None,
    typer.Option(
        "--write", help="Put the table of results into this Markdown file."
    ),
]


def variants(
    run: RunsFolder = Path("runs/variants"),
    only: Only = None,
    plan: PlanFile = None,
    jobs: Jobs = 1,
    list_: IsListed = False,
    report: IsReport = False,
    speed: Speed = False,
    write: Write = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Train every variant of the model on the same budget and compare them.

    Each variant is trained and measured just as by the commands 'train' and
    'evaluate'. Ctrl-C stops the command. Give the same command again to
    continue; finished runs are not repeated.
    """
    with one_sentence(debug):
        from app.experiments import variants, variants_table
        from data import GlimpseError, Places

        opened = variants.load_plan(plan or variants.PLAN)
        chosen = variants.variants(opened, only or ())
        if list_:
            for each in chosen:
                sets = (f"--set {shlex.quote(o)}" for o in each.overrides)
                print(each.name, *sets)
            return
        if write:  # refused now rather than after hours
            variants_table.require_place(write)
        places = Places(data_dir, cache_dir)
        failed = []
        if speed:
            variants.measure_speeds(run, chosen, places)
        elif not report:
            runs = variants.Runs(run, opened, jobs, places.arguments())
            failed = runs.finish(chosen)
        if write:
            every = variants.variants(opened)  # whatever --only says
            variants_table.write(write, run, opened, every)
        print(
            json.dumps(variants_table.to_json(run, opened, chosen))
            if as_json
            else variants_table.table(run, opened, chosen)
        )
        if failed:
            raise GlimpseError("; ".join(failed))
