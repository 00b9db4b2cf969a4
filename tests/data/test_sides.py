"""Both sides of a pair: their lengths, what fits, and their vocabularies."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
import tensorflow as tf

from data import (
    CleaningOptions,
    CorpusOptions,
    GlimpseError,
    Language,
    PipelineOptions,
    TokenizerOptions,
)
from data.cleaning import EMPTY, TOO_LONG
from data.corpora import Corpus, Pair
from data.options import SideTokenizerOptions
from data.sides import Ladder, Sides, fit_sides, sample_pairs
from data.steps import strings
from data.tokenizer import Tokenizer
from data.training_data import TrainingData

PAIRS = [
    ("the cat sees a dog", "le chat voit un chien"),
    ("the dog", "le chien"),
    ("a cat sees the cat and the dog", "un chat voit le chat et le chien"),
    ("a dog and a cat", "un chien et un chat"),
] * 6
OPTIONS = PipelineOptions(
    batch_size=2, max_source_length=5, max_target_length=7, boundaries=(3,)
)


@pytest.fixture(scope="module")
def sides() -> Sides:
    """Each word is one id."""
    return fit_sides(
        PAIRS, CorpusOptions(), TokenizerOptions(model_type="word")
    )


def sentence(length: int, word: str) -> str:
    """A text of so many ids, its end included."""
    return " ".join([word] * (length - 1))


def test_lengths_are_those_of_the_elements(sides: Sides) -> None:
    pairs = [*PAIRS[:4], ("", "le chat"), ("cat", "")]
    lengths = sides.lengths(pairs)
    assert lengths.tolist() == [
        [len(side.ids(text)) for side, text in zip(sides, pair, strict=True)]
        for pair in pairs
    ]
    assert lengths[:2].tolist() == [[6, 6], [3, 3]]
    assert lengths[-2:].tolist() == [[1, 3], [2, 1]]
    elements = [
        side.encode(tf.constant(texts)).row_lengths()
        for side, texts in zip(sides, zip(*pairs, strict=True), strict=True)
    ]
    np.testing.assert_array_equal(np.stack(elements, 1), lengths)


def test_no_pairs_have_no_lengths(sides: Sides) -> None:
    assert sides.lengths([]).shape == (0, 2)
    assert sides.fit(sides.lengths([]).T, OPTIONS).shape == (0,)


def test_what_fits_is_the_same_for_all_who_ask(sides: Sides) -> None:
    sizes = np.array(list(product(range(1, 7), range(1, 9))))
    fits = sides.fit(sizes.T, OPTIONS)
    assert sizes[fits].tolist() == [
        list(each) for each in product(range(2, 6), range(2, 8))
    ]
    for dtype in (tf.int32, tf.int64):
        of_tensors = sides.fit(tf.constant(sizes.T, dtype), OPTIONS)
        assert of_tensors.dtype == tf.bool
        np.testing.assert_array_equal(of_tensors, fits)
    pairs = [(sentence(s, "cat"), sentence(t, "chat")) for s, t in sizes]
    np.testing.assert_array_equal(sides.lengths(pairs), sizes)
    data = TrainingData(strings(lambda: pairs), sides, OPTIONS)
    is_empty = sizes.min(axis=1) < 2
    drops = data.report.drops
    assert data.report.kept == fits.sum()
    assert drops[EMPTY].count == is_empty.sum()
    assert drops[TOO_LONG].count == (~fits & ~is_empty).sum()
    kept = {
        (int(source), int(target))
        for inputs, _, weights in data.in_order().as_numpy_iterator()
        for source, target, weight in zip(
            inputs["source_length"],
            inputs["target_length"],
            weights,
            strict=True,
        )
        if weight
    }
    assert kept == set(map(tuple, sizes[fits].tolist()))


def test_a_ladder_has_the_same_rungs_for_two_texts(sides: Sides) -> None:
    assert sides.ladder(OPTIONS) == Ladder((3, 7), (3, 7))
    ladder = sides.ladder(PipelineOptions())
    assert ladder.source == ladder.target == PipelineOptions().lengths


def test_a_joint_tokenizer_is_one_object() -> None:
    options = TokenizerOptions(model_type="word")
    sides = fit_sides(PAIRS, CorpusOptions(), options)
    assert options.is_joint
    assert sides.source.tokenizer is sides.target.tokenizer
    assert sides.tokenizers == [sides.source.tokenizer]
    for text in ("dog", "chien"):  # it has learnt from both
        assert Tokenizer.UNK not in sides.source.ids(text)
    again = Sides.of(sides.tokenizers, sides.languages)
    assert again == sides


def test_two_vocabularies_are_of_a_side_each() -> None:
    options = TokenizerOptions(joint=False, model_type="word")
    sides = fit_sides(PAIRS, CorpusOptions(), options)
    assert not options.is_joint
    assert sides.tokenizers == [sides.source.tokenizer, sides.target.tokenizer]
    assert Tokenizer.UNK not in sides.source.ids("the dog")
    assert Tokenizer.UNK in sides.source.ids("le chien")
    assert Tokenizer.UNK not in sides.target.ids("le chien")
    assert Tokenizer.UNK in sides.target.ids("the dog")
    assert Sides.of(sides.tokenizers, sides.languages) == sides


@pytest.mark.parametrize("apart", ["source", "target"])
@pytest.mark.parametrize("joint", [True, False])
def test_a_side_set_apart_has_its_own_size(apart: str, joint: bool) -> None:
    options = TokenizerOptions(
        **{
            "vocabulary_size": 290,
            "joint": joint,
            apart: {"vocabulary_size": 280},
        }
    )
    assert not options.is_joint
    assert getattr(options, apart) == SideTokenizerOptions(280)
    other = "target" if apart == "source" else "source"
    sides = fit_sides(PAIRS, CorpusOptions(), options)
    assert len(sides.tokenizers) == 2
    assert getattr(sides, apart).size == 280
    assert getattr(sides, other).size == 290


def test_a_side_set_apart_has_its_own_type() -> None:
    options = TokenizerOptions(
        vocabulary_size=290, target={"model_type": "word"}
    )
    assert not options.is_joint
    assert options.sides() == (
        TokenizerOptions(290),
        TokenizerOptions(290, model_type="word"),
    )
    sides = fit_sides(PAIRS, CorpusOptions(), options)
    assert len(sides.target.ids("le chien voit")) == 4
    assert Tokenizer.UNK in sides.target.ids("le chiot")
    assert Tokenizer.UNK not in sides.source.ids("le chiot")
    # Words of a vocabulary of words are what stands between spaces.
    assert sides.languages == (Language("en"), Language("fr", True))


def test_a_side_set_apart_changes_nothing_on_the_other() -> None:
    both = TokenizerOptions(vocabulary_size=290, joint=False)
    apart = TokenizerOptions(
        vocabulary_size=290, target={"vocabulary_size": 280}
    )
    texts = [text for pair in PAIRS for text in pair]
    one, other = (
        fit_sides(PAIRS, CorpusOptions(), options).source
        for options in (both, apart)
    )
    assert [one.ids(text) for text in texts] == [
        other.ids(text) for text in texts
    ]


@dataclass(frozen=True)
class Listed(Corpus):
    """Pairs as given."""

    given: tuple[Pair, ...]
    splits = ("train", "validation")

    def pairs(self, split: str) -> Iterator[Pair]:
        return iter(self.given)

    def size(self, split: str) -> int:
        return len(self.given)


def test_vocabularies_are_learnt_from_what_cleaning_leaves() -> None:
    pairs = (("the cat", "le chat"), ("", "rien"), ("the cat", "le chat"))
    corpus = Listed("listed", "en", "fr", pairs)
    assert sample_pairs(corpus, CleaningOptions()) == [pairs[0], pairs[2]]
    once = CleaningOptions(duplicates=True)
    assert sample_pairs(corpus, once) == [pairs[0]]


def test_a_corpus_of_which_nothing_is_left_is_refused() -> None:
    corpus = Listed("listed", "en", "fr", (("", "rien"), ("nothing", "")))
    with pytest.raises(GlimpseError, match=r"Of 2 pairs of corpus listed none"):
        sample_pairs(corpus, CleaningOptions())
