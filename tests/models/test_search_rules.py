"""Search under rules, and of targets without an end, against enumeration."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from data.modalities import Symbols
from models import SearchOptions, search
from models.search import BLOCK, Rule, Unnormalised, forbid
from models.softmax import IMPOSSIBLE
from tests.models import reference, tiny
from tests.models.chain import Chain, History, assert_same, found, run
from tests.models.reference import Hypothesis, LogProbs, Words
from tests.models.tiny import BOS, EOS, EVERY, PAD, SYMBOLS

each_alpha = pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0])
each_size = pytest.mark.parametrize("size", [1, 3])

# Whether a rule forbids a word after these words.
Forbids = Callable[[Words, int], bool]


def no_word_twice_running(
    log_probs: tf.Tensor, tokens: tf.Tensor, t: tf.Tensor
) -> tf.Tensor:
    last = tf.gather(tokens, tf.maximum(t - 1, 0), axis=2)
    is_last = tf.one_hot(last, log_probs.shape[-1]) > 0
    return tf.where(is_last & (t > 0), IMPOSSIBLE, log_probs)


def three_words(
    log_probs: tf.Tensor, tokens: tf.Tensor, t: tf.Tensor
) -> tf.Tensor:
    """At least, before the end."""
    is_end = tf.range(log_probs.shape[-1]) == EOS
    return tf.where(is_end & (t < 3), IMPOSSIBLE, log_probs)


def no_word_again(
    log_probs: tf.Tensor, tokens: tf.Tensor, t: tf.Tensor
) -> tf.Tensor:
    said = tf.one_hot(tokens, log_probs.shape[-1])  # (B, K, L, V)
    is_old = tf.reduce_max(said, 2) * tf.cast(tf.range(7) != PAD, tf.float32)
    return tf.where(is_old > 0, IMPOSSIBLE, log_probs)


RULES: dict[str, tuple[Rule, Forbids]] = {
    "forbid": (forbid([4, 6]), lambda words, word: word in (4, 6)),
    "twice": (
        no_word_twice_running,
        lambda words, word: words[-1:] == (word,),
    ),
    "three": (
        three_words,
        lambda words, word: word == EOS and len(words) < 3,
    ),
    "again": (no_word_again, lambda words, word: word in words),
    "no-end": (forbid([EOS]), lambda words, word: word == EOS),
}
each_rule = pytest.mark.parametrize("name", RULES)


def ruled(
    chain: Chain, row: int, limit: int, rules: Sequence[Forbids]
) -> LogProbs:
    """The chain's log-probabilities; at the limit no rule counts."""

    def log_probs(words: Words) -> np.ndarray:
        plain = chain.log_probs(row)(words).copy()
        if len(words) + 1 < limit:
            for word in range(len(plain)):
                if any(forbids(words, word) for forbids in rules):
                    plain[word] = IMPOSSIBLE
        return plain

    return log_probs


def possible(hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    return [h for h in hypotheses if h.log_prob > IMPOSSIBLE / 2]


# --- rules


@each_rule
@each_alpha
def test_under_a_rule_the_widest_beam_finds_all_that_it_allows(
    name: str, alpha: float
) -> None:
    """In order: rules against everything that there is."""
    vocabulary, limits = 7, [4, 3]
    rule, forbids = RULES[name]
    chain = Chain(len(limits), vocabulary)
    size = len(list(reference.sequences(max(limits), vocabulary)))

    hypotheses = run(
        chain, limits, rules=[rule], beam_size=size, length_penalty=alpha
    )

    for row, limit in enumerate(limits):
        log_probs = ruled(chain, row, limit, [forbids])
        expected = reference.every(log_probs, limit, vocabulary, alpha)
        assert len(possible(expected)) < len(expected)
        assert_same(found(hypotheses, row), possible(expected))


@each_rule
@pytest.mark.parametrize("size", [1, 2, 5])
def test_search_under_a_rule_is_that_of_plain_python(
    name: str, size: int
) -> None:
    rows, vocabulary = 17, 7
    rule, forbids = RULES[name]
    chain = Chain(rows, vocabulary, seed=size)
    limits = [1 + row % 6 for row in range(rows)]

    hypotheses = run(
        chain, limits, rules=[rule], beam_size=size, length_penalty=0.6
    )

    for row, limit in enumerate(limits):
        log_probs = ruled(chain, row, limit, [forbids])
        if size > 1:
            expected = reference.beam(log_probs, limit, size, 0.6)
            assert_same(found(hypotheses, row), possible(expected))
        else:
            (only,) = found(hypotheses, row)
            assert only.words == reference.greedy(log_probs, limit)


@each_size
def test_several_rules_count_together(size: int) -> None:
    rows, vocabulary = 11, 7
    rules, forbids = zip(RULES["three"], RULES["twice"], strict=True)
    chain = Chain(rows, vocabulary)
    limits = [2 + row % 5 for row in range(rows)]

    hypotheses = run(chain, limits, rules=rules, beam_size=size)

    for row, limit in enumerate(limits):
        log_probs = ruled(chain, row, limit, forbids)
        expected = reference.greedy(log_probs, limit)
        if size > 1:
            expected = reference.beam(log_probs, limit, size, 1.0)[0].words
        assert found(hypotheses, row)[0].words == expected


@each_size
def test_a_forbidden_word_is_in_no_hypothesis(size: int) -> None:
    """Though it is the likeliest of all."""
    chain = Chain(13, 11)
    chain.table[:, [5, 8]] += 9.0
    limits = [2 + row % 5 for row in range(13)]
    assert np.any(run(chain, limits, beam_size=size).tokens == 5)

    hypotheses = run(chain, limits, rules=[forbid([5, 8])], beam_size=size)

    assert not np.any(np.isin(hypotheses.tokens, [5, 8]))
    assert np.all(hypotheses.lengths > 0)


@each_size
def test_at_the_limit_the_end_wins_over_a_rule_that_forbids_it(
    size: int,
) -> None:
    """And has the log-probability that it has without the rule."""
    chain, limits = Chain(3, 7), [1, 2, 5]

    hypotheses = run(chain, limits, rules=[forbid([EOS])], beam_size=size)

    for row, limit in enumerate(limits):
        for each in found(hypotheses, row):
            assert len(each.words) == limit
            assert each.words.index(EOS) == limit - 1
            plain = chain.log_probs(row)
            total = sum(
                plain(each.words[:t])[w] for t, w in enumerate(each.words)
            )
            assert each.log_prob == pytest.approx(total, abs=1e-4)
    assert len(found(hypotheses, 0)) == 1


@each_size
def test_rules_see_the_words_of_their_own_sentence_when_others_leave(
    size: int,
) -> None:
    """With a memory, sentences that are done leave the batch."""
    rows, vocabulary = 29, 7
    chain = Chain(rows, vocabulary)
    limits = [1 + 3 * row % 13 for row in range(rows)]
    sizes: list[int] = []

    def step(tokens: tf.Tensor, state: History, memory: Any) -> Any:
        sizes.append(len(tokens))
        return chain(tokens, state)

    leaving = search(
        step,
        chain.state(),
        limits=tf.constant(limits),
        symbols=SYMBOLS,
        options=SearchOptions(beam_size=size),
        rules=[no_word_again],
        memory={"number": tf.range(rows)},
        by_token=True,
    )

    assert sizes[0] == rows > sizes[-1]
    expected = run(chain, limits, rules=[no_word_again], beam_size=size)
    for row in range(rows):
        assert_same(found(leaving, row), found(expected, row))
        for each in found(leaving, row):
            assert len(set(each.words)) == len(each.words)


@each_size
def test_a_rule_takes_what_is_not_normalised_normalised(size: int) -> None:
    vocabulary, words = 2 * BLOCK, 2 * BLOCK - 3
    chain, limits = Chain(5, vocabulary), [2, 3, 7, 1, 4]
    more = np.where(np.arange(vocabulary) < words, 5.0, IMPOSSIBLE)
    given = []

    def step(tokens: tf.Tensor, state: Any) -> Any:
        log_probs, weights, state = chain(tokens, state)
        said = Unnormalised.of(log_probs + more.astype("float32"), words)
        return said, weights, state

    def rule(log_probs: tf.Tensor, tokens: tf.Tensor, t: tf.Tensor) -> Any:
        given.append((log_probs, tokens, int(t)))
        return log_probs

    hypotheses = run(chain, limits, step, rules=[rule], beam_size=size)

    assert [t for *_, t in given] == list(range(len(given)))
    for log_probs, tokens, t in given:
        width = 1 if t == 0 else size
        assert log_probs.shape == (5, width, words)
        assert tokens.shape == (5, width, max(limits))
        assert not np.any(tokens[:, :, t:])
    expected = run(chain, limits, step, beam_size=size)
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5),
        hypotheses,
        expected,
    )


@pytest.mark.parametrize("name", EVERY[::3])
def test_models_are_searched_under_rules(name: str) -> None:
    """A word that the model says without the rule, and not with it."""
    model, limits = tiny.model(name), [5, 4, 6]

    def translate(rules: Sequence[Rule]) -> Any:
        source = tf.constant(tiny.pad(tiny.SOURCES))
        encoded, state = model.encode(source, tiny.lengths(tiny.SOURCES))
        step, memory = model.stepper(encoded)
        return search(
            step,
            state,
            limits=tf.constant(limits),
            symbols=SYMBOLS,
            options=SearchOptions(beam_size=3),
            rules=rules,
            memory=memory,
            by_token=True,
        ).tokens.numpy()

    plain = translate([])
    word = int(plain[plain > EOS][0])

    assert word not in translate([forbid([word])])


# --- without an end

ENDLESS = Symbols(PAD, BOS, None)


@each_alpha
def test_without_an_end_everything_is_found_in_order(alpha: float) -> None:
    vocabulary, limits = 5, [3, 1, 2]
    chain = Chain(len(limits), vocabulary)
    most = list(reference.sequences(max(limits), vocabulary, None))
    assert len(most) == 3**3

    hypotheses = run(
        chain,
        limits,
        symbols=ENDLESS,
        beam_size=len(most),
        length_penalty=alpha,
    )

    for row, limit in enumerate(limits):
        expected = reference.every(
            chain.log_probs(row), limit, vocabulary, alpha, end=None
        )
        assert len(expected) == 3**limit
        assert_same(found(hypotheses, row), expected)


@pytest.mark.parametrize("size", [2, 5])
def test_without_an_end_beam_search_is_that_of_plain_python(size: int) -> None:
    rows, vocabulary = 17, 11
    chain = Chain(rows, vocabulary, seed=size)
    limits = [1 + row % 6 for row in range(rows)]

    hypotheses = run(
        chain, limits, symbols=ENDLESS, beam_size=size, length_penalty=0.6
    )

    for row, limit in enumerate(limits):
        expected = reference.beam(
            chain.log_probs(row), limit, size, 0.6, end=None
        )
        assert_same(found(hypotheses, row), expected)
        assert {len(h.words) for h in found(hypotheses, row)} == {limit}


def test_without_an_end_greedy_search_is_that_of_plain_python() -> None:
    rows = 17
    chain = Chain(rows, 7)
    limits = [1 + row % 6 for row in range(rows)]

    hypotheses = run(chain, limits, symbols=ENDLESS, beam_size=1)

    assert hypotheses.lengths[:, 0].numpy().tolist() == limits
    # What is the end of a text is a word like any other.
    assert np.any(hypotheses.tokens == EOS)
    for row, limit in enumerate(limits):
        (only,) = found(hypotheses, row)
        words = reference.greedy(chain.log_probs(row), limit, end=None)
        assert only.words == words
        total = sum(
            chain.log_probs(row)(words[:t])[w] for t, w in enumerate(words)
        )
        assert only.log_prob == pytest.approx(total, abs=1e-4)


@each_size
def test_without_an_end_neither_company_nor_room_changes_anything(
    size: int,
) -> None:
    rows = 13
    chain = Chain(rows, 11)
    limits = [1 + 5 * row % 7 for row in range(rows)]
    options = {"symbols": ENDLESS, "beam_size": size}

    def step(tokens: tf.Tensor, state: Any, memory: Any) -> Any:
        return chain(tokens, state)

    together = run(chain, limits, **options)
    larger = run(chain, limits, max_length=max(limits) + 4, **options)
    leaving = search(
        step,
        chain.state(),
        limits=tf.constant(limits),
        symbols=ENDLESS,
        options=SearchOptions(beam_size=size),
        memory=tf.range(rows),
        by_token=True,
    )

    starts = chain.start
    for row, limit in enumerate(limits):
        chain.start = starts[row : row + 1]
        alone = found(run(chain, [limit], **options), 0)
        for other in (together, larger, leaving):
            assert_same(found(other, row), alone)


@each_size
def test_rules_count_up_to_the_limit_alone_even_without_an_end(
    size: int,
) -> None:
    rows, vocabulary = 11, 7
    chain = Chain(rows, vocabulary)
    limits = [2 + row % 4 for row in range(rows)]
    rule, forbids = RULES["twice"]

    hypotheses = run(
        chain, limits, symbols=ENDLESS, rules=[rule], beam_size=size
    )

    for row, limit in enumerate(limits):
        log_probs = ruled(chain, row, limit, [forbids])
        best = found(hypotheses, row)[0]
        if size == 1:
            words = reference.greedy(log_probs, limit, end=None)
        else:
            words = reference.beam(log_probs, limit, size, 1.0, None)[0].words
        assert best.words == words


@each_size
@pytest.mark.parametrize("vocabulary", [7, BLOCK])
def test_padding_and_begin_may_be_ids_that_cannot_be_said(
    vocabulary: int, size: int
) -> None:
    """Then 0 is a word, and what follows the last is the other id."""
    rows, limits = 5, [2, 3, 1, 4, 2]
    symbols = Symbols(vocabulary, vocabulary + 1, None)
    chain = Chain(rows, vocabulary, begin=symbols.begin)
    chain.table[:, 0] += 2.0

    def step(tokens: tf.Tensor, state: Any, memory: Any = None) -> Any:
        return chain(tokens, state)

    hypotheses = run(chain, limits, symbols=symbols, beam_size=size)
    leaving = search(
        step,
        chain.state(),
        limits=tf.constant(limits),
        symbols=symbols,
        options=SearchOptions(beam_size=size),
        memory=tf.range(rows),
        by_token=True,
    )

    assert np.any(hypotheses.tokens == 0)
    after = np.arange(max(limits)) >= np.array(limits)[:, None, None]
    after = np.broadcast_to(after, hypotheses.tokens.shape)
    for each in (hypotheses, leaving):
        assert np.all(each.tokens.numpy()[after] == symbols.pad)
        assert np.all(each.tokens.numpy()[~after] < vocabulary)
        assert not np.any(each.token_log_probs.numpy()[after])
        for row, limit in enumerate(limits):
            best = found(each, row)[0].words
            likeliest = likeliest_words(chain, row, limit, size)
            assert best == likeliest


def likeliest_words(chain: Chain, row: int, limit: int, size: int) -> Words:
    """As found by a beam in which every word may be said."""
    beams: list[tuple[float, Words]] = [(0.0, ())]
    for _ in range(limit):
        more = [
            (total + gained, (*words, word))
            for total, words in beams
            for word, gained in enumerate(chain.log_probs(row)(words))
        ]
        beams = sorted(more, reverse=True)[:size]
    return beams[0][1]


# --- log-probabilities of words


@each_size
@pytest.mark.parametrize("symbols", [SYMBOLS, ENDLESS])
def test_each_word_has_its_own_log_probability(
    symbols: Symbols, size: int
) -> None:
    """They are those of the step, and sum to that of the hypothesis."""
    rows = 13
    chain = Chain(rows, 11)
    limits = [1 + row % 6 for row in range(rows)]

    hypotheses = run(chain, limits, symbols=symbols, beam_size=size)

    each = hypotheses.token_log_probs.numpy()
    assert each.shape == hypotheses.tokens.shape
    lengths = hypotheses.lengths.numpy()
    is_there = lengths > 0
    np.testing.assert_allclose(
        each.sum(-1)[is_there],
        hypotheses.log_probs.numpy()[is_there],
        atol=1e-4,
    )
    after = np.arange(max(limits)) >= lengths[:, :, None]
    assert not np.any(each[after])
    for row, k in np.argwhere(is_there):
        words = tuple(hypotheses.tokens[row, k, : lengths[row, k]].numpy())
        said = [chain.log_probs(row)(words[:t])[w] for t, w in enumerate(words)]
        np.testing.assert_allclose(each[row, k, : len(said)], said, atol=1e-4)


@each_size
def test_those_of_a_ruled_search_are_of_the_plain_step(size: int) -> None:
    """A rule forbids, and makes nothing else more or less likely."""
    chain, limits = Chain(5, 11), [2, 3, 6, 1, 4]

    hypotheses = run(chain, limits, rules=[forbid([4, 7, 9])], beam_size=size)

    for row in range(5):
        for k, each in enumerate(found(hypotheses, row)):
            plain = chain.log_probs(row)
            said = [plain(each.words[:t])[w] for t, w in enumerate(each.words)]
            np.testing.assert_allclose(
                hypotheses.token_log_probs[row, k, : len(said)], said, atol=1e-4
            )
