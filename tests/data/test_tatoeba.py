"""Tatoeba: a small list with every oddity, then the real one."""

import zipfile
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest

from data import Corpus, GlimpseError, Places, load_corpus
from data.corpora import tatoeba

LINES = [
    "Go.\tVa\u202f!",
    "Go.\tMarche.\tCC-BY 2.0 (France) Attribution: tatoeba.org",
    *(f"I see {place}.\tJe vois {place}." for place in range(30)),
    "Go.\tBouge\u00a0!",
]


def zipped(path: Path, lines: list[str], name: str = "fra-eng/fra.txt") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fra-eng/_about.txt", "terms")
        archive.writestr("__MACOSX/fra-eng/._fra.txt", b"\xff")
        archive.writestr(name, "".join(f"{line}\n" for line in lines))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "tatoeba" / "fra-eng.zip"
    zipped(path, LINES)
    return path


@pytest.fixture
def load(path: Path, tmp_path: Path) -> Callable[[], Corpus]:
    return lambda: load_corpus(
        "tatoeba", places=Places(path.parents[1], tmp_path / "cache")
    )


def test_pairs_are_normalised_in_two_columns_or_three(path: Path) -> None:
    pairs = tatoeba.read_pairs(path)
    assert len(pairs) == len(LINES)
    assert pairs[:2] == [("Go.", "Va !"), ("Go.", "Marche.")]
    assert pairs[-1] == ("Go.", "Bouge !")


def test_no_english_sentence_is_in_two_splits(path: Path) -> None:
    pairs = tatoeba.read_pairs(path)
    splits = tatoeba.split_pairs(pairs, held_out=7)
    assert sorted(chain(*splits.values())) == sorted(pairs)
    english = {name: {one for one, _ in splits[name]} for name in splits}
    assert len(english["validation"]) == len(english["test"]) == 7
    assert len(set().union(*english.values())) == 31
    assert (
        tatoeba.split_pairs(pairs[::-1], held_out=7)["test"]
        == (splits["test"][::-1])
    )


def test_a_sentence_has_all_its_references(
    load: Callable[[], Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    # All sentences are held out, so that the one of several is among them.
    monkeypatch.setattr(tatoeba.split_pairs, "__defaults__", (15,))
    corpus = load()
    examples = [
        *corpus.examples("validation"),
        *corpus.examples("test"),
        *corpus.examples("train"),
    ]
    assert len(examples) == 31
    (go,) = (each for each in examples if each.source == "Go.")
    assert go.references == ("Va !", "Marche.", "Bouge !")


@pytest.mark.parametrize("count", [1, 4])
def test_a_wrong_number_of_columns(path: Path, count: int) -> None:
    zipped(path, [*LINES, "\t".join("abcd"[:count])])
    with pytest.raises(
        GlimpseError, match=rf"{count} columns in line 34 of fra\.txt"
    ):
        tatoeba.read_pairs(path)


def test_archives_that_are_none(path: Path) -> None:
    zipped(path, LINES, "fra-eng/other.txt")
    with pytest.raises(GlimpseError, match=r"one fra\.txt in UTF-8"):
        tatoeba.read_pairs(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(GlimpseError, match="cannot be read as a zip archive"):
        tatoeba.read_pairs(path)


@pytest.fixture(scope="module")
def real(data_dir: Path, cache_dir: Path) -> Corpus:
    if not (data_dir / "tatoeba").is_dir():
        pytest.skip("needs Tatoeba's fra-eng.zip below GLIMPSE_DATA_DIR")
    return load_corpus("tatoeba", places=Places(data_dir, cache_dir))


def test_real_counts(real: Corpus) -> None:
    pairs = {split: list(real.pairs(split)) for split in real.splits}
    assert sum(map(len, pairs.values())) == 167_130
    english = {split: {one for one, _ in pairs[split]} for split in pairs}
    assert len(english["validation"]) == len(english["test"]) == 5_000
    assert sum(map(len, english.values())) == 116_830
    assert len(set().union(*english.values())) == 116_830
    examples = real.examples("test")
    assert len(examples) == 5_000
    assert sum(len(each.references) > 1 for each in examples) > 1_000
    assert not any("\u202f" in french for _, french in pairs["train"])
