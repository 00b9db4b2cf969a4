"""The steps on tiny datasets, and the batches built of them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import tensorflow as tf

from data import CleaningOptions, GlimpseError, PipelineOptions, Tokenizer
from data.cleaning import EMPTY, TOO_LONG, Drop
from data.corpora import Corpus, Pair
from data.pipeline import (
    TrainingData,
    bucket,
    complete,
    epoch_seed,
    keep_lengths,
    one_by_one,
    pad,
    read_split,
    shift,
    shuffled,
    strings,
    tokenize,
)

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
def data(tokenizer: Tokenizer) -> TrainingData:
    return TrainingData(dataset_of(PAIRS), tokenizer, tokenizer, OPTIONS)


def dataset_of(pairs: list[tuple[str, str]]) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(
        ([source for source, _ in pairs], [target for _, target in pairs])
    )


def sequences_of(sizes: list[tuple[int, int]]) -> tf.data.Dataset:
    """Sequences of the given lengths, filled with their place from 1."""
    return tf.data.Dataset.from_generator(
        lambda: (
            (np.full(source, place), np.full(target, place))
            for place, (source, target) in enumerate(sizes, 1)
        ),
        output_signature=(tf.TensorSpec((None,), tf.int32),) * 2,
    )


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


def test_tokenize_encodes_and_ends(tokenizer: Tokenizer) -> None:
    other = Tokenizer.train(["un deux"] * 5, 300)
    pairs = [("deux trois", "un"), ("", "dix 😀")]
    found = one_by_one(tokenize(dataset_of(pairs), tokenizer, other))
    assert found.element_spec == (tf.TensorSpec((None,), tf.int32),) * 2
    assert [(list(source), list(target)) for source, target in read(found)] == [
        (
            [*tokenizer.encode(source), Tokenizer.EOS],
            [*other.encode(target), Tokenizer.EOS],
        )
        for source, target in pairs
    ]


def test_keep_lengths_counts_the_end_and_drops_the_empty() -> None:
    sizes = [(5, 7), (6, 7), (5, 8), (1, 3), (3, 1), (2, 2)]
    many = tf.data.Dataset.from_tensors(
        tuple(
            tf.ragged.constant(
                [[place] * pair[side] for place, pair in enumerate(sizes, 1)],
                dtype=tf.int32,
            )
            for side in (0, 1)
        )
    )
    noted = []
    kept = one_by_one(
        keep_lengths(many, 5, 7, lambda *pair: noted.append(pair))
    )
    assert [int(source[0]) for source, _ in read(kept)] == [1, 6]
    assert [(len(source), len(target)) for source, target in noted] == sizes[
        1:5
    ]
    assert [int(source[0]) for source, _ in noted] == [2, 3, 4, 5]


def test_shuffled_is_a_function_of_seed_and_epoch() -> None:
    numbers = tf.data.Dataset.range(101)
    orders = {
        (seed, epoch): tuple(read(shuffled(numbers, 101, seed, epoch)))
        for seed in (3, 4)
        for epoch in (0, 1)
    }
    assert len(set(orders.values())) == 4
    assert all(sorted(order) == list(range(101)) for order in orders.values())
    again = shuffled(numbers, 101, 3, 1)
    assert tuple(read(again)) == tuple(read(again)) == orders[3, 1]


def test_epoch_seeds_are_what_they_are_documented_to_be() -> None:
    import hashlib

    digest = hashlib.sha256(b"12/3").hexdigest()
    assert epoch_seed(12, 3) == int(digest[:16], 16) // 2
    seeds = {
        epoch_seed(seed, epoch) for seed in range(20) for epoch in range(20)
    }
    assert len(seeds) == 400
    assert max(seeds) < 2**63


def test_bucket_pads_both_sides_to_the_length_of_the_longer() -> None:
    sizes = [(2, 3), (7, 1), (3, 3), (1, 4), (3, 2), (8, 11), (1, 1)]
    batches = read(bucket(sequences_of(sizes), (3, 7, 11), 3))
    found = {
        source.shape: (source[:, 0].tolist(), target.shape)
        for source, target in batches
    }
    assert len(batches) == 4
    assert found == {
        (3, 3): ([1, 3, 5], (3, 3)),
        (2, 7): ([2, 4], (2, 7)),
        (1, 11): ([6], (1, 11)),
        (1, 3): ([7], (1, 3)),
    }


def test_pad_fills_with_zeros() -> None:
    (batch,) = read(pad(sequences_of([(2, 1), (1, 3)]), 3, 5))
    np.testing.assert_array_equal(batch[0], [[1, 1, 0], [2, 0, 0]])
    np.testing.assert_array_equal(batch[1], [[1, 0, 0], [2, 2, 2]])


def test_complete_copies_the_first_row_at_weight_0() -> None:
    batches = pad(sequences_of([(2, 1), (1, 2), (2, 2)]), 2, 2)
    whole, filled = read(complete(batches, 2))
    np.testing.assert_array_equal(whole[2], [1, 1])
    np.testing.assert_array_equal(whole[0], [[1, 1], [2, 0]])
    np.testing.assert_array_equal(filled[2], [1, 0])
    np.testing.assert_array_equal(filled[0], [[3, 3], [3, 3]])
    np.testing.assert_array_equal(filled[1], [[3, 3], [3, 3]])


def test_shift_begins_the_input_and_keeps_its_padding() -> None:
    source = np.array([[9, 3, 0]], np.int32)
    target = np.array([[5, 6, 3, 0, 0], [7, 3, 0, 0, 0]], np.int32)
    weights = np.array([1.0, 0.0], np.float32)
    batches = tf.data.Dataset.from_tensors((source, target, weights))
    ((inputs, target_out, kept),) = read(shift(batches))
    np.testing.assert_array_equal(
        inputs["target_in"], [[2, 5, 6, 0, 0], [2, 7, 0, 0, 0]]
    )
    np.testing.assert_array_equal(inputs["source"], source)
    np.testing.assert_array_equal(target_out, target)
    np.testing.assert_array_equal(kept, weights)


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
    assert set(inputs) == {"source", "target_in"}
    for spec in (*inputs.values(), target_out):
        assert (spec.dtype, spec.shape.rank) == (tf.int32, 2)
        assert spec.shape[0] == 5
    assert (weights.dtype, weights.shape) == (tf.float32, (5,))
    for inputs, target_out, weights in read(data.epoch(1, 0)):
        assert weights[0] == 1
        assert inputs["source"].any(axis=1).all()
        assert inputs["target_in"].shape == target_out.shape


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
    data: TrainingData, tokenizer: Tokenizer
) -> None:
    again = TrainingData(dataset_of(PAIRS), tokenizer, tokenizer, OPTIONS)
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


def test_the_source_is_read_once(tokenizer: Tokenizer) -> None:
    reads = []

    def pairs() -> Iterator[tuple[str, str]]:
        reads.append("")
        yield from PAIRS

    source = tf.data.Dataset.from_generator(
        pairs, output_signature=(tf.TensorSpec((), tf.string),) * 2
    )
    data = TrainingData(source, tokenizer, tokenizer, OPTIONS)
    for epoch in range(3):
        read(data.epoch(1, epoch))
    read(data.in_order())
    read(data.epoch(1, 1).skip(3))
    assert len(reads) == 1


def test_report_counts_by_hand(tokenizer: Tokenizer) -> None:
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
    data = TrainingData(dataset_of(pairs), tokenizer, tokenizer, options)
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


def test_nothing_left_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(GlimpseError, match=r"Of 2 pairs none .*1 too .* 1 em"):
        TrainingData(
            dataset_of([("un deux trois quatre", "un"), ("", "un")]),
            tokenizer,
            tokenizer,
            PipelineOptions(max_source_length=4),
        )
    with pytest.raises(GlimpseError, match="Of 0 pairs none"):
        TrainingData(dataset_of(PAIRS).take(0), tokenizer, tokenizer)


def test_strings_are_read_anew_each_time() -> None:
    reads = []

    def pairs() -> Iterator[tuple[str, str]]:
        reads.append("")
        yield from ((f"é {place}", f"ü {place}") for place in range(2500))

    dataset = strings(pairs)
    assert dataset.element_spec == (tf.TensorSpec((), tf.string),) * 2
    for _ in range(2):
        found = [(s.decode(), t.decode()) for s, t in read(dataset)]
        assert found == [(f"é {i}", f"ü {i}") for i in range(2500)]
    assert len(reads) == 2
    assert read(strings(lambda: [])) == []


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
    made: Made, tokenizer: Tokenizer
) -> None:
    cleaning = CleaningOptions(duplicates=True)
    both = [
        read_split(made, "train", (tokenizer, tokenizer), options, cleaning)
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


def test_a_stream_foresees_what_it_reads(
    made: Made, tokenizer: Tokenizer
) -> None:
    cleaning = CleaningOptions(duplicates=True)
    kept, streamed = (
        read_split(made, "train", (tokenizer, tokenizer), options, cleaning)
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
    split: str, tokenizer: Tokenizer
) -> None:
    made = Uneven("made", "fr", "fr", tuple(PAIRS), [])
    kept, streamed = (
        read_split(made, split, (tokenizer, tokenizer), options)
        for options in (OPTIONS, replace(OPTIONS, in_memory_pairs=0))
    )
    assert streamed.report == replace(kept.report, drops={}, is_estimate=True)


def test_lengths_are_cut_at_the_longest_kept() -> None:
    options = PipelineOptions(
        max_source_length=9, max_target_length=11, boundaries=(12, 4, 8, 11)
    )
    assert options.lengths == (4, 8, 11)
    assert PipelineOptions(max_target_length=99).lengths[-2:] == (64, 99)


@pytest.mark.parametrize(
    ("choice", "value"),
    [
        ("batch_size", 0),
        ("max_source_length", 1),
        ("boundaries", (1, 4)),
        ("shuffle_buffer", 0),
        ("in_memory_pairs", -1),
    ],
)
def test_options_that_cannot_be(choice: str, value: object) -> None:
    with pytest.raises(GlimpseError, match=f"Option {choice} is "):
        PipelineOptions(**{choice: value})


def test_multi30k_wastes_little(data_dir: object, cache_dir: object) -> None:
    from data import load_corpus

    corpus = load_corpus("multi30k", data_dir=data_dir, cache_dir=cache_dir)
    pairs = corpus.dataset("train").cache()
    texts = [
        text.decode()
        for columns in read(pairs.batch(1000))
        for column in columns
        for text in column
    ]
    tokenizer = Tokenizer.train(texts[::5], 4000)  # of all it takes seconds
    data = TrainingData(pairs, tokenizer, tokenizer)
    assert data.report.kept == 29000
    assert data.report.target_padding < 0.08
    assert data.report.source_padding < 0.19
    assert data.steps_per_epoch < 1.02 * 29000 / 64
    assert len(read(data.epoch(0, 0))) == data.steps_per_epoch
