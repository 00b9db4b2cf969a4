"""The steps from dataset to dataset, on tiny ones."""

from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf

from data import Language, PipelineOptions, Tokenizer
from data.modalities import Symbols, Text
from data.sides import Ladder, Sides
from data.steps import (
    AT_ONCE,
    bucket,
    complete,
    encode,
    epoch_seed,
    keep_fitting,
    one_by_one,
    pad,
    shift,
    shuffled,
    strings,
)

FRENCH = Language("fr")


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(["un deux trois dix"] * 9, 300)


PAIR = (  # what one pair is, after `one_by_one`
    *(tf.TensorSpec((None,), tf.int32),) * 2,
    tf.TensorSpec((2,), tf.int32),
)


def sequences_of(sizes: list[tuple[int, int]]) -> tf.data.Dataset:
    """Sequences of the given lengths, filled with their place from 1."""
    return tf.data.Dataset.from_generator(
        lambda: (
            (*(np.full(length, place) for length in pair), pair)
            for place, pair in enumerate(sizes, 1)
        ),
        output_signature=PAIR,
    )


def read(dataset: tf.data.Dataset) -> list:
    return list(dataset.as_numpy_iterator())


def test_strings_are_read_anew_each_time() -> None:
    reads = []

    def pairs() -> Iterator[tuple[str, str]]:
        reads.append("")
        yield from ((f"é {place}", f"ü {place}") for place in range(2500))

    dataset = strings(pairs)
    assert dataset.element_spec == (tf.TensorSpec((None,), tf.string),) * 2
    for _ in range(2):
        batches = read(dataset)
        assert [len(source) for source, _ in batches] == [
            *(AT_ONCE, AT_ONCE, 2500 - 2 * AT_ONCE)
        ]
        found = [
            (source.decode(), target.decode())
            for columns in batches
            for source, target in zip(*columns, strict=True)
        ]
        assert found == [(f"é {i}", f"ü {i}") for i in range(2500)]
    assert len(reads) == 2
    assert read(strings(lambda: [])) == []


def test_links_come_beside_their_strings() -> None:
    links = [np.array([0, 1, 2, 3]), np.zeros(0, int), np.array([5, 4])]
    dataset = strings(lambda: (("a", "b", each) for each in links), links=True)
    ((source, _, found),) = list(dataset)
    assert (source.shape, found.dtype) == ((3,), tf.int32)
    assert found.to_list() == [each.tolist() for each in links]
    assert read(strings(lambda: [], links=True)) == []


def test_encode_makes_ids_and_ends(tokenizer: Tokenizer) -> None:
    other = Tokenizer.train(["un deux"] * 5, 300)
    sides = Text(tokenizer, FRENCH), Text(other, FRENCH)
    pairs = [("deux trois", "un"), ("", "dix 😀")]
    found = one_by_one(encode(strings(lambda: pairs), *sides))
    assert found.element_spec == PAIR
    assert found.element_spec[:2] == tuple(side.element for side in sides)
    for source, target, lengths in read(found):
        assert lengths.tolist() == [len(source), len(target)]
    assert [
        (list(source), list(target)) for source, target, _ in read(found)
    ] == [
        (
            [*tokenizer.encode(source), Tokenizer.EOS],
            [*other.encode(target), Tokenizer.EOS],
        )
        for source, target in pairs
    ]


def test_keep_fitting_counts_the_end_and_drops_the_empty(
    tokenizer: Tokenizer,
) -> None:
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
    sides = Sides.of([tokenizer], (FRENCH, FRENCH))
    options = PipelineOptions(max_source_length=5, max_target_length=7)
    noted = []
    kept = one_by_one(
        keep_fitting(
            many,
            lambda lengths: sides.fit(lengths, options),
            lambda *pair: noted.append(pair),
        )
    )
    assert [int(source[0]) for source, *_ in read(kept)] == [1, 6]
    assert [(len(source), len(target)) for source, target in noted] == sizes[
        1:5
    ]
    assert [int(source[0]) for source, _ in noted] == [2, 3, 4, 5]


def test_keep_fitting_drops_the_links_with_their_pair() -> None:
    columns = ([[1], [2, 2], [3]], [[1], [2], [3]], [[0, 1], [2, 3], []])
    many = tf.data.Dataset.from_tensors(
        tuple(tf.ragged.constant(each, dtype=tf.int32) for each in columns)
    )
    ((source, target, links),) = list(
        keep_fitting(many, lambda lengths: lengths[0] == 1)
    )
    assert source.to_list() == target.to_list() == [[1], [3]]
    assert links.to_list() == [[0, 1], []]


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
    ladder = Ladder((3, 7, 11), (3, 7, 11))
    batches = read(bucket(sequences_of(sizes), ladder, 3))
    found = {
        source.shape: (source[:, 0].tolist(), target.shape)
        for source, target, *_ in batches
    }
    assert len(batches) == 4
    assert found == {
        (3, 3): ([1, 3, 5], (3, 3)),
        (2, 7): ([2, 4], (2, 7)),
        (1, 11): ([6], (1, 11)),
        (1, 3): ([7], (1, 3)),
    }
    for source, _, lengths in batches:
        assert [tuple(pair) for pair in lengths] == [
            sizes[place - 1] for place in source[:, 0]
        ]


def test_bucket_takes_the_rung_that_holds_both_sides() -> None:
    sizes = [(4, 2), (5, 2), (4, 3), (9, 5), (1, 5)]
    batches = read(bucket(sequences_of(sizes), Ladder((4, 9), (2, 5)), 9))
    assert {
        (source.shape[1], target.shape[1]): source[:, 0].tolist()
        for source, target, *_ in batches
    } == {(4, 2): [1], (9, 5): [2, 3, 4, 5]}


def test_pad_fills_with_zeros() -> None:
    (batch,) = read(pad(sequences_of([(2, 1), (1, 3)]), (3, 4), 5))
    source, target, lengths = batch
    np.testing.assert_array_equal(source, [[1, 1, 0], [2, 0, 0]])
    np.testing.assert_array_equal(target, [[1, 0, 0, 0], [2, 2, 2, 0]])
    np.testing.assert_array_equal(lengths, [[2, 1], [1, 3]])
    assert lengths.dtype == np.int32


def test_complete_copies_the_first_row_at_weight_0() -> None:
    batches = pad(sequences_of([(2, 1), (1, 2), (2, 2)]), (2, 2), 2)
    whole, filled = read(complete(batches, 2))
    np.testing.assert_array_equal(whole[-1], [1, 1])
    np.testing.assert_array_equal(whole[0], [[1, 1], [2, 0]])
    np.testing.assert_array_equal(filled[-1], [1, 0])
    np.testing.assert_array_equal(filled[0], [[3, 3], [3, 3]])
    np.testing.assert_array_equal(filled[1], [[3, 3], [3, 3]])
    np.testing.assert_array_equal(filled[2], [[2, 2], [2, 2]])


def test_shift_begins_the_input_and_keeps_its_padding() -> None:
    source = np.array([[9, 3, 0], [9, 3, 0]], np.int32)
    target = np.array([[5, 6, 3, 0, 0], [7, 3, 0, 0, 0]], np.int32)
    lengths = np.array([[2, 3], [2, 2]], np.int32)
    weights = np.array([1.0, 0.0], np.float32)
    batches = tf.data.Dataset.from_tensors((source, target, lengths, weights))
    ((inputs, target_out, kept),) = read(shift(batches, Text.symbols))
    np.testing.assert_array_equal(
        inputs["target_in"], [[2, 5, 6, 0, 0], [2, 7, 0, 0, 0]]
    )
    np.testing.assert_array_equal(inputs["source"], source)
    np.testing.assert_array_equal(inputs["source_length"], lengths[:, 0])
    np.testing.assert_array_equal(inputs["target_length"], lengths[:, 1])
    np.testing.assert_array_equal(target_out, target)
    np.testing.assert_array_equal(kept, weights)


def test_shift_goes_by_lengths_and_by_the_symbols_it_is_given() -> None:
    """An id 0 within the length is content; no end is needed."""
    target = np.array([[0, 4, 0, 7], [5, 0, 0, 0]], np.int32)
    lengths = np.array([[1, 3], [1, 2]], np.int32)
    batches = tf.data.Dataset.from_tensors(
        (target, target, lengths, np.ones(2, np.float32))
    )
    ((inputs, target_out, _),) = read(shift(batches, Symbols(9, 8, None)))
    np.testing.assert_array_equal(
        inputs["target_in"], [[8, 0, 4, 9], [8, 5, 9, 9]]
    )
    np.testing.assert_array_equal(target_out, target)


def test_an_alignment_comes_through_beside_its_pair() -> None:
    sequences = tf.data.Dataset.from_generator(
        lambda: [
            (np.full(2, 1), np.full(1, 1), (2, 1), np.full((1, 2), 0.5, "f")),
            (np.full(1, 2), np.full(2, 2), (1, 2), np.full((2, 1), 1.0, "f")),
        ],
        output_signature=(*PAIR, tf.TensorSpec((None, None), tf.float32)),
    )
    batches = bucket(sequences, Ladder((3,), (2,)), 4)
    ((inputs, _, weights),) = read(shift(complete(batches, 4), Text.symbols))
    half = [[0.5, 0.5, 0], [0, 0, 0]]
    np.testing.assert_array_equal(
        inputs["alignment"], [half, [[1, 0, 0], [1, 0, 0]], half, half]
    )
    np.testing.assert_array_equal(weights, [1, 1, 0, 0])
