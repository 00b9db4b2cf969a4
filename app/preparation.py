"""Build a corpus ahead, and say what is in it."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from app.config import Config
from app.run import (
    Tokenizers,
    open_corpus,
    replacing,
    sample_pairs,
    train_tokenizers,
)
from data import GlimpseError, Language
from data.cleaning import described
from data.survey import PERCENTILES, Leak, Side, SplitSurvey, Survey, survey


def prepare(
    config: Config, data_dir: Path | None = None, cache_dir: Path | None = None
) -> tuple[Survey, Tokenizers]:
    """Build the corpus of a configuration and count it.

    Returns:
        The counts, and the tokenizers they were counted with, which are
        trained as those of a run would be.

    Raises:
        GlimpseError: see `data.load_corpus`.
    """
    corpus = open_corpus(config, data_dir, cache_dir)
    sample = sample_pairs(corpus, config.cleaning)
    tokenizers = train_tokenizers(sample, config.tokenizer)
    total = sum(corpus.size(split) for split in corpus.splits)
    with tqdm(desc="Counting", total=total, unit=" pairs", leave=False) as bar:
        found = survey(
            corpus, tokenizers, config.pipeline, config.cleaning, bar.update
        )
    return found, tokenizers


def write_words(
    config: Config,
    folder: Path,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
) -> None:
    """Write the words of every split: `FOLDER/SPLIT.LANGUAGE`.

    Words are those that links count, separated by spaces, a sentence a line, in
    the order of the corpus. Pairs with an empty side are left out, which
    aligners stumble over; `training.alignments` takes the links of the others.
    """
    corpus = open_corpus(config, data_dir, cache_dir)
    folder.mkdir(parents=True, exist_ok=True)
    for split in corpus.splits:
        for side, language in enumerate(config.languages):
            with (
                replacing(folder / f"{split}.{language.code}") as beside,
                beside.open("w", encoding="utf-8", newline="\n") as file,
            ):
                file.writelines(
                    _words_line(pair[side], language)
                    for pair in corpus.pairs(split)
                    if all(pair)
                )


def _words_line(text: str, language: Language) -> str:
    spans = language.words(text)
    return " ".join(text[start:end] for start, end in spans) + "\n"


def to_json(
    config: Config, found: Survey, tokenizers: Tokenizers
) -> dict[str, Any]:
    """The object that `prepare --json` prints."""
    return {
        "corpus": config.corpus.name,
        "source": config.corpus.source,
        "target": config.corpus.target,
        "vocabulary_size": [each.vocabulary_size for each in tokenizers],
        **asdict(found),
    }


def table(config: Config, found: Survey, tokenizers: Tokenizers) -> str:
    """The counts for people: aligned plain text."""
    corpus = config.corpus
    shown = "".join(f"{f'{each} %':>8}" for each in PERCENTILES)
    lines = [
        f"{corpus.name}, {corpus.source} → {corpus.target}; a token is one of "
        f"{tokenizers.source.vocabulary_size:,} sub-words, a word a run of "
        "letters or digits",
        "",
        f"{'split':<12}{'pairs':>12}{'kept':>12}{'sources':>12}"
        f"{'duplicates':>12}",
        *(
            f"{each.split:<12}{each.pairs:>12,}{each.kept:>12,}"
            f"{each.different_sources:>12,}{each.duplicates:>12,}"
            for each in found.splits
        ),
        "",
        f"{'side':<18}{'tokens':>12}{'words':>12}{'different':>11}"
        f"{'known':>9}   sentences up to so many tokens",
        f"{'':<65}{shown}",
        *(line for each in found.splits for line in _side_lines(each)),
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


def describe_leak(leak: Leak) -> str:
    """A sentence on what two splits share."""
    one, other = leak.splits
    many = "sentence" if leak.count == 1 else "sentences"
    known = f" ({leak.known:,} as published)" if leak.known else ""
    return (
        f"Leak check: {one} and {other} share {leak.count:,} source {many}"
        f"{known}, such as “{leak.example}”."
    )


def refuse_leaks(found: Survey) -> None:
    """Raise if two splits share a sentence.

    Raises:
        GlimpseError: they do, and the corpus is not known for it.
    """
    if found.is_leaking:
        unknown = [leak for leak in found.leaks if leak.count > leak.known]
        raise GlimpseError(
            f"{describe_leak(unknown[0])} What is measured on them is no test: "
            "take these sentences out of one of the two."
        )


def _side_lines(each: SplitSurvey) -> Iterator[str]:
    for name, side in (("source", each.source), ("target", each.target)):
        yield f"{f'{each.split} {name}':<18}{_side(side)}"


def _side(side: Side) -> str:
    lengths = "".join(f"{length:>8,}" for length in side.percentiles)
    return (
        f"{side.tokens:>12,}{side.words:>12,}{side.different_words:>11,}"
        f"{side.known_words:>9.2%}   {lengths}"
    )
