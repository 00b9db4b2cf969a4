"""Command `python -m app translate`."""

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.options import (
    AsJson,
    Beam,
    Debug,
    Ensemble,
    KeepUnknown,
    RunFolder,
    SearchSettings,
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
Prefix = Annotated[
    str,
    typer.Option(
        "--prefix",
        metavar="TEXT",
        help="Begin each translation with this text. Its last word may go on, "
        "unless a space follows it.",
        show_default="none",
    ),
]
Force = Annotated[
    list[str] | None,
    typer.Option(
        "--force",
        metavar="PHRASE",
        help="A word, or several words in a row, that each translation must "
        "contain; can be repeated. The beam is widened if it must be.",
    ),
]
Forbid = Annotated[
    list[str] | None,
    typer.Option(
        "--forbid",
        metavar="PHRASE",
        help="A word, or several words in a row, that no translation may "
        "contain; can be repeated.",
    ),
]
Sample = Annotated[
    bool,
    typer.Option(
        "--sample",
        help="Draw each word at random, by its probability, instead of "
        "searching for the likeliest translation. --set search.temperature, "
        "search.top_k and search.top_p say from which words.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed", min=0, help="With --sample: seed of the random numbers."
    ),
]
GlossaryFile = Annotated[
    Path | None,
    typer.Option(
        "--glossary",
        metavar="FILE",
        help="Translations of terms: a UTF-8 file with a term, a tab and its "
        "translation on each line. Upper and lower case of a term count as the "
        "same.",
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
    prefix: Prefix = "",
    force: Force = None,
    forbid: Forbid = None,
    glossary: GlossaryFile = None,
    sample: Sample = False,
    seed: Seed = None,
    ensemble: Ensemble = None,
    set_: SearchSettings = None,
    keep_unknown: KeepUnknown = False,
    debug: Debug = False,
) -> None:
    """Translate each line of standard input to a line of standard output.

    Example: echo "I see a red car." | python -m app translate runs/phrasebook

    Placeholders such as {name} and %1$s, and tags such as <b>, are carried over
    to where attention says that they belong.
    """
    if words and not (as_json or npz):
        raise typer.BadParameter("--words goes with --json or --npz")
    if alignments and not as_json:
        raise typer.BadParameter("--alignments goes with --json")
    if seed is not None and not sample:
        raise typer.BadParameter("--seed goes with --sample")
    with one_sentence(debug):
        from app.inference import Translator
        from app.inference.carrying import read_glossary
        from app.inference.lines import LineOptions, translate_lines
        from app.inference.wishes import Wishes

        pick_device_for(run)
        terms = () if glossary is None else read_glossary(glossary)
        wishes = Wishes(prefix, tuple(force or ()), terms)
        beam = nbest if sample and beam is None else beam
        options = LineOptions(
            beam, nbest, as_json, words, alignments, npz, wishes
        )
        settings = _settings(set_ or (), forbid or (), sample, seed)
        translator = Translator.load(
            run,
            ensemble or (),
            search=settings,
            keep_unknown=keep_unknown,
        )
        names = ", ".join(map(str, (run, *(ensemble or ()))))
        logging.info("Translating with %s", names)
        draw = None if plot is None else _drawing_into(plot)
        translate_lines(translator, sys.stdin.buffer, sys.stdout, options, draw)


def _settings(
    given: Sequence[str], forbid: Sequence[str], sample: bool, seed: int | None
) -> list[str]:
    """Return changes of the options of search, as --set takes them."""
    found = list(given)
    if forbid:
        found.append(f"search.forbidden_words={json.dumps(list(forbid))}")
    if sample:
        found.append("search.sampling=true")
    if seed is not None:
        found.append(f"search.seed={seed}")
    return found


def _drawing_into(folder: Path) -> "Draw":
    """Return a function that saves a heat map of a translation in a folder."""
    # Imported on demand: drawing takes long to import.
    from app.plots import save_heat_map

    return lambda translation, line: save_heat_map(translation, folder, line)
