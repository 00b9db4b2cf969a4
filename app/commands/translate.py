"""Command `python -m app translate`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.options import (
    AsJson,
    Beam,
    Debug,
    KeepUnknown,
    RunFolder,
    one_sentence,
    pick_device_for,
)

if TYPE_CHECKING:
    from app.inference.lines import Draw

NBest = Annotated[
    int,
    typer.Option(
        "--nbest",
        min=1,
        help="Number of translations of each line; no more than --beam. With "
        "more than 1, the command prints 'NUMBER ||| translation ||| score', "
        "where NUMBER is that of the input line, counted from 0, as in Moses. "
        "In warnings and pictures, lines are counted from 1.",
    ),
]
Words = Annotated[
    bool,
    typer.Option(
        "--words", help="With --json or --npz: join tokens into words."
    ),
]
Links = Annotated[
    bool,
    typer.Option("--alignments", help="With --json: also print links i-j."),
]
Npz = Annotated[
    Path | None,
    typer.Option(
        "--npz",
        help="Write the attention of each hypothesis to this file, for NumPy.",
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        help="Draw the attention of each sentence as a picture in this folder.",
    ),
]


def translate(
    run: RunFolder,
    beam: Beam = None,
    nbest: NBest = 1,
    as_json: AsJson = False,
    words: Words = False,
    alignments: Links = False,
    npz: Npz = None,
    plot: Plot = None,
    keep_unknown: KeepUnknown = False,
    debug: Debug = False,
) -> None:
    """Translate each line of standard input to a line of standard output.

    Example: echo "I see a red car." | python -m app translate runs/phrasebook
    """
    if words and not (as_json or npz):
        raise typer.BadParameter("--words goes with --json or --npz")
    if alignments and not as_json:
        raise typer.BadParameter("--alignments goes with --json")
    with one_sentence(debug):
        from app.inference.lines import LineOptions, translate_lines

        pick_device_for(run)
        options = LineOptions(
            beam, nbest, as_json, words, alignments, npz, keep_unknown
        )
        draw = None if plot is None else _drawing_into(plot)
        translate_lines(run, sys.stdin.buffer, sys.stdout, options, draw)


def _drawing_into(folder: Path) -> "Draw":
    """Return a function that saves a heat map of a translation in a folder."""
    # Imported on demand: drawing takes long to import.
    from app.plots import save_heat_map

    return lambda translation, line: save_heat_map(translation, folder, line)
