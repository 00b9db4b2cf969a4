"""Command `python -m app compare`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import (
    AsJson,
    CacheDir,
    DataDir,
    Debug,
    Split,
    one_sentence,
)

First = Annotated[
    Path, typer.Argument(metavar="RUN_A", help="A run folder, the baseline.")
]
Second = Annotated[
    Path, typer.Argument(metavar="RUN_B", help="A run folder to compare it to.")
]
Show = Annotated[
    int,
    typer.Option(
        "--show",
        min=0,
        metavar="N",
        help="Show the N sentences whose translations differ most.",
    ),
]


def compare(
    first: First,
    second: Second,
    split: Split = "test",
    show: Show = 5,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Compare two runs: is one better, and where do they differ?

    Both must have been measured on the split by 'evaluate', which keeps their
    translations. The probability p is that of sacreBLEU's paired bootstrap: a
    difference with p below 0.05 is seldom chance.
    """
    with one_sentence(debug):
        from app.measuring import comparing
        from data import Places

        found = comparing.compare(
            (first, second), split, Places(data_dir, cache_dir)
        )
        print(
            json.dumps(asdict(found), ensure_ascii=False)
            if as_json
            else comparing.described(found, show)
        )
