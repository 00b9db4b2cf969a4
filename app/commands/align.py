"""Command `python -m app align`."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.commands.options import (
    Alignments,
    AsJson,
    CacheDir,
    Cut,
    DataDir,
    Debug,
    Reference,
    RunFolder,
    Source,
    Split,
    files_of,
    one_sentence,
    pick_device_for,
)

Reverse = Annotated[
    Path | None,
    typer.Option(
        "--reverse",
        metavar="RUN",
        help="A run that translates the other way round. The links of both "
        "runs are joined.",
    ),
]
Symmetrise = Annotated[
    Literal["grow-diag-final-and", "intersection", "union"],
    typer.Option("--symmetrise", help="How the links of both runs are joined."),
]
Reading = Annotated[
    Literal["before", "after", "posterior", "foresight"],
    typer.Option(
        "--reading",
        help="Which attention the links are read from. 'before': the attention "
        "of the state that produced the target word. 'after': the attention of "
        "the next state, which has read the target word. 'posterior' (slower): "
        "as 'before', but each source word's weight is multiplied by the "
        "probability of the target word given that source word. 'foresight': "
        "as 'before', but attention knows the target word; this needs --fit.",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        min=0,
        max=1,
        help="Link every pair of words whose weight is larger than this.",
        show_default="no threshold: link each target word to the source word "
        "with the largest weight",
    ),
]
IsScored = Annotated[
    bool,
    typer.Option(
        "--score",
        help="Instead of links, print AER, precision, recall and F1 against "
        "the gold alignments, for each direction, each reading and each way "
        "of joining the links.",
    ),
]
Fit = Annotated[
    bool,
    typer.Option(
        "--fit",
        help="Instead of links, learn how the next word should move attention, "
        "from the run's training pairs, for --reading foresight. The model "
        "itself does not change. This takes about as long as an epoch of "
        "training.",
    ),
]
WordsNpz = Annotated[
    Path | None,
    typer.Option(
        "--npz",
        help="Write the attention between words to this file, for NumPy.",
    ),
]


def align(
    run: RunFolder,
    split: Split = "test",
    source: Source = None,
    reference: Reference = None,
    cut: Cut = False,
    alignments: Alignments = None,
    reverse: Reverse = None,
    symmetrise: Symmetrise = "grow-diag-final-and",
    reading: Reading = "before",
    threshold: Threshold = None,
    score: IsScored = False,
    fit: Fit = False,
    npz: WordsNpz = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Align given translations word by word.

    The model is made to produce the given translation (forced decoding). Each
    target word is then linked to the source word that got the largest share of
    the model's attention. For each sentence pair, one line of links is printed,
    such as "0-0 1-2". The link 1-2 joins source word 1 and target word 2; words
    are counted from 0.
    """
    files = files_of(source, reference, alignments)
    with one_sentence(debug):
        from app.alignment import scores_table, scores_to_json
        from app.inference import aligning
        from app.measuring.sets import load_set
        from app.runs import Run
        from data import Places

        pick_device_for(run)
        places = Places(data_dir, cache_dir)
        if fit:
            from app.training.foresight import fit as fit_foresight

            fit_foresight(Run.open(run), places)
            return
        aligner = aligning.Aligner.load(
            run,
            reverse,
            heuristic=symmetrise,
            reading=reading,
            threshold=threshold,
        )
        given = load_set(Run.open(run), split, files, places)
        aligner.check_lengths(given.examples, source, reference, cut)
        if not score:
            aligning.write(aligner, given.examples, sys.stdout, as_json, npz)
            return
        scores = aligner.score(given.examples, given.gold)
        print(
            json.dumps(scores_to_json(scores))
            if as_json
            else scores_table(scores)
        )
