"""Command `python -m app average`."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import Debug, RunFolder, one_sentence

NewRun = Annotated[
    Path, typer.Argument(metavar="NEW", help="The run folder to make.")
]
Best = Annotated[
    int | None,
    typer.Option(
        "--best",
        min=1,
        metavar="N",
        help="Average the N best epochs of those that the run has kept.",
        show_default="all that were kept",
    ),
]


def average(
    run: RunFolder, new: NewRun, best: Best = None, debug: Debug = False
) -> None:
    """Make a run whose weights are the mean of a run's best epochs.

    The run must have kept them: train it with --set training.keep_best=5, for
    example. The new run can be evaluated, served and so on, but not trained.
    """
    with one_sentence(debug):
        from app.machine.shell import app_command
        from app.runs import Run
        from app.runs.averaging import average as average_run

        epochs = average_run(Run.open(run), new, best)
        listed = ", ".join(map(str, epochs))
        typer.echo(
            f"{new} has the mean of the weights of epochs {listed}. Next:\n"
            f"  {app_command('evaluate', new, '--split', 'validation')}"
        )
