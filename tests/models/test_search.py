"""Greedy and beam search against plain Python, and against all there is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from data.modalities import Text
from models import Hypotheses, Seq2Seq, SequenceModel, search
from models.search import (
    BLOCK,
    Rule,
    SearchOptions,
    Unnormalised,
    forbid,
    penalty,
)
from models.softmax import IMPOSSIBLE
from models.targets import Seen
from tests.models import matrices, reference, tiny
from tests.models.chain import (
    SOURCE_LENGTH,
    Chain,
    History,
    assert_same,
    found,
    run,
)
from tests.models.reference import Hypothesis, Words
from tests.models.tiny import BOS, EOS, EVERY, PAD, SOME, SOURCES, SYMBOLS

each_alpha = pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])


# --- planted steps


def test_greedy_takes_the_likeliest_word_each_time() -> None:
    rows, vocabulary = 19, 7
    chain = Chain(rows, vocabulary)
    limits = [2 + row % 5 for row in range(rows)]

    hypotheses = run(chain, limits, beam_size=1, length_penalty=0.6)

    assert hypotheses.tokens.shape == (rows, 1, max(limits))
    for row, limit in enumerate(limits):
        words = reference.greedy(chain.log_probs(row), limit)
        total = sum(
            chain.log_probs(row)(words[:t])[w] for t, w in enumerate(words)
        )
        score = total / reference.length_penalty(len(words), 0.6)
        expected = Hypothesis(words, float(total), float(score))
        assert_same(found(hypotheses, row), [expected])


@each_alpha
@pytest.mark.parametrize("size", [2, 3, 5])
def test_beam_search_is_that_of_plain_python(size: int, alpha: float) -> None:
    """Which searches a sentence at a time, and never stops early."""
    rows, vocabulary = 23, 11
    chain = Chain(rows, vocabulary, seed=size)
    limits = [1 + row % 7 for row in range(rows)]

    hypotheses = run(chain, limits, beam_size=size, length_penalty=alpha)

    for row, limit in enumerate(limits):
        expected = reference.beam(chain.log_probs(row), limit, size, alpha)
        assert_same(found(hypotheses, row), expected)


@each_alpha
def test_a_beam_as_wide_as_the_space_finds_everything_in_order(
    alpha: float,
) -> None:
    rows, vocabulary, limit = 2, 7, 4
    chain = Chain(rows, vocabulary)
    everything = list(reference.sequences(limit, vocabulary))
    assert len(everything) == 1 + 4 + 16 + 64

    hypotheses = run(
        chain,
        [limit] * rows,
        beam_size=len(everything),
        length_penalty=alpha,
    )

    for row in range(rows):
        expected = reference.every(
            chain.log_probs(row), limit, vocabulary, alpha
        )
        assert_same(found(hypotheses, row), expected)


def test_what_is_produced_is_distinct_sorted_and_ends_once() -> None:
    rows, size = 13, 5
    chain = Chain(rows, 11)
    chain.table[:, [PAD, BOS]] = 0.0  # the likeliest of all
    limits = [3 + row % 4 for row in range(rows)]

    hypotheses = run(chain, limits, beam_size=size, length_penalty=1.0)

    assert np.all(np.diff(hypotheses.scores, axis=1) <= 0)
    for row, limit in enumerate(limits):
        words = [h.words for h in found(hypotheses, row)]
        assert len(words) == len(set(words)) == size
        for hypothesis in words:
            assert len(hypothesis) <= limit
            assert hypothesis.index(EOS) == len(hypothesis) - 1
            assert not {PAD, BOS} & set(hypothesis)
    after = np.arange(max(limits)) >= hypotheses.lengths.numpy()[:, :, None]
    assert not np.any(hypotheses.tokens.numpy()[after])


@pytest.mark.parametrize("size", [1, 3])
def test_the_word_at_the_limit_is_the_end_however_unlikely(size: int) -> None:
    chain = Chain(3, 7)
    chain.table[:, EOS] = -50.0
    limits = [1, 2, 5]

    hypotheses = run(chain, limits, beam_size=size)

    best = hypotheses.lengths[:, 0].numpy().tolist()
    assert best == limits
    assert np.all(hypotheses.log_probs[:, 0] <= -50)


def test_what_is_impossible_never_enters_the_pool() -> None:
    """One word and the end at most: two hypotheses of five, or one."""
    chain = Chain(3, 7)
    chain.table[:, 5:] = IMPOSSIBLE
    chain.table[:, 1] = -np.inf

    hypotheses = run(chain, [1, 2, 3], beam_size=5, length_penalty=0.6)

    words = [[h.words for h in found(hypotheses, row)] for row in range(3)]
    assert [set(row) for row in words] == [
        {(EOS,)},
        {(EOS,), (4, EOS)},
        {(EOS,), (4, EOS), (4, 4, EOS)},
    ]
    missing = hypotheses.lengths.numpy() == 0
    assert missing.sum(1).tolist() == [4, 3, 2]
    assert np.all(hypotheses.scores.numpy()[missing] == IMPOSSIBLE)
    assert not np.any(hypotheses.tokens.numpy()[missing])
    assert not np.any(hypotheses.seen.numpy()[missing])
    assert np.all(hypotheses.scores.numpy()[~missing] > IMPOSSIBLE / 2)


@pytest.mark.parametrize("size", [1, 3])
def test_attention_rows_are_those_that_produced_the_words(size: int) -> None:
    rows = 13
    chain = Chain(rows, 11)

    hypotheses = run(
        chain, [2 + row % 5 for row in range(rows)], beam_size=size
    )

    for row in range(rows):
        for k, hypothesis in enumerate(found(hypotheses, row)):
            expected = np.zeros((6, SOURCE_LENGTH))
            for t in range(len(hypothesis.words)):
                code = chain.code(row, hypothesis.words[:t])
                expected[t] = chain.attention[code]
            np.testing.assert_allclose(
                hypotheses.seen[row, k], expected, atol=1e-6
            )


@pytest.mark.parametrize("size", [1, 3])
def test_without_attention_there_is_none(size: int) -> None:
    chain = Chain(3, 7)

    def step(tokens: tf.Tensor, state: Any) -> Any:
        log_probs, _, state = chain(tokens, state)
        return log_probs, (), state

    hypotheses = run(chain, [5] * 3, step, beam_size=size)
    expected = run(chain, [5] * 3, beam_size=size)

    assert hypotheses.seen == ()
    np.testing.assert_array_equal(hypotheses.tokens, expected.tokens)


@pytest.mark.parametrize("size", [1, 3])
def test_a_larger_buffer_changes_nothing(size: int) -> None:
    chain, limits = Chain(5, 7), [2, 3, 5, 1, 4]

    hypotheses = run(chain, limits, beam_size=size)
    larger = run(chain, limits, max_length=11, beam_size=size)

    assert larger.tokens.shape == (5, size, 11)
    assert larger.seen.shape == (5, size, 11, SOURCE_LENGTH)
    assert not np.any(larger.tokens[:, :, 5:])
    assert not np.any(larger.token_log_probs[:, :, 5:])
    assert not np.any(larger.seen[:, :, 5:])
    cut = larger._replace(
        tokens=larger.tokens[:, :, :5],
        token_log_probs=larger.token_log_probs[:, :, :5],
        seen=larger.seen[:, :, :5],
    )
    for ours, expected in zip(cut, hypotheses, strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("size", [1, 3])
def test_a_smaller_buffer_is_a_limit(size: int) -> None:
    chain = Chain(5, 7)

    hypotheses = run(chain, [2, 3, 5, 1, 4], max_length=3, beam_size=size)

    expected = run(chain, [2, 3, 3, 1, 3], beam_size=size)
    for ours, wanted in zip(hypotheses, expected, strict=True):
        np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize("size", [1, 3])
def test_a_sentence_is_searched_as_if_alone(size: int) -> None:
    chain, limits = Chain(5, 11), [2, 3, 7, 1, 4]
    together = run(chain, limits, beam_size=size)
    starts = chain.start

    for row, limit in enumerate(limits):
        chain.start = starts[row : row + 1]
        alone = run(chain, [limit], beam_size=size)

        assert_same(found(together, row), found(alone, 0))


@pytest.mark.parametrize("size", [1, 3])
def test_sentences_that_leave_change_nothing(size: int) -> None:
    """Their memory goes with them, and what is found stays in its place."""
    rows = 29
    chain = Chain(rows, 11)
    limits = [1 + 3 * row % 13 for row in range(rows)]
    numbers = tf.range(1.0, rows + 1)
    sizes = []

    def step(tokens: tf.Tensor, state: History, memory: Any = None) -> Any:
        numbers_here = numbers if memory is None else memory["number"]
        log_probs, weights, state = chain(tokens, state)
        sizes.append(len(tokens))
        return log_probs, weights + numbers_here[:, None, None], state

    expected = run(chain, limits, step, beam_size=size)
    sizes.clear()
    leaving = search(
        step,
        chain.state(),
        limits=tf.constant(limits),
        symbols=SYMBOLS,
        options=SearchOptions(beam_size=size),
        memory={"number": numbers},
        by_token=True,
    )

    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == rows > sizes[-1]
    tf.nest.map_structure(_assert_close, leaving, expected)


def test_a_large_vocabulary_is_searched_by_blocks() -> None:
    rows, size, vocabulary = 5, 3, 11 * BLOCK
    chain = Chain(rows, vocabulary)
    limits = [3] * rows

    hypotheses = run(chain, limits, beam_size=size, length_penalty=0.6)

    for row in range(rows):
        expected = reference.beam(chain.log_probs(row), 3, size, 0.6)
        assert_same(found(hypotheses, row), expected)


@pytest.mark.parametrize("size", [1, 3])
def test_search_may_be_left_to_normalise(size: int) -> None:
    chain, limits = Chain(5, 11), [2, 3, 7, 1, 4]

    def step(tokens: tf.Tensor, state: Any) -> Any:
        log_probs, weights, state = chain(tokens, state)
        more = tf.cast(tokens, tf.float32)[..., None]
        said = Unnormalised.of(log_probs + more, log_probs.shape[-1])
        return said, weights, state

    hypotheses = run(chain, limits, step, beam_size=size)

    expected = run(chain, limits, beam_size=size)
    tf.nest.map_structure(_assert_close, hypotheses, expected)


def test_a_long_hypothesis_may_still_overtake_short_ones() -> None:
    """Of log-probability -1.43, but over a penalty of 2 at the limit of 7."""
    word, certain, never = 4, 0.0, -99.0
    ends = np.full(7, never)
    goes_on = np.full(7, certain)
    ends[:2], goes_on[:2] = np.log([0.4, 0.6]), np.log([0.6, 0.4])
    ends[6] = certain
    table = np.full((7, 5), never)
    table[:, EOS], table[:, word] = ends, goes_on

    def step(tokens: tf.Tensor, position: tf.Tensor) -> Any:
        log_probs = tf.gather(tf.constant(table, tf.float32), position)
        return log_probs, (), position + 1

    hypotheses = search(
        step,
        tf.zeros([1, 1], tf.int32),
        limits=tf.constant([7]),
        symbols=SYMBOLS,
        options=SearchOptions(beam_size=2, length_penalty=1.0),
        by_token=True,
    )

    long, short = found(hypotheses, 0)
    assert (long.words, short.words) == ((word,) * 6 + (EOS,), (word, EOS))
    assert long.score == pytest.approx(np.log(0.6 * 0.4) / 2)
    assert short.score == pytest.approx(np.log(0.6 * 0.6) * 6 / 7)


@pytest.mark.parametrize("size", [1, 3])
def test_search_stops_when_nothing_can_change(size: int) -> None:
    """A certain end is not searched beyond: limits cost nothing."""
    chain = Chain(5, 7)
    chain.table[:] = -30.0
    chain.table[:, EOS] = 0.0

    run(chain, [101] * 5, beam_size=size, length_penalty=0.0)

    assert chain.calls <= 4


@pytest.mark.parametrize("size", [1, 3])
def test_in_a_graph_compiled_or_of_any_size(size: int) -> None:
    chain, limits = Chain(5, 7), [2, 3, 5, 1, 4]
    expected = run(chain, limits, max_length=7, beam_size=size)

    def graph(limits: tf.Tensor, state: History) -> Hypotheses:
        return search(
            chain,
            state,
            limits=limits,
            symbols=SYMBOLS,
            options=SearchOptions(beam_size=size, max_length=7),
            by_token=True,
        )

    state = chain.state()
    compiled = tf.function(graph, jit_compile=True)
    unknown = tf.nest.map_structure(
        lambda x: tf.TensorSpec([None, *x.shape[1:]], x.dtype),
        (tf.constant(limits), state),
    )
    dynamic = tf.function(graph, input_signature=unknown)
    for function in (compiled, dynamic):
        hypotheses = function(tf.constant(limits), state)
        tf.nest.map_structure(_assert_close, hypotheses, expected)


def _assert_close(a: tf.Tensor, b: tf.Tensor) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


# --- real models


def translate(
    model: SequenceModel,
    sources: list[list[int]],
    limits: list[int],
    more_source: int = 0,
    rules: Sequence[Rule] = (),
    **options: Any,
) -> Hypotheses:
    source = tf.constant(tiny.pad(sources, more_source))
    encoded, state = model.encode(source, tiny.lengths(sources))
    step, memory = model.stepper(encoded)
    return search(
        step,
        state,
        memory=memory,
        limits=tf.constant(limits),
        symbols=SYMBOLS,
        options=SearchOptions(**options),
        rules=rules,
        by_token=True,
    )


@pytest.mark.parametrize("name", tiny.MODELS)
def test_every_translation_of_a_tiny_model_is_found(name: str) -> None:
    """Scored by the papers' equations, not by the model."""
    vocabulary, limit, alpha = 6, 3, 0.6
    model = small(name, vocabulary)
    everything = list(reference.sequences(limit, vocabulary))
    sources = [[5, 4, EOS], [4, 5, 5, 5, EOS]]

    hypotheses = translate(
        model,
        sources,
        [limit] * 2,
        beam_size=len(everything) + 2,  # two too many
        length_penalty=alpha,
    )

    values = matrices.Values(model)
    for row, source in enumerate(sources):

        def log_probs(words: Words, source: Any = source) -> np.ndarray:
            target_in = [BOS, *words]
            logits, _ = matrices.translate(values, model, source, target_in)
            return reference.log_softmax(logits[-1])

        expected = reference.every(log_probs, limit, vocabulary, alpha)
        assert_same(found(hypotheses, row), expected)


def small(name: str, vocabulary: int) -> Seq2Seq:
    changes: dict[str, Any] = {"target_vocabulary_size": vocabulary}
    if name == "bahdanau-tied":
        changes["source_vocabulary_size"] = vocabulary
    return tiny.model(name, **changes)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("name", ["bahdanau", "bahdanau-tied", *EVERY[-1:]])
def test_words_may_be_forbidden_but_at_the_limit(name: str, size: int) -> None:
    model, limits = tiny.model(name), [5, 2, 3]

    hypotheses = translate(
        model, SOURCES, limits, rules=[forbid([EOS, 7])], beam_size=size
    )

    expected = tf.repeat(tf.constant(limits)[:, None], size, 1)
    np.testing.assert_array_equal(hypotheses.lengths, expected)
    assert not np.any(hypotheses.tokens == 7)


@pytest.mark.parametrize("name", EVERY)
def test_a_hypothesis_is_what_forced_decoding_says_of_it(name: str) -> None:
    """Its log-probability, and its attention row by row."""
    model, size, limit = tiny.model(name), 3, 5
    sources = SOURCES[:2]
    hypotheses = translate(model, sources, [limit, 4], beam_size=size)

    # Row by row: the hypotheses of the first sentence, then of the second.
    tokens = tf.reshape(hypotheses.tokens, [2 * size, limit])
    starts = tf.fill([2 * size, 1], BOS)
    source = tf.repeat(tiny.pad(sources), size, axis=0)
    target_in = tf.concat([starts, tokens[:, :-1]], 1)
    outputs = model(
        {
            "source": source,
            "source_length": tf.repeat(tiny.lengths(sources), size),
            "target_in": target_in,
        }
    )

    each = tf.nn.log_softmax(outputs["logits"])
    each = tf.gather(each, tokens, batch_dims=2)
    real = tf.cast(tokens != PAD, tf.float32)
    np.testing.assert_allclose(
        tf.reshape(hypotheses.token_log_probs, each.shape),
        each * real,
        atol=1e-4,
    )
    np.testing.assert_allclose(
        tf.reshape(hypotheses.log_probs, [-1]),
        tf.reduce_sum(each * real, 1),
        atol=1e-4,
    )
    if "plain" in name:
        assert hypotheses.seen == Seen()
        return
    rows = outputs["attention_weights"] * real[:, :, None]
    np.testing.assert_allclose(
        tf.reshape(hypotheses.seen.attention, rows.shape), rows, atol=1e-5
    )


# The starting example's stock attention warns of a source of one token.
@pytest.mark.filterwarnings("ignore:You are using a softmax over axis -1")
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("name", [*SOME, "starting-example"])
def test_neither_padding_nor_batching_changes_a_translation(
    name: str, size: int
) -> None:
    model = tiny.model(name)
    limits = [5, 4, 3]

    together = translate(model, SOURCES, limits, beam_size=size)
    padded = translate(model, SOURCES, limits, more_source=4, beam_size=size)

    for row, (source, limit) in enumerate(zip(SOURCES, limits, strict=True)):
        alone = translate(model, [source], [limit], beam_size=size)
        assert_same(found(padded, row), found(together, row))
        assert_same(found(alone, 0), found(together, row))
    attention = padded.seen.attention
    if attention != ():
        np.testing.assert_allclose(
            attention[..., :-4], together.seen.attention, atol=1e-6
        )
        assert not np.any(attention[..., -4:])


def test_a_model_is_searched_in_a_compiled_graph() -> None:
    model = tiny.model("bahdanau", cell="rnn", direction="forward")
    limits, options = [3, 2, 3], {"beam_size": 2, "max_length": 3}
    expected = translate(model, SOURCES, limits, **options)

    def run() -> Hypotheses:
        source = tf.constant(tiny.pad(SOURCES))
        encoded, state = model.encode(source, tiny.lengths(SOURCES))
        step, memory = model.stepper(encoded)
        return search(
            lambda tokens, state: step(tokens, state, memory),
            state,
            limits=tf.constant(limits),
            symbols=SYMBOLS,
            options=SearchOptions(**options),
            by_token=True,
        )

    compiled = tf.function(run, jit_compile=True)()

    tf.nest.map_structure(_assert_close, compiled, expected)


# --- options


def test_the_penalty_is_that_of_the_paper() -> None:
    lengths = [1, 2, 13]

    for alpha in (0.0, 0.6, 1.0):
        expected = [reference.length_penalty(n, alpha) for n in lengths]
        np.testing.assert_allclose(
            penalty(tf.constant(lengths), alpha), expected, rtol=1e-6
        )
    assert float(penalty(tf.constant(7), 1.0)) == 2.0


def test_limits_grow_with_the_source() -> None:
    options = SearchOptions(extra_length=7, length_factor=1.5)

    assert options.limits(tf.constant([1, 2, 11])).numpy().tolist() == [
        8,
        10,
        23,
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("beam_size", 0),
        ("length_penalty", -0.1),
        ("extra_length", 0),
        ("length_factor", -1),
        ("max_length", 0),
    ],
)
def test_meaningless_options_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        SearchOptions(**{name: value})


def test_special_tokens_are_those_of_the_tokenizer() -> None:
    assert Text.symbols == SYMBOLS == (PAD, BOS, EOS)
    assert Text.symbols == (reference.PAD, reference.BOS, reference.EOS)
