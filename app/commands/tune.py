"""Command `python -m app tune`."""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from app.commands.options import (
    PRESETS,
    SPACES,
    AsJson,
    CacheDir,
    DataDir,
    Debug,
    Overrides,
    one_sentence,
)

if TYPE_CHECKING:
    from app.tuning.folder import Folder

Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help="The preset that all trials start from: one of "
        f"{PRESETS}, or a YAML file.",
        show_default="phrasebook",
    ),
]
SearchFolder = Annotated[
    Path | None,
    typer.Option(
        "--run",
        help="The folder of the search.",
        show_default="runs/tune-PRESET",
    ),
]
SpaceName = Annotated[
    str | None,
    typer.Option(
        "--space",
        help=f"Space to search: one of {SPACES}, or a YAML file. 'refine' does "
        "not change the sizes of the model, which suits a short search.",
        show_default="default",
    ),
]
Method = Annotated[
    Literal["hyperband", "random", "grid", "bayesian"] | None,
    typer.Option(
        "--tuner", help="How trials are chosen.", show_default="hyperband"
    ),
]
Objective = Annotated[
    Literal["bleu", "loss", "perplexity", "token_accuracy"] | None,
    typer.Option(
        "--objective",
        help="The validation figure that decides which trial is best.",
        show_default="bleu",
    ),
]
TrialEpochs = Annotated[
    int | None,
    typer.Option(
        "--trial-epochs",
        min=1,
        help="Maximum number of epochs of a trial.",
        show_default="those of the preset",
    ),
]
MaxParameters = Annotated[
    int | None,
    typer.Option(
        "--max-parameters",
        min=1,
        help="Skip models that would have more parameters than this.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=1,
        help="Seed for the choice of trials.",
        show_default="1",
    ),
]
Trials = Annotated[
    int | None,
    typer.Option("--trials", min=1, help="Budget: number of trials in all."),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs", min=1, help="Budget: epochs of all trials together."
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        "--minutes",
        min=0,
        help="Budget: minutes, earlier sessions included.",
        show_default="20, if neither --trials nor --epochs is given",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        help="Number of trials to train at a time on this machine, each on "
        "its own GPU or CPU cores.",
        show_default="1; for a chief, 0",
    ),
]
Chief = Annotated[
    str | None,
    typer.Option(
        "--chief",
        metavar="HOST:PORT",
        help="Be the chief: listen at this address, and choose the trials that "
        "workers on other machines train. With --jobs N, N workers on this "
        "machine train too. With --worker, the address of the chief.",
    ),
]
WorkerName = Annotated[
    str | None,
    typer.Option(
        "--worker",
        metavar="NAME",
        help="Be a worker: train trials for the chief of the search in --run. "
        "Any name will do, but each worker needs its own.",
    ),
]
LostAfter = Annotated[
    float,
    typer.Option(
        "--lost-after",
        min=1,
        help="If nothing is heard of a worker for this many seconds, its trial "
        "is given to another worker.",
    ),
]
IsReport = Annotated[
    bool,
    typer.Option("--report", help="Train nothing; show the results so far."),
]


def tune(
    preset: Preset = None,
    run: SearchFolder = None,
    space: SpaceName = None,
    tuner: Method = None,
    objective: Objective = None,
    trial_epochs: TrialEpochs = None,
    max_parameters: MaxParameters = None,
    seed: Seed = None,
    trials: Trials = None,
    epochs: Epochs = None,
    minutes: Minutes = None,
    jobs: Jobs = None,
    chief: Chief = None,
    worker: WorkerName = None,
    lost_after: LostAfter = 120.0,
    report: IsReport = False,
    set_: Overrides = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Search for a better configuration, with Keras Tuner.

    Each trial is trained as by the command 'train', in a run folder. The search
    writes trials.csv, pictures, and best.yaml, which you can give to 'train
    --preset'. Ctrl-C stops it. Give the same command again to continue;
    finished trials are not repeated.

    To use several machines, start the command on each of them with the same
    --run folder. Add --chief HOST:PORT on one machine, and --chief HOST:PORT
    --worker NAME on the others.
    """
    if worker and not chief:
        raise typer.BadParameter("--worker goes with --chief HOST:PORT")
    path = run or Path("runs") / f"tune-{Path(preset or 'phrasebook').stem}"
    given = {"method": tuner, "objective": objective, "epochs": trial_epochs}
    given |= {"max_parameters": max_parameters, "seed": seed}
    with one_sentence(debug):
        from app.machine.device import use_none
        from app.tuning.budget import Budget
        from app.tuning.folder import Folder, open_or_create
        from app.tuning.search import join, search_in
        from data import Places

        use_none()
        places = Places(data_dir, cache_dir)
        if worker:
            join(path, str(chief), worker, jobs or 1, places)
            return
        if report:
            show(Folder(path), as_json)
            return
        folder = open_or_create(path, preset, set_ or (), space, **given)
        budget = Budget.of(trials, epochs, minutes)
        search_in(folder, budget, places, chief, jobs, lost_after)
        show(folder, as_json)


def show(folder: "Folder", as_json: bool) -> None:
    """Print the results of a search, and how to train the best configuration.

    Args:
        folder: the folder of the search.
        as_json: whether to print JSON instead of a table.
    """
    from app.machine.shell import app_command
    from app.tuning import results

    print(
        json.dumps(results.to_json(folder))
        if as_json
        else results.table(folder)
    )
    best = ("--preset", folder.path / "best.yaml")
    command = app_command("train", *best, "--run", folder.path / "best")
    logging.info("Train what was found: %s", command)
