"""Corpus of the user's own files: two line-aligned files, or one TSV file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from data.corpora.corpus import SAMPLE_SIZE, Pair
from data.corpora.files import Scan, iterate_lines, scan
from data.corpora.places import Places
from data.corpora.streamed import Stream, StreamedCorpus, with_all_splits
from data.corpora.tsv import pick
from data.errors import GlimpseError
from data.text import normalise

NAME = "parallel_text"
_HOW = (
    "name two files that correspond line by line, or one TSV, such as --set "
    "'corpus.train=[my.en, my.fr]'"
)


def load(
    source: str,
    target: str,
    places: Places,
    files: Mapping[str, Sequence[str]],
    held_out: int,
) -> StreamedCorpus:
    """Check the user's files and return a corpus that reads them.

    Args:
        source: code of the language translated from.
        target: code of the language translated into.
        places: folders of data. A file that is not in the current directory is
            looked for in the data directory.
        files: mapping whose keys are names of splits, and whose values are the
            names of a source file and a target file, or of one TSV file. A
            split without file names is taken from the training text.
        held_out: number of source sentences to take from the training text for
            each split (validation or test) without files.

    Raises:
        GlimpseError: there are no training files, a file is missing or damaged,
            two files have different numbers of lines, or there is too little
            text to take a split from.
    """
    if not files["train"]:
        raise GlimpseError(
            f"Corpus {NAME} has no corpus.train, the text to train on: {_HOW}."
        )
    streams = {
        split: open_stream(names, places, f"corpus.{split}")
        for split, names in files.items()
        if names
    }
    return with_all_splits(NAME, source, target, streams, held_out)


def open_stream(names: Sequence[str], places: Places, option: str) -> Stream:
    """Check files and return a stream of their sentence pairs.

    The files are read again each time the stream is read.

    Args:
        names: names of a source file and a target file that correspond line by
            line, or of one TSV file. Compressed files are unpacked.
        places: folders of data. A file that is not in the current directory is
            looked for in the data directory.
        option: name of the user's option that contains the file names, such as
            "corpus.train", for error messages.

    Raises:
        GlimpseError: there are no names or more than two, a file is missing,
            empty or damaged (see `files.scan`), or two files have different
            numbers of lines.
    """
    names = [names] if isinstance(names, str) else names
    if len(names) not in (1, 2):
        raise GlimpseError(f"{option} names {len(names)} files: {_HOW}.")
    paths = [_find(name, places, option) for name in names]
    table = len(paths) == 1
    scans = [scan(path, SAMPLE_SIZE, table=table) for path in paths]
    _check_lines(paths, scans)
    fingerprint = " ".join(f"{found.checksum:08x}" for found in scans)
    files = [
        partial(iterate_lines, path, quoted=found.quoted)
        for path, found in zip(paths, scans, strict=True)
    ]
    found = scans[0]
    if table:
        return Stream(
            lambda: _from_table(files[0](), found.columns),
            found.lines,
            list(_from_table(found.sample, found.columns)),
            fingerprint,
        )
    return Stream(
        lambda: _side_by_side(*(lines() for lines in files)),
        found.lines,
        list(_side_by_side(*(iter(found.sample) for found in scans))),
        fingerprint,
    )


def _find(name: str, places: Places, option: str) -> Path:
    path = places.find(name)
    if path is None:
        where = f" nor in {places.raw}" if places.raw else ""
        raise GlimpseError(
            f"There is no file {name} here{where}: give its whole path, or a "
            "path below the folder that --data-dir names"
            f"{_as_two(str(name), option)}."
        )
    return path


def _as_two(name: str, option: str) -> str:
    """Return the hint that several file names must be written as a list.

    The hint is the end of the error message about a missing file `name`. It is
    an empty string if `name` looks like a single file name.
    """
    parts = [part for part in re.split(r"[,;\s]+", name) if part]
    if len(parts) < 2:
        return ""
    return (
        "; if several files are meant, put them in brackets: --set "
        f"'{option}=[{', '.join(parts)}]'"
    )


def _check_lines(paths: Sequence[Path], scans: Sequence[Scan]) -> None:
    for path, found in zip(paths, scans, strict=True):
        if not found.lines:
            raise GlimpseError(
                f"{path} is empty, but should hold a sentence a line: check "
                "that it is the right file and is all there."
            )
    if scans[0].lines != scans[-1].lines:
        raise GlimpseError(
            f"{paths[0]} has {scans[0].lines:,} lines and {paths[-1]} has "
            f"{scans[-1].lines:,}, but line by line they should be "
            "translations of each other: find where they part."
        )


def _side_by_side(
    sources: Iterator[str], targets: Iterator[str]
) -> Iterator[Pair]:
    for source, target in zip(sources, targets, strict=True):
        yield normalise(source), normalise(target)


def _from_table(lines: Iterable[str], columns: int) -> Iterator[Pair]:
    for line in lines:
        source, target = pick(line, columns)
        yield normalise(source), normalise(target)
