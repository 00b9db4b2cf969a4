"""What a run is measured on: a split of its corpus, or the user's files."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.alignment import Gold, parse_pharaoh
from app.config import Config
from app.run import open_corpus
from app.scores import process
from data import GlimpseError, Language, normalise
from data.cleaning import suspicions
from data.corpora import Example
from data.corpora.files import read_lines
from data.guidance import gold_links
from data.links import TOKENISED, Counting, parse_links

log = logging.getLogger(__name__)

Languages = tuple[Language, Language]
DEFAULT = (Language("en"), Language("fr"))
_NAACL = re.compile(
    r"0*(\d+)[ \t]+(\d+)[ \t]+(\d+)(?:[ \t]+([SP]))?[ \t]*[.\d]*\s*"
)


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
    config: Config,
    split: str,
    source: Path | None = None,
    reference: Path | None = None,
    alignments: Path | None = None,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
) -> EvaluationSet:
    """`from_files` where there are files, else `from_corpus`."""
    if source is None or reference is None:
        return from_corpus(config, split, data_dir, cache_dir)
    return from_files(source, reference, alignments, config.languages)


def from_corpus(
    config: Config,
    split: str,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
) -> EvaluationSet:
    """A split of a corpus; see `data.load_corpus`.

    Raises:
        GlimpseError: there is no such corpus or split, or it is empty.
    """
    corpus = open_corpus(config, data_dir, cache_dir)
    gold = gold_links(corpus, split, config.languages)
    return EvaluationSet(
        corpus.name,
        split,
        corpus.examples(split),
        {index: parse_pharaoh(text) for index, text in gold.items()},
        corpus.processed_references(split),
    )


def from_files(
    source: Path,
    reference: Path,
    alignments: Path | None = None,
    languages: Languages = DEFAULT,
) -> EvaluationSet:
    """Parallel text of the user's own, a sentence a line, in UTF-8.

    Args:
        source: sentences to translate.
        reference: their translations, as many.
        alignments: see `read_gold`.
        languages: of both, which decide what a word is.

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
    codes = [language.code for language in languages]
    for suspicion in suspicions(pairs, codes):
        log.warning("%s", suspicion)
    gold = read_gold(alignments, examples, languages) if alignments else {}
    return EvaluationSet("files", source.name, examples, gold)


def read_gold(
    path: Path, examples: Sequence[Example], languages: Languages
) -> dict[int, Gold]:
    """Gold alignments by index of the example, from 0.

    A line is `INDEX<TAB>links`, or else there is a line of links for every
    example; links are Pharaoh's `i-j ipj` between the words of `languages`,
    from 0. The layout of the NAACL 2003 workshop (Mihalcea and Pedersen) is
    known by itself: a line is one link, "1 4 3 S", the numbers of the sentence
    and of its words from 1, S or P.

    Raises:
        GlimpseError: the file cannot be read, or a line does not fit.
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
    """Line from 1, number of the example, and Pharaoh's links."""
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
        if int(source) and int(target):  # 0 is a word without any link
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
            "sentences; give a line for each, or number them: LINE<TAB>links, "
            "the first sentence being 0"
        )


def _index(path: Path, number: int, key: str, count: int) -> int:
    if not (key.isascii() and key.isdigit() and int(key) < count):
        raise GlimpseError(
            f"{path}, line {number}: sentence '{key}' is aligned; the number "
            f"of one from 0 to {count - 1} is accepted"
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
