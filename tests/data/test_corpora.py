"""load_corpus: what it refuses, and that it asks no network."""

import re
import socket
from itertools import islice
from pathlib import Path

import pytest

from data import (
    Corpus,
    Example,
    GlimpseError,
    Places,
    load_corpus,
    normalise,
    words,
)
from data.corpora.phrasebook import builder
from data.corpora.phrasebook.corpus import distinct_sentences


def test_unknown_corpus_names_the_nearest() -> None:
    with pytest.raises(
        GlimpseError,
        match=r"no corpus 'phrasbook'.* mean 'phrasebook'",
    ):
        load_corpus("phrasbook")


@pytest.mark.parametrize(
    ("source", "target"), [("en", "en"), ("en", "de"), ("xx", "fr")]
)
def test_languages_the_corpus_does_not_have(source: str, target: str) -> None:
    with pytest.raises(
        GlimpseError, match=f"'{source}' into '{target}': .* en, fr"
    ):
        load_corpus("phrasebook", source=source, target=target)


def test_importing_data_does_not_load_tensorflow() -> None:
    import subprocess
    import sys

    code = "import sys, data; sys.exit('tensorflow' in sys.modules)"
    root = Path(__file__).parents[2]
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
    )


@pytest.fixture(scope="module")
def phrasebook(cache_dir: Path) -> Corpus:
    return load_corpus("phrasebook", places=Places(cache_dir=cache_dir))


def test_phrasebook_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **named: object) -> None:
        raise AssertionError(f"asked the network: {arguments}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    few = [pair for pair, _ in islice(distinct_sentences(3), 50)]
    # Drawing all splits takes seconds, and is done in other tests.
    monkeypatch.setattr(builder, "splits", lambda: {"train": few})
    corpus = load_corpus("phrasebook", places=Places(cache_dir=tmp_path))
    assert list(corpus.pairs("train")) == [
        (pair.english, pair.french) for pair in few
    ]


def test_phrasebook_splits(phrasebook: Corpus) -> None:
    assert sorted(phrasebook.splits) == [
        *("long", "test", "train", "unseen", "validation"),
    ]
    with pytest.raises(GlimpseError, match=r"no split 'tset'.*test"):
        next(phrasebook.pairs("tset"))
    assert phrasebook.processed_references("test") is None


def test_phrasebook_gold_indexes_words(phrasebook: Corpus) -> None:
    examples = phrasebook.examples("test")
    assert examples
    for example in examples:
        target = example.references[0]
        assert example.source == normalise(example.source)
        assert target == normalise(target)
        limits = len(words(example.source, "en")), len(words(target, "fr"))
        assert example.alignment
        for link in example.alignment.split():
            i, j = (int(each) for each in link.replace("p", "-").split("-"))
            assert i < limits[0]
            assert j < limits[1]


def test_phrasebook_turned_round(phrasebook: Corpus, cache_dir: Path) -> None:
    turned = load_corpus(
        "phrasebook",
        source="fr",
        target="en",
        places=Places(cache_dir=cache_dir),
    )
    there = phrasebook.examples("validation")
    back = turned.examples("validation")
    for one, other in zip(there, back, strict=True):
        assert (other.source,) == one.references
        assert other.references == (one.source,)
        assert {(j, mark, i) for i, mark, j in _links(other)} == _links(one)


def _links(example: Example) -> set[tuple[str, str, str]]:
    assert example.alignment
    return set(re.findall(r"(\d+)([-p])(\d+)", example.alignment))
