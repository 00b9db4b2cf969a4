"""Word alignments on their way to the training step."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from data import (
    CleaningOptions,
    GlimpseError,
    Language,
    PipelineOptions,
    Places,
    Tokenizer,
)
from data.corpora import Corpus, Pair
from data.guidance import Guide, gold_guide, read_guide
from data.links import parse_links, parse_pharaoh, to_pharaoh
from data.pieces import piece_links, shares
from data.sides import Sides
from data.steps import spread_links
from data.training_data import read_split

PAIRS = [
    ("the cat", "le chat"),
    ("", "rien"),
    ("don't the cat", "chat le"),
    ("cat", "le chat le"),
    ("the cat", "le chat"),
]
LINKS = {0: "0-0 1-1", 1: "0-0", 2: "2-0 2p1 3-1", 4: ""}
LANGUAGES = (Language("en"), Language("fr"))
OPTIONS = PipelineOptions(
    batch_size=2, max_source_length=40, max_target_length=40, boundaries=(40,)
)


@dataclass(frozen=True)
class Made(Corpus):
    """Made-up pairs, a few with links."""

    name: str = "made"
    source: str = "en"
    target: str = "fr"
    splits = ("train", "validation")

    def pairs(self, split: str) -> Iterator[Pair]:
        return iter(PAIRS)

    def size(self, split: str) -> int:
        return len(PAIRS)

    def gold_alignments(self, split: str) -> dict[int, str] | None:
        return LINKS if split == "train" else None


@dataclass(frozen=True)
class Bare(Made):
    def gold_alignments(self, split: str) -> dict[int, str] | None:
        return None


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    # Characters and bytes: a word has several pieces.
    return Tokenizer.train(["the cat don't", "le chat rien"], 285)


@pytest.fixture(scope="module")
def sides(tokenizer: Tokenizer) -> Sides:
    return Sides.of([tokenizer], LANGUAGES)


def expected(place: int, tokenizer: Tokenizer) -> np.ndarray:
    """(T, S), piece by piece, each found in its word by its characters."""
    source, target = (_owners(text, tokenizer) for text in PAIRS[place])
    gold = parse_pharaoh(LINKS.get(place, "")).possible
    rows = np.array([[(i, j) in gold for i in source] for j in target], float)
    sums = rows.sum(1, keepdims=True)
    return np.divide(rows, sums, where=sums > 0, out=rows)


def _owners(text: str, tokenizer: Tokenizer) -> list[int]:
    """The word of each piece, −1 for the end; "don't" is "don" and "'t"."""
    starts = [
        place
        for place, mark in enumerate(text)
        if mark == "'" or not text[:place].strip() or text[place - 1] == " "
    ]
    ids = tokenizer.encode(text)
    ends = [end for _, end in tokenizer.spans(ids)]
    owners = [sum(start < end for start in starts) - 1 for end in ends]
    for place, piece in enumerate(tokenizer.pieces(ids)):
        if piece == "▁":  # goes with the word that follows
            owners[place] = owners[place + 1]
    return [*owners, -1]


def test_links_between_words_link_all_their_pieces() -> None:
    # "ab c" is a|b| c|end, "xyz w" is x|yz| w|end.
    source = shares([(0, 1), (1, 2), (2, 4), (4, 4)], [(0, 2), (3, 4)])
    target = shares([(0, 1), (1, 3), (3, 5), (5, 5)], [(0, 3), (4, 5)])
    found = piece_links([(0, 0), (1, 0)], source, target).tolist()
    assert found == [[t, s] for t in (0, 1) for s in (0, 1, 2)]
    assert piece_links([(1, 1)], source, target).tolist() == [[2, 2]]
    assert piece_links([], source, target).shape == (0, 2)


def test_links_become_rows_that_sum_to_1() -> None:
    data = tf.data.Dataset.from_tensors(
        tuple(
            np.array(each, "int32")
            for each in ([0] * 5, [0] * 3, [5, 3], [0, 1, 0, 4, 2, 3])
        )
    )
    ((_, _, _, alignment),) = spread_links(data).as_numpy_iterator()
    assert alignment.tolist() == [
        [0, 0.5, 0, 0, 0.5],
        [0, 0, 0, 0, 0],
        [0, 0, 0, 1, 0],
    ]


@pytest.mark.parametrize("in_memory", [99, 0])
def test_every_pair_keeps_its_links(
    tokenizer: Tokenizer, sides: Sides, in_memory: int
) -> None:
    options = PipelineOptions(**{**vars(OPTIONS), "in_memory_pairs": in_memory})
    data = read_split(
        Made(),
        "train",
        sides,
        options,
        CleaningOptions(duplicates=True),
        gold_guide(Made(), LANGUAGES),
    )
    seen = []
    for inputs, target, weights in data.epoch(1, 0).as_numpy_iterator():
        assert inputs["alignment"].shape == (2, 40, 40)
        assert inputs["alignment"].dtype == np.float32
        for row in np.flatnonzero(weights):
            pair = tuple(
                tokenizer.decode(ids[row]) for ids in (inputs["source"], target)
            )
            place = PAIRS.index(pair)
            seen.append(place)
            rows = expected(place, tokenizer)
            np.testing.assert_allclose(
                inputs["alignment"][row],
                np.pad(rows, [(0, 40 - n) for n in rows.shape]),
                rtol=1e-6,
            )
    assert sorted(seen) == [0, 2, 3]  # not the empty one nor the second "cat"
    assert expected(2, tokenizer).any()


def test_batches_without_links_are_what_they_were(sides: Sides) -> None:
    plain = read_split(Made(), "train", sides, OPTIONS)
    guided = read_split(
        Made(), "train", sides, OPTIONS, guide=gold_guide(Made(), LANGUAGES)
    )
    for one, other in zip(plain.epoch(1, 0), guided.epoch(1, 0), strict=True):
        assert set(one[0]) == {
            *("source", "source_length"),
            *("target_in", "target_length"),
        }
        del other[0]["alignment"]
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_a_corpus_without_links_says_where_to_get_them() -> None:
    with pytest.raises(GlimpseError, match=r"made has no .*training\.alignm"):
        gold_guide(Bare(), LANGUAGES)


def test_links_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "links"
    lines = ["0-0 1-1", "", "3p1", "", ""]
    path.write_text("\n".join(lines) + "\n")
    guide = read_guide(str(path), Bare(), LANGUAGES, Places())
    assert guide == Guide(dict(enumerate(lines)))
    assert read_guide("links", Bare(), LANGUAGES, Places(tmp_path)) == guide
    assert guide.fingerprint() != Guide({0: "0-0"}).fingerprint()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["0-0"], r"links has 1 lines of links for the 5 training pairs"),
        ([""] * 6, r"links has 6 lines of links for the 5 training pairs"),
        (
            ["", "", "0-0 4-1", "", ""],
            r"links, line 3: word 4 of the source .* has 4",
        ),
        (
            ["", "0-1", "", "", ""],
            r"links, line 2: word 0 of the source is linked",
        ),
        (
            ["0-2", "", "", "", ""],
            r"line 1: word 2 of the target is linked, but the target has 2",
        ),
        (
            ["", "0:1", "", "", ""],
            r"links, line 2: Alignments got the link '0:1'",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    lines: list[str], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "links"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(GlimpseError, match=message):
        read_guide(str(path), Bare(), LANGUAGES, Places())


def test_a_missing_file_is_named() -> None:
    with pytest.raises(GlimpseError, match="nowhere"):
        read_guide("nowhere", Bare(), LANGUAGES, Places())


def test_pharaoh_is_read_and_written() -> None:
    gold = parse_pharaoh("0-0 2p1")
    assert (gold.sure, gold.possible) == ({(0, 0)}, {(0, 0), (2, 1)})
    assert to_pharaoh([(0, 0), (2, 1)]) == "0-0 2-1"
    pair = ("the cat", "le petit chat")
    assert parse_links("1p2", pair, LANGUAGES).possible == {(1, 2)}
    with pytest.raises(GlimpseError, match="word 3 of the target is linked"):
        parse_links("0-0 1-3", pair, LANGUAGES)
