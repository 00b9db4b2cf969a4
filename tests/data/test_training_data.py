"""The batches of training, in an order for every epoch."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
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
    load_corpus,
)
from data.cleaning import EMPTY, TOO_LONG, Drop
from data.corpora import Corpus, Pair
from data.sides import Sides
from data.steps import strings
from data.training_data import TrainingData, read_split

WORDS = [
    *("un", "deux", "trois", "quatre", "cinq", "six"),
    *("sept", "huit", "neuf", "dix", "onze", "douze"),
]
# Every pair differs, its sides differ in length, and lengths spread out.
PAIRS = [
    (
        " ".join(WORDS[: 1 + place % 11]),
        " ".join([WORDS[place // 11], *WORDS[: place % 7]]),
    )
    for place in range(77)
]
OPTIONS = PipelineOptions(
    batch_size=5, max_source_length=17, max_target_length=19, boundaries=(3, 7)
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    # Learns each word as one piece, so that lengths are words + EOS.
    tokenizer = Tokenizer.train([*WORDS, " ".join(WORDS)] * 9, 400)
    assert [len(ids) for ids in tokenizer.encode_batch(WORDS)] == [1] * 12
    return tokenizer


@pytest.fixture(scope="module")
def sides(tokenizer: Tokenizer) -> Sides:
    return Sides.of([tokenizer], (Language("fr"), Language("fr")))


@pytest.fixture(scope="module")
def data(sides: Sides) -> TrainingData:
    return TrainingData(strings(lambda: PAIRS), sides, OPTIONS)


def read(dataset: tf.data.Dataset) -> list:
    return list(dataset.as_numpy_iterator())


def pairs_in(
    batches: tf.data.Dataset, tokenizer: Tokenizer
) -> Iterator[tuple[str, str]]:
    for inputs, target_out, weights in read(batches):
        rows = zip(inputs["source"], target_out, weights, strict=True)
        for source, target, weight in rows:
            if weight:
                yield tokenizer.decode(source), tokenizer.decode(target)


def test_each_pair_counts_once_an_epoch(
    data: TrainingData, tokenizer: Tokenizer
) -> None:
    for epoch in range(3):
        found = Counter(pairs_in(data.epoch(1, epoch), tokenizer))
        assert found == Counter(PAIRS)
    assert Counter(pairs_in(data.in_order(), tokenizer)) == Counter(PAIRS)


def test_batches_have_the_documented_types_and_shapes(
    data: TrainingData,
) -> None:
    inputs, target_out, weights = data.epoch(1, 0).element_spec
    assert set(inputs) == {
        *("source", "source_length"),
        *("target_in", "target_length"),
    }
    for spec in (inputs["source"], inputs["target_in"], target_out):
        assert (spec.dtype, spec.shape.rank) == (tf.int32, 2)
        assert spec.shape[0] == 5
    for side in ("source", "target"):
        spec = inputs[f"{side}_length"]
        assert (spec.dtype, spec.shape) == (tf.int32, (5,))
    assert (weights.dtype, weights.shape) == (tf.float32, (5,))
    for inputs, target_out, weights in read(data.epoch(1, 0)):
        assert weights[0] == 1
        assert inputs["source"].any(axis=1).all()
        assert inputs["target_in"].shape == target_out.shape


def test_lengths_tell_real_tokens_from_padding(data: TrainingData) -> None:
    counts = np.zeros(2, int)
    for inputs, target_out, weights in read(data.epoch(1, 0)):
        target_in = inputs["target_in"]
        sides = (("source", inputs["source"]), ("target", target_out))
        for side, (name, ids) in enumerate(sides):
            lengths = inputs[f"{name}_length"]
            real = np.arange(ids.shape[1]) < lengths[:, None]
            # No text has the id of padding.
            np.testing.assert_array_equal(real, ids != Tokenizer.PAD)
            ends = np.take_along_axis(ids, lengths[:, None] - 1, axis=1)
            assert (ends == Tokenizer.EOS).all()
            counts[side] += lengths @ weights.astype(int)
        np.testing.assert_array_equal(
            target_in != Tokenizer.PAD, target_out != Tokenizer.PAD
        )
        assert (target_in[:, 0] == Tokenizer.BOS).all()
    assert tuple(counts) == (
        data.report.source_tokens,
        data.report.target_tokens,
    )


def test_steps_and_shapes_are_those_of_every_epoch(data: TrainingData) -> None:
    for epoch in range(4):
        batches = read(data.epoch(7, epoch))
        assert len(batches) == data.steps_per_epoch
        assert len(data.epoch(7, epoch)) == data.steps_per_epoch
        assert data.report.shapes == tuple(
            sorted(
                {
                    (inputs["source"].shape[1], target.shape[1])
                    for inputs, target, _ in batches
                }
            )
        )


def test_skipping_gives_the_tail(data: TrainingData) -> None:
    whole = read(data.epoch(1, 2))
    for done in (0, 1, 7, len(whole)):
        tail = read(data.epoch(1, 2).skip(done))
        assert len(tail) == len(whole) - done
        for expected, found in zip(whole[done:], tail, strict=True):
            tf.nest.map_structure(
                np.testing.assert_array_equal, expected, found
            )


def test_no_thread_tunes_an_epoch_and_holds_its_end(data: TrainingData) -> None:
    for batches in (
        data.epoch(1, 0),
        data.epoch(1, 0).skip(3),
        data.in_order(),
    ):
        assert batches.options().autotune.enabled is False


def test_orders_differ_by_seed_and_epoch_and_not_otherwise(
    data: TrainingData, sides: Sides, tokenizer: Tokenizer
) -> None:
    again = TrainingData(strings(lambda: PAIRS), sides, OPTIONS)
    orders = [
        tuple(pairs_in(which.epoch(seed, epoch), tokenizer))
        for which, seed, epoch in [
            (data, 1, 0),
            (data, 1, 1),
            (data, 2, 0),
            (again, 1, 0),
        ]
    ]
    assert len(set(orders)) == 3
    assert orders[0] == orders[3]
    assert read(data.in_order())[0][1].tolist() == (
        read(again.in_order())[0][1].tolist()
    )


def test_in_order_keeps_the_order_within_a_length(
    data: TrainingData, tokenizer: Tokenizer
) -> None:
    places = {pair: place for place, pair in enumerate(PAIRS)}
    by_length: dict[int, list[int]] = {}
    for inputs, target, weights in read(data.in_order()):
        real = weights.astype(bool)
        for row in zip(inputs["source"][real], target[real], strict=True):
            pair = tokenizer.decode(row[0]), tokenizer.decode(row[1])
            by_length.setdefault(target.shape[1], []).append(places[pair])
    assert all(found == sorted(found) for found in by_length.values())


def test_the_source_is_read_once(sides: Sides) -> None:
    reads = []

    def pairs() -> Iterator[tuple[str, str]]:
        reads.append("")
        yield from PAIRS

    data = TrainingData(strings(pairs), sides, OPTIONS)
    for epoch in range(3):
        read(data.epoch(1, epoch))
    read(data.in_order())
    read(data.epoch(1, 1).skip(3))
    assert len(reads) == 1


def test_report_counts_by_hand(sides: Sides) -> None:
    pairs = [
        ("un", "deux trois"),  # 2, 3 tokens with EOS
        ("", "un"),
        ("un deux trois", "dix"),  # 4, 2
        ("un deux trois quatre", "dix"),  # 5: too long
        ("deux", ""),
        ("un", "six six six six six"),  # 6: too long
        ("dix", "dix"),  # 2, 2
        ("six", "dix"),  # 2, 2
    ]
    options = PipelineOptions(2, 4, 5, boundaries=(3,))
    data = TrainingData(strings(lambda: pairs), sides, options)
    report = data.report
    assert (report.pairs, report.kept) == (8, 4)
    assert report.drops == {
        EMPTY: Drop(2, pairs[1]),
        TOO_LONG: Drop(2, pairs[3]),
    }
    assert (report.source_tokens, report.target_tokens) == (10, 9)
    # Two batches of 2 × 3 and one of 2 × 5 make 22 cells a side.
    assert (report.batches, report.shapes) == (3, ((3, 3), (5, 5)))
    assert report.source_padding == pytest.approx(12 / 22)
    assert report.target_padding == pytest.approx(13 / 22)


def test_report_agrees_with_the_batches(data: TrainingData) -> None:
    cells = tokens = 0
    for _, target, weights in read(data.epoch(5, 0)):
        cells += target.size
        tokens += int(((target != 0) * weights[:, None]).sum())
    assert tokens == data.report.target_tokens
    assert data.report.target_padding == pytest.approx(1 - tokens / cells)


def test_nothing_left_is_refused(sides: Sides) -> None:
    with pytest.raises(GlimpseError, match=r"Of 2 pairs none .*1 too .* 1 em"):
        TrainingData(
            strings(lambda: [("un deux trois quatre", "un"), ("", "un")]),
            sides,
            PipelineOptions(max_source_length=4),
        )
    with pytest.raises(GlimpseError, match="Of 0 pairs none"):
        TrainingData(strings(lambda: []), sides)


@dataclass(frozen=True)
class Made(Corpus):
    """The pairs of this file, read and counted anew each time."""

    texts: tuple[Pair, ...]
    reads: list[str]
    splits = ("train", "validation")

    def pairs(self, split: str) -> Iterator[Pair]:
        self.reads.append(split)
        yield from self.texts

    def size(self, split: str) -> int:
        return len(self.texts)


@pytest.fixture
def made() -> Made:
    too_long = (" ".join(WORDS * 2), "un")
    texts = (*PAIRS, too_long, ("", "un"), PAIRS[0], PAIRS[1], too_long)
    return Made("made", "fr", "fr", texts, [])


STREAMED = replace(OPTIONS, in_memory_pairs=50)
DROPS = {
    EMPTY: Drop(1, ("", "un")),
    "duplicates of an earlier pair": Drop(3, PAIRS[0]),
    TOO_LONG: Drop(1, (" ".join(WORDS * 2), "un")),
}


def test_a_stream_gives_the_batches_that_memory_gives(
    made: Made, sides: Sides, tokenizer: Tokenizer
) -> None:
    cleaning = CleaningOptions(duplicates=True)
    both = [
        read_split(made, "train", sides, options, cleaning)
        for options in (OPTIONS, STREAMED)
    ]
    kept, streamed = both
    assert kept.report.drops == DROPS
    assert streamed.report.is_estimate
    assert len(made.reads) == 2  # the report's pass, and the stream's sample
    for epoch in range(2):
        orders = [
            [
                pair
                for batch in [each.epoch(3, epoch)]
                for pair in pairs_in(batch, tokenizer)
            ]
            for each in both
        ]
        assert orders[0] == orders[1]
        assert Counter(orders[0]) == Counter(PAIRS)
        assert streamed.tally.drops == DROPS
        assert streamed.tally.kept == len(PAIRS)
    assert len(made.reads) == 4
    tail = read(streamed.epoch(3, 1).skip(4))
    for expected, found in zip(read(kept.epoch(3, 1))[4:], tail, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, expected, found)


def test_a_stream_foresees_what_it_reads(made: Made, sides: Sides) -> None:
    cleaning = CleaningOptions(duplicates=True)
    kept, streamed = (
        read_split(made, "train", sides, options, cleaning)
        for options in (OPTIONS, STREAMED)
    )
    # Here the sample is the corpus: nothing is off.
    assert streamed.report == replace(
        kept.report, drops={}, is_estimate=True, pairs=len(made.texts)
    )
    assert streamed.steps_per_epoch == len(read(streamed.epoch(1, 0)))


@dataclass(frozen=True)
class Uneven(Made):
    """One whose splits differ; training is not among what is validated on."""

    def pairs(self, split: str) -> Iterator[Pair]:
        part = slice(None, 20) if split == "validation" else slice(20, None)
        yield from self.texts[part]

    def size(self, split: str) -> int:
        return sum(1 for _ in self.pairs(split))


@pytest.mark.parametrize("split", ["validation", "train"])
def test_a_streamed_split_is_foreseen_from_its_own_pairs(
    split: str, sides: Sides
) -> None:
    made = Uneven("made", "fr", "fr", tuple(PAIRS), [])
    kept, streamed = (
        read_split(made, split, sides, options)
        for options in (OPTIONS, replace(OPTIONS, in_memory_pairs=0))
    )
    assert streamed.report == replace(kept.report, drops={}, is_estimate=True)


def test_multi30k_wastes_little(data_dir: Path, cache_dir: Path) -> None:
    corpus = load_corpus("multi30k", places=Places(data_dir, cache_dir))
    pairs = list(corpus.pairs("train"))
    texts = [pair[side] for side in (0, 1) for pair in pairs]
    tokenizer = Tokenizer.train(texts[::5], 4000)  # of all it takes seconds
    sides = Sides.of([tokenizer], (Language("en"), Language("fr")))
    data = TrainingData(strings(lambda: pairs), sides)
    assert data.report.kept == 29000
    assert data.report.target_padding < 0.08
    assert data.report.source_padding < 0.19
    assert data.steps_per_epoch < 1.02 * 29000 / 64
    assert sum(1 for _ in data.epoch(0, 0)) == data.steps_per_epoch


def test_sub_words_are_drawn_anew_in_each_epoch(sides: Sides) -> None:
    """A pair that is too long in small pieces keeps its usual ones."""
    options = replace(OPTIONS, subword_dropout=0.4)
    reads = []

    def pairs() -> Iterator[Pair]:
        reads.append("")
        yield from [*PAIRS, ("", "un")]

    data = TrainingData(strings(pairs), sides, options)
    tokenizer = sides.source.tokenizer
    epochs = []
    for seed, epoch in ((1, 0), (1, 0), (1, 1), (2, 0)):
        batches = read(data.epoch(seed, epoch))
        found = Counter(pairs_in(data.epoch(seed, epoch), tokenizer))
        assert found == Counter(PAIRS)
        epochs.append(sorted(row.tobytes() for b in batches for row in b[1]))
        longest = max(batch[1].shape[1] for batch in batches)
        assert longest <= options.max_target_length
    assert epochs[0] == epochs[1]
    assert epochs[0] != epochs[2] != epochs[3] != epochs[0]
    usual = TrainingData(strings(lambda: PAIRS), sides, OPTIONS).report
    assert data.report.target_tokens > 1.1 * usual.target_tokens
    assert data.report.kept == usual.kept
    assert data.report.pairs == usual.pairs + 1
    assert len(reads) == 1  # the texts are kept in memory
