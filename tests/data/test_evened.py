"""Training text evened out, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.config import load_config
from data import Places, open_corpus
from data.corpora import Corpus, Pair
from data.corpora.evened import EvenedCorpus

PAIRS = {
    "train": [
        ("don't", "l’eau"),
        ("can't “x” “w”", "l’air…"),
        ("isn’t", "l'an..."),
        ("aren't “y”", "l’os…"),
        ('"z"', "ｏｕｉ"),
        ("a – b", "oui"),
    ],
    "validation": [("don’t", "l'eau...")],
}


@dataclass(frozen=True)
class Mixed(Corpus):
    """Text in several forms."""

    splits = ("train", "validation")

    def pairs(self, split: str) -> Iterator[Pair]:
        return iter(PAIRS[split])

    def size(self, split: str) -> int:
        return len(PAIRS[split])


@pytest.fixture
def evened() -> EvenedCorpus:
    return EvenedCorpus.of(Mixed("mixed", "en", "fr"))


@pytest.mark.parametrize("read", ["pairs", "sample"])
def test_each_side_has_its_most_frequent_forms(
    read: str, evened: EvenedCorpus
) -> None:
    assert list(getattr(evened, read)("train")) == [
        ("don't", "l’eau"),
        ("can't “x” “w”", "l’air…"),
        ("isn't", "l’an…"),
        ("aren't “y”", "l’os…"),
        ("“z”", "oui"),
        ("a – b", "oui"),
    ]


def test_what_is_measured_stays(evened: EvenedCorpus) -> None:
    assert list(evened.pairs("validation")) == PAIRS["validation"]
    assert evened.sample("validation") == PAIRS["validation"]
    assert evened.examples("validation")[0].references == ("l'eau...",)
    assert (evened.splits, evened.size("train")) == (Mixed.splits, 6)
    assert evened.gold_alignments("train") is None
    assert evened.processed_references("validation") is None
    assert evened.fingerprint() == ""
    assert evened.known_leaks() == frozenset()


def opened(asked: list[str]) -> Corpus:
    config = load_config("phrasebook", asked)
    return open_corpus(config.corpus, config.cleaning, Places())


def test_an_option_of_cleaning_asks_for_it(tmp_path: Path) -> None:
    table = tmp_path / "my.tsv"
    lines = [f"{n} don{mark}t\tnon" for n, mark in enumerate("'''''''''’'''")]
    table.write_text("\n".join(lines) + "\n", "utf-8")
    asked = ["corpus.name=parallel_text", f"corpus.train={table}"]
    as_it_is = opened(asked)
    assert any("’" in source for source, _ in as_it_is.pairs("train"))
    asked.append("cleaning.even=true")
    evened = opened(asked)
    assert not any("’" in source for source, _ in evened.pairs("train"))
    assert len(list(evened.pairs("train"))) == len(
        list(as_it_is.pairs("train"))
    )
