"""Evaluation sets, made from a split of a corpus or from a user's files."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from app.alignment import Gold, parse_pharaoh
from app.runs import Run
from data import Corpus, GlimpseError, Language, Places, normalise
from data.cleaning import suspicions
from data.corpora import Example
from data.corpora.files import read_lines
from data.guidance import between_words
from data.links import TOKENISED, Counting, parse_links

log = logging.getLogger(__name__)

Languages = tuple[Language, Language]
DEFAULT = (Language("en"), Language("fr"))
_NAACL = re.compile(
    r"0*(\d+)[ \t]+(\d+)[ \t]+(\d+)(?:[ \t]+([SP]))?[ \t]*[.\d]*\s*"
)


@dataclass(frozen=True)
class EvaluationSet:
    """Evaluation set: sources, references and, if known, gold alignments.

    Attributes:
        corpus: name of the corpus; "files" for files of the user.
        split: name of the split; for files of the user, name of their source
            file.
        examples: source sentences with their references; at least one example.
        gold: dictionary whose keys are indices of examples, and whose values
            are the gold alignments of these examples; examples without gold
            alignments are left out.
        supplied: one reference for each sentence, which the corpus publishes in
            the form that `app.metrics.text.process` makes; None if the corpus
            does not publish references in this form.
    """

    corpus: str
    split: str
    examples: Sequence[Example]
    gold: Mapping[int, Gold] = field(default_factory=dict)
    supplied: Sequence[str] | None = None


class Files(NamedTuple):
    """Parallel text in files of the user.

    Attributes:
        source: file of source sentences, one on each line.
        reference: file of their translations, one on each line.
        alignments: file of gold alignments between the words of sources
            and references; see `read_gold`.
    """

    source: Path
    reference: Path
    alignments: Path | None = None


def load_set(
    run: Run, split: str, files: Files | None, places: Places
) -> EvaluationSet:
    """Load the files of the user, or a split of the corpus if `files` is None.

    Raises:
        GlimpseError: see `from_files` and `from_corpus`.
    """
    languages = run.config.languages
    if files is not None:
        return from_files(files, languages)
    return from_corpus(run.open_corpus(places), split, languages)


def from_corpus(
    corpus: Corpus, split: str, languages: Languages
) -> EvaluationSet:
    """Load a split of a corpus.

    Args:
        corpus: the corpus.
        split: name of the split.
        languages: languages of source and target, which define how a text is
            divided into words.

    Raises:
        GlimpseError: the corpus has no split of this name.
    """
    examples = corpus.examples(split)
    return EvaluationSet(
        corpus.name,
        split,
        examples,
        gold_of(examples, languages),
        corpus.processed_references(split),
    )


def from_files(files: Files, languages: Languages = DEFAULT) -> EvaluationSet:
    """Load parallel text from UTF-8 files with one sentence on each line.

    Args:
        files: the files.
        languages: languages of source and target, which define how a text is
            divided into words.

    Raises:
        GlimpseError: a file is missing, unreadable, empty or not UTF-8, the
            files of sources and references differ in their number of lines, or
            the gold alignments do not fit the sentences.
    """
    source, reference, alignments = files
    sources, references = read_lines(source), read_lines(reference)
    if len(sources) != len(references) or not sources:
        raise GlimpseError(
            f"{source} has {len(sources)} lines and {reference} has "
            f"{len(references)}; both need the same number, at least one: "
            "line for line, the second translates the first"
        )
    examples = [
        Example(normalise(one), (normalise(other),))
        for one, other in zip(sources, references, strict=True)
    ]
    pairs = [(each.source, each.references[0]) for each in examples]
    codes = [language.code for language in languages]
    for suspicion in suspicions(pairs, codes):
        log.warning("%s", suspicion)
    gold = read_gold(alignments, examples, languages) if alignments else {}
    return EvaluationSet("files", source.name, examples, gold)


def gold_of(
    examples: Sequence[Example], languages: Languages
) -> dict[int, Gold]:
    """Return the gold links of examples; the keys are indices of examples.

    Examples without gold links are left out. A link is a pair of indices
    of words; `languages` define how a text is divided into words.
    """
    return {
        index: parse_pharaoh(
            between_words(
                example.alignment,
                (example.source, example.references[0]),
                languages,
            )
        )
        for index, example in enumerate(examples)
        if example.alignment is not None
    }


def read_gold(
    path: Path, examples: Sequence[Example], languages: Languages
) -> dict[int, Gold]:
    """Read gold alignments; the keys of the result are indices of examples.

    Three formats are recognised. In the first, the file has a line of links for
    every example, in order. In the second, each line is `INDEX<TAB>links`,
    where INDEX is the index of the example, counted from 0. In both, links are
    written in Pharaoh's format: `i-j` (sure) or `ipj` (possible), where i and j
    are the positions of a source word and of a target word, counted from 0. The
    third format is that of the NAACL 2003 workshop (Mihalcea and Pedersen),
    where each line is one link, such as "1 4 3 S": the positions of the
    sentence, of the source word and of the target word, all counted from 1, and
    S (sure) or P (possible).

    Args:
        path: the file.
        examples: the examples that the alignments belong to.
        languages: languages of source and target, which define how a text is
            divided into words.

    Raises:
        GlimpseError: the file cannot be read, is not in one of these formats,
            aligns an example twice, or refers to an example or a word that does
            not exist.
    """
    lines = read_lines(path)
    counting = Counting(languages)
    gold: dict[int, Gold] = {}
    for number, key, text in _numbered(path, lines, examples):
        index = _index(path, number, key, len(examples))
        if index in gold:
            raise GlimpseError(
                f"{path}, line {number}: sentence {index} is aligned twice; "
                "keep one of them"
            )
        pair = (examples[index].source, examples[index].references[0])
        gold[index] = _gold(path, number, text, pair, languages)
        counting.add(gold[index], pair)
    if counting.is_of_spaces:
        raise GlimpseError(
            f"{path} links other words than the sentences have; {TOKENISED}"
        )
    return gold


def _numbered(
    path: Path, lines: Sequence[str], examples: Sequence[Example]
) -> Iterator[tuple[int, str, str]]:
    """Yield line number, index and links of each aligned example.

    The line number is counted from 1 and is used in error messages. The index
    of the example is yielded as text, such as "0" for the first example; it may
    be invalid, so the caller must check it. The links are in Pharaoh's format,
    `i-j` or `ipj`.

    Args:
        path: the file, for error messages.
        lines: the lines of the file, in one of the formats of `read_gold`.
        examples: the examples that the alignments belong to.
    """
    filled = [(n, line) for n, line in enumerate(lines, 1) if line.strip()]
    if filled and all(_NAACL.fullmatch(line) for _, line in filled):
        yield from _of_naacl(filled)
    elif any("\t" in line for line in lines):
        for number, line in filled:
            key, _, text = line.partition("\t")
            yield number, key, text
    else:
        _check_count(path, lines, examples)
        for number, line in enumerate(lines, start=1):
            yield number, str(number - 1), line


def _of_naacl(
    lines: Sequence[tuple[int, str]],
) -> Iterator[tuple[int, str, str]]:
    found: dict[int, tuple[int, list[str]]] = {}
    for number, line in lines:
        sentence, source, target, mark = _NAACL.fullmatch(line).groups()  # type: ignore[union-attr]
        _, links = found.setdefault(int(sentence) - 1, (number, []))
        if int(source) and int(target):  # 0 marks a word without any link
            sign = "p" if mark == "P" else "-"
            links.append(f"{int(source) - 1}{sign}{int(target) - 1}")
    for index, (number, links) in found.items():
        yield number, str(index), " ".join(links)


def _check_count(
    path: Path, lines: Sequence[str], examples: Sequence[Example]
) -> None:
    if len(lines) != len(examples):
        raise GlimpseError(
            f"{path} has {len(lines)} lines of links for {len(examples)} "
            "sentences; give one line for each sentence, or begin each line "
            "with the number of its sentence, counted from 0: NUMBER<TAB>links"
        )


def _index(path: Path, number: int, key: str, count: int) -> int:
    if not (key.isascii() and key.isdigit() and int(key) < count):
        raise GlimpseError(
            f"{path}, line {number}: the sentence has the number '{key}'; a "
            f"number from 0 to {count - 1} is accepted"
        )
    return int(key)


def _gold(
    path: Path,
    number: int,
    text: str,
    pair: tuple[str, str],
    languages: Languages,
) -> Gold:
    try:
        return parse_links(text, pair, languages)
    except GlimpseError as error:
        raise GlimpseError(f"{path}, line {number}: {error}") from error
