"""What a run is measured on: a split of its corpus, or the user's files."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from app.alignment import Gold, parse_pharaoh
from app.config import CorpusOptions
from app.scores import process
from data import GlimpseError, load_corpus, normalise
from data.cleaning import suspicions
from data.corpora import Example
from data.corpora.files import read_lines
from data.links import parse_links

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluationSet:
    """Sentences with their references, and what else is known of them.

    Attributes:
        corpus: its name; "files" for the user's own.
        split: its name, or that of the source file.
        examples: at least one.
        gold: alignments of some examples, by their index.
        supplied: what `scores.process` makes of the references, where it came
            with the corpus: one a sentence.
    """

    corpus: str
    split: str
    examples: Sequence[Example]
    gold: Mapping[int, Gold] = field(default_factory=dict)
    supplied: Sequence[str] | None = None

    def processed_references(self, language: str) -> list[tuple[str, ...]]:
        """The supplied ones, or else the references, processed here."""
        if self.supplied is not None:
            return [(text,) for text in self.supplied]
        return [
            tuple(process(text, language) for text in example.references)
            for example in self.examples
        ]


def load_set(
    options: CorpusOptions,
    split: str,
    source: Path | None = None,
    reference: Path | None = None,
    alignments: Path | None = None,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
) -> EvaluationSet:
    """`from_files` where there are files, else `from_corpus`."""
    if source is None or reference is None:
        return from_corpus(options, split, data_dir, cache_dir)
    languages = (options.source, options.target)
    return from_files(source, reference, alignments, languages)


def from_corpus(
    options: CorpusOptions,
    split: str,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
) -> EvaluationSet:
    """A split of a corpus; see `data.load_corpus`.

    Raises:
        GlimpseError: there is no such corpus or split, or it is empty.
    """
    corpus = load_corpus(
        **asdict(options), data_dir=data_dir, cache_dir=cache_dir
    )
    return EvaluationSet(
        options.name,
        split,
        corpus.examples(split),
        {
            index: parse_pharaoh(text)
            for index, text in (corpus.gold_alignments(split) or {}).items()
        },
        corpus.processed_references(split),
    )


def from_files(
    source: Path,
    reference: Path,
    alignments: Path | None = None,
    languages: tuple[str, str] = ("en", "fr"),
) -> EvaluationSet:
    """Parallel text of the user's own, a sentence a line, in UTF-8.

    Args:
        source: sentences to translate.
        reference: their translations, as many.
        alignments: see `read_gold`.
        languages: codes of both, which decide what a word is.

    Raises:
        GlimpseError: a file is missing or unreadable, is not UTF-8, holds
            nothing, or does not fit the others.
    """
    sources, references = read_lines(source), read_lines(reference)
    if len(sources) != len(references) or not sources:
        raise GlimpseError(
            f"{source} has {len(sources)} lines and {reference} has "
            f"{len(references)}; as many are needed in both, at least one: "
            "line for line, the second translates the first"
        )
    examples = [
        Example(normalise(one), (normalise(other),))
        for one, other in zip(sources, references, strict=True)
    ]
    pairs = [(each.source, each.references[0]) for each in examples]
    for suspicion in suspicions(pairs, languages):
        log.warning("%s", suspicion)
    gold = read_gold(alignments, examples, languages) if alignments else {}
    return EvaluationSet("files", source.name, examples, gold)


def read_gold(
    path: Path, examples: Sequence[Example], languages: tuple[str, str]
) -> dict[int, Gold]:
    """Gold alignments by index of the example, from 0.

    A line is `INDEX<TAB>links`, or else there is a line of links for every
    example; links are Pharaoh's `i-j ipj` between `data.words`, from 0.

    Raises:
        GlimpseError: the file cannot be read, or a line does not fit.
    """
    lines = read_lines(path)
    if any("\t" in line for line in lines):
        numbered = [line.partition("\t")[::2] for line in lines if line.strip()]
    else:
        _check_count(path, lines, examples)
        numbered = [(str(index), line) for index, line in enumerate(lines)]
    gold: dict[int, Gold] = {}
    for key, text in numbered:
        index = _index(path, key, len(examples))
        if index in gold:
            raise GlimpseError(
                f"{path} aligns line {index} twice; keep one of them"
            )
        gold[index] = _gold(path, index, text, examples[index], languages)
    return gold


def _check_count(
    path: Path, lines: Sequence[str], examples: Sequence[Example]
) -> None:
    if len(lines) != len(examples):
        raise GlimpseError(
            f"{path} has {len(lines)} lines of links for {len(examples)} "
            "sentences; give a line for each, or number them: LINE<TAB>links, "
            "lines counted from 0"
        )


def _index(path: Path, key: str, count: int) -> int:
    if not (key.isascii() and key.isdigit() and int(key) < count):
        raise GlimpseError(
            f"{path} aligns line '{key}'; a number from 0 to {count - 1} is "
            "accepted before the tab"
        )
    return int(key)


def _gold(
    path: Path,
    index: int,
    text: str,
    example: Example,
    languages: tuple[str, str],
) -> Gold:
    pair = (example.source, example.references[0])
    try:
        return parse_links(text, pair, languages)
    except GlimpseError as error:
        raise GlimpseError(f"{path}, line {index}: {error}") from error
