"""Command `python -m app train`."""

import json
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.options import (
    PRESETS,
    CacheDir,
    DataDir,
    Debug,
    Overrides,
    one_sentence,
)

if TYPE_CHECKING:
    from app.measuring.measure import Measured
    from data import Places

SAMPLES = 3  # translations shown after training

Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help=f"One of {PRESETS}, or a YAML file.",
        show_default="phrasebook",
    ),
]
RunToMake = Annotated[
    Path | None,
    typer.Option("--run", help="The run folder.", show_default="runs/PRESET"),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with an existing run folder, exactly where it stopped. To "
        "go on with a run that has ended, also give --set training.epochs=N, "
        "with N larger than before.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="Short for --set training.seed=N."),
]
Until = Annotated[
    int | None,
    typer.Option(
        "--until",
        min=1,
        metavar="EPOCH",
        help="Stop after this epoch, without the scores and samples that are "
        "shown at the end of training. --resume goes on as if the run had not "
        "stopped. A number beyond the run's last epoch has no effect.",
    ),
]


def train(
    preset: Preset = None,
    run: RunToMake = None,
    resume: Resume = False,
    seed: Seed = None,
    until: Until = None,
    set_: Overrides = None,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Train a model.

    Training shows loss, perplexity, accuracy, speed and time left. It keeps the
    model with the best validation score. Ctrl-C saves the run and stops;
    --resume goes on as if nothing had happened. The last line on stdout is the
    result as JSON.

    To train a run for more epochs, give --run RUN --resume --set
    training.epochs=N, with N larger than before. The rest of the run then
    follows the learning-rate schedule of N epochs, patience is counted from
    zero, and the best model so far is kept until a better one is found.

    Before you resume a run, you may edit three things in its config.yaml: the
    search section; how the model learns (rate, schedule, losses, clipping,
    patience, checkpoints); and the paths of the corpus, if its files are now
    elsewhere. Any other change is refused.
    """
    overrides = list(set_ or ())
    if seed is not None:
        overrides.append(f"training.seed={seed}")
    with one_sentence(debug):
        from app.machine.device import pick_device
        from app.measuring.saving import save
        from app.runs import open_or_create
        from app.training import open_trainer
        from data import Places

        folder = run or Path("runs") / Path(preset or "phrasebook").stem
        opened = open_or_create(folder, preset, overrides, resume=resume)
        device = pick_device()
        device.share_cores(opened.config.training.parts)
        logging.info("Training %s on %s", folder, device.description)
        places = Places(data_dir, cache_dir)
        with open_trainer(opened, device, places) as trainer:
            summary = trainer.train(until)
            print(json.dumps(asdict(summary)), flush=True)
            if until is None:
                measured = trainer.measure_best()
                save(opened.evaluation / measured.given.split, measured)
                present(folder, measured, places)


def present(folder: Path, measured: "Measured", places: "Places") -> None:
    """Print scores, sample translations, and commands to try next.

    Only the validation split is used; the test split is left to `evaluate`.

    Args:
        folder: the run folder.
        measured: measurement of the run's best model on the validation split.
        places: the folders in which the command found its data.
    """
    from app.measuring.tables import table

    _print(f"\n{table(measured)}\n\nSentences that were not trained on:\n")
    pairs = list(zip(measured.given.examples, measured.hypotheses, strict=True))
    chosen = pairs[:: max(1, len(pairs) // SAMPLES)][:SAMPLES]
    for example, hypothesis in chosen:
        _print(f"  source       {example.source}")
        _print(f"  translation  {hypothesis}")
        _print(f"  reference    {example.references[0]}\n")
    _print(f"The run is in {folder}. Next:\n{next_commands(folder, places)}")


def next_commands(folder: Path, places: "Places") -> str:
    """Return commands to try after training, quoted for a shell."""
    from app.machine.shell import app_command, make_command

    data_dir = places.data_dir
    known = os.environ.get("GLIMPSE_DATA_DIR") == str(data_dir)
    option = ("--data-dir", data_dir) if data_dir and not known else ()
    translate = app_command("translate", folder, "--plot", "pictures")
    return (
        f"  {app_command('evaluate', folder, *option)}\n"
        f'  echo "…" | {translate}\n'
        f"  {make_command('evaluate', folder)}\n"
        f'  {make_command("translate", folder)} TEXT="…"\n'
        f"  {make_command('serve', folder)}"
    )


def _print(text: str) -> None:
    # stdout is for the machine-readable result.
    print(text, file=sys.stderr)
