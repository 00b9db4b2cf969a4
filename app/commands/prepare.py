"""Command `python -m app prepare`."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.commands.options import (
    PRESETS,
    AsJson,
    CacheDir,
    DataDir,
    Debug,
    Overrides,
    one_sentence,
)
from app.machine.tables import aligned

if TYPE_CHECKING:
    from app.config import Config
    from data.sides import Sides
    from data.survey import Leak, SideSurvey, Survey

CorpusName = Annotated[
    str | None,
    typer.Option(
        "--corpus",
        help="phrasebook, multi30k, tatoeba, tfds:NAME, or parallel_text with "
        "--set 'corpus.train=\\[my.en, my.fr]'.",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset",
        help=f"Take the corpus of one of {PRESETS}, or of a YAML file.",
    ),
]
Words = Annotated[
    Path | None,
    typer.Option(
        "--words",
        metavar="DIR",
        help="Also write the words of each split to this folder: one file for "
        "each language, with one sentence on each line. A statistical aligner "
        "can read these files. A link such as 1-2, which 'align' prints, "
        "counts the words as these files have them.",
    ),
]


def prepare(
    corpus: CorpusName = None,
    preset: Preset = None,
    words: Words = None,
    set_: Overrides = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
    debug: Debug = False,
) -> None:
    """Build a corpus ahead of training and print statistics of it.

    For each split, the command prints the number of pairs, duplicates and
    tokens, the lengths of sentences, how many words of the split also occur in
    training, and which pairs are left out and why. It fails if two splits share
    a source sentence.
    """
    if corpus and preset:
        raise typer.BadParameter("give --corpus or --preset, not both")
    overrides = list(set_ or ())
    if corpus:
        overrides.insert(0, f"corpus.name={json.dumps(corpus)}")
    with one_sentence(debug):
        from app.config import load_config
        from app.runs.preparation import count, write_words
        from data import Places, open_corpus

        config = load_config(preset or "phrasebook", overrides)
        opened = open_corpus(
            config.corpus, config.cleaning, Places(data_dir, cache_dir)
        )
        found, sides = count(config, opened)
        if words:
            write_words(opened, config.languages, words)
        print(
            json.dumps(to_json(config, found, sides), ensure_ascii=False)
            if as_json
            else table(config, found, sides),
            flush=True,
        )
        refuse_leaks(found)


def to_json(
    config: "Config", found: "Survey", sides: "Sides"
) -> dict[str, Any]:
    """Return the statistics as the object that `prepare --json` prints."""
    return {
        "corpus": config.corpus.name,
        "source": config.corpus.source,
        "target": config.corpus.target,
        "vocabulary_size": [side.size for side in sides],
        **asdict(found),
    }


def table(config: "Config", found: "Survey", sides: "Sides") -> str:
    """Return the statistics of a corpus as tables of plain text."""
    from data.cleaning import described
    from data.survey import PERCENTILES

    corpus = config.corpus
    splits = [
        [
            each.split,
            *map("{:,}".format, (each.pairs, each.kept)),
            *map("{:,}".format, (each.different_sources, each.duplicates)),
        ]
        for each in found.splits
    ]
    heads = ["split", "pairs", "kept", "sources", "duplicates"]
    shares = [f"{each} %" for each in PERCENTILES]
    lines = [
        f"{corpus.name}, {corpus.source} → {corpus.target}; a token is one of "
        f"{sides.source.size:,} sub-words, a word a run of letters or digits",
        "",
        *aligned(splits, "<>>>>", heads),
        "",
        "Percentages: that share of sentences has at most so many tokens.",
        *aligned(
            [
                [f"{each.split} {name}", *_side(side)]
                for each in found.splits
                for name, side in (
                    ("source", each.source),
                    ("target", each.target),
                )
            ],
            "<>>>>" + ">" * len(shares),
            ["side", "tokens", "words", "different", "known", *shares],
        ),
        "",
        *(
            f"{each.split}: {line}"
            for each in found.splits
            for line in described(each.drops)
        ),
        *map(describe_leak, found.leaks),
    ]
    if not found.leaks:
        lines.append("Leak check: no two splits share a source sentence.")
    return "\n".join(lines)


def _side(side: "SideSurvey") -> Iterator[str]:
    counts = (side.tokens, side.words, side.different_words)
    yield from map("{:,}".format, counts)
    yield f"{side.known_words:.2%}"
    yield from map("{:,}".format, side.percentiles)


def describe_leak(leak: "Leak") -> str:
    """Return a message about source sentences that two splits share."""
    one, other = leak.splits
    many = "sentence" if leak.count == 1 else "sentences"
    known = f" ({leak.known:,} as published)" if leak.known else ""
    return (
        f"Leak check: {one} and {other} share {leak.count:,} source {many}"
        f"{known}, such as “{leak.example}”."
    )


def refuse_leaks(found: "Survey") -> None:
    """Raise an error if splits of a corpus share source sentences.

    Some corpora were published with splits that share a known number of source
    sentences. For these corpora, that number of shared sentences is allowed.

    Raises:
        GlimpseError: two splits share more sentences than is allowed.
    """
    from data import GlimpseError

    if found.is_leaking:
        unknown = [leak for leak in found.leaks if leak.count > leak.known]
        raise GlimpseError(
            f"{describe_leak(unknown[0])} What is measured on them is no test: "
            "take these sentences out of one of the two."
        )
