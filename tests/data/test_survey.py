"""Counting a corpus, and finding what its splits share."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from data import CleaningOptions, Language, PipelineOptions, Tokenizer
from data.cleaning import TOO_LONG, Drop
from data.corpora import Corpus, Pair
from data.sides import Sides
from data.survey import Leak, Survey, survey

TRAIN = [
    ("the cat", "le chat"),
    ("the dog", "le chien"),
    ("the cat", "le chat"),
    ("the cat", "un chat"),
    ("", "vide"),
    ("the cat the dog the cat the dog", "long"),
]
TEST = [("a cat", "un chat"), ("the bird", "le chat")]


@dataclass(frozen=True)
class Made(Corpus):
    texts: tuple[tuple[Pair, ...], ...] = ()
    known: frozenset[str] = frozenset()
    splits = ("train", "validation", "test")

    def pairs(self, split: str) -> Iterator[Pair]:
        yield from self.texts[self.splits.index(split)]

    def size(self, split: str) -> int:
        return len(list(self.pairs(split)))

    def known_leaks(self) -> frozenset[str]:
        return self.known


@pytest.fixture(scope="module")
def sides() -> Sides:
    texts = [text for pair in [*TRAIN, *TEST] for text in pair if text]
    tokenizer = Tokenizer.train(texts * 9, 400)
    return Sides.of([tokenizer], (Language("en"), Language("fr")))


def made(*validation: Pair) -> Made:
    return Made("made", "en", "fr", (tuple(TRAIN), validation, tuple(TEST)))


def found(corpus: Corpus, sides: Sides) -> Survey:
    counted: list[int] = []
    result = survey(
        corpus,
        sides,
        PipelineOptions(max_source_length=8),
        CleaningOptions(),
        counted.append,
    )
    assert sum(counted) == sum(each.pairs for each in result.splits) - 1
    return result


def test_counts_by_hand(sides: Sides) -> None:
    train, validation, test = found(
        made(("the dogs", "les chiens")), sides
    ).splits
    assert (train.split, train.pairs, train.kept) == ("train", 6, 4)
    assert train.drops == {
        "empty on a side": Drop(1, TRAIN[4]),
        TOO_LONG: Drop(1, TRAIN[5]),
    }
    assert (train.different_sources, train.duplicates) == (2, 1)
    lengths = [len(sides.source.ids(one)) for one, _ in TRAIN[:4]]
    assert train.source.tokens == sum(lengths)
    assert train.source.percentiles[-1] == max(lengths)
    assert (train.source.words, train.source.different_words) == (8, 3)
    assert train.target.different_words == 4
    assert train.source.known_words == 1
    assert validation.source.known_words == 0.5
    assert (test.pairs, test.source.words) == (2, 4)
    assert test.source.known_words == 0.5  # the, cat; not: a, bird
    assert test.target.known_words == 1


def test_a_planted_leak_is_found(sides: Sides) -> None:
    clean = found(made(("the dogs", "les chiens")), sides)
    assert clean.leaks == ()
    assert not clean.is_leaking
    leaking = found(
        made(
            ("the dogs", "les chiens"),
            ("the cat", "le minou"),
            ("a cat", "x"),
            ("the cat", "le chaton"),
        ),
        sides,
    )
    assert leaking.leaks == (
        Leak(("train", "validation"), 1, 0, "the cat"),
        Leak(("validation", "test"), 1, 0, "a cat"),
    )
    assert leaking.is_leaking


def test_a_known_leak_is_told_and_no_failure(sides: Sides) -> None:
    corpus = replace(
        made(("the cat", "le minou")), known=frozenset({"the cat", "other"})
    )
    result = found(corpus, sides)
    assert result.leaks == (Leak(("train", "validation"), 1, 1, "the cat"),)
    assert not result.is_leaking
    more = replace(
        corpus, texts=(*corpus.texts[:1], (("the cat", "x"), TRAIN[1]), ())
    )
    (leak,) = found(more, sides).leaks
    assert (leak.count, leak.known, leak.example) == (2, 1, "the dog")


def test_a_split_without_pairs(sides: Sides) -> None:
    _, validation, _ = found(made(), sides).splits
    assert (validation.pairs, validation.source.tokens) == (0, 0)
    assert validation.source.percentiles == ()
