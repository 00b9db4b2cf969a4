"""Command `python -m app evaluate`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import (
    Alignments,
    AsJson,
    Beam,
    CacheDir,
    Cut,
    DataDir,
    Debug,
    Ensemble,
    KeepUnknown,
    Reference,
    RunFolder,
    SearchSettings,
    Source,
    Split,
    files_of,
    one_sentence,
    pick_device_for,
)

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        metavar="DIR",
        help="Folder to write hypotheses, attention, scores and pictures to.",
        show_default="RUN/evaluation",
    ),
]


def evaluate(
    run: RunFolder,
    split: Split = "test",
    source: Source = None,
    reference: Reference = None,
    cut: Cut = False,
    alignments: Alignments = None,
    beam: Beam = None,
    ensemble: Ensemble = None,
    set_: SearchSettings = None,
    keep_unknown: KeepUnknown = False,
    output: Output = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Measure a model: BLEU, chrF, TER, perplexity, accuracy, alignment.

    Hypotheses, attention, scores and pictures are kept in RUN/evaluation, in
    files named SPLIT.* or, with options such as --beam 1, SPLIT.beam1.*; for
    files of your own, in RUN/evaluation/files. If a file cannot be written, a
    warning names it.
    """
    files = files_of(source, reference, alignments)
    with one_sentence(debug):
        from app.measuring import evaluation
        from app.measuring.tables import table, to_json
        from data import Places

        pick_device_for(run)
        measured = evaluation.evaluate(
            run,
            Places(data_dir, cache_dir),
            split=split,
            files=files,
            cut=cut,
            beam_size=beam,
            keep_unknown=keep_unknown,
            ensemble=ensemble or (),
            search=set_ or (),
            output=output,
        )
        shown = json.dumps(to_json(measured), ensure_ascii=False)
        print(shown if as_json else table(measured))
