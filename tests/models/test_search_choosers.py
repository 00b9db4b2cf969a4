"""What takes the place of the top-k: drawn words, forced phrases; coverage."""

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from models.search.banks import Phrases
from models.search.scores import coverage_penalty
from tests.models import reference
from tests.models.chain import Chain, assert_same, found, run
from tests.models.reference import Hypothesis, Words
from tests.models.test_search_rules import possible, ruled
from tests.models.tiny import BOS, EOS, PAD

V = 7


# --- coverage


class Seen(NamedTuple):
    attention: tf.Tensor


def seeing(chain: Chain) -> Any:
    """A step whose attention search finds where a model has it."""

    def step(tokens: tf.Tensor, state: Any) -> Any:
        log_probs, weights, state = chain(tokens, state)
        return log_probs, Seen(weights), state

    return step


MASK = np.array([[True, True, True], [True, True, False]])


def covered(chain: Chain, row: int, words: Words, beta: float) -> float:
    sums = sum(
        chain.attention[chain.code(row, words[:place])]
        for place in range(len(words))
    )
    real = np.asarray(sums)[MASK[row]]
    return beta * float(np.sum(np.log(np.clip(real, 1e-6, 1))))


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_the_widest_beam_orders_by_what_is_covered(alpha: float) -> None:
    limits, beta = [4, 3], 0.7
    chain = Chain(len(limits), V)
    size = len(list(reference.sequences(max(limits), V)))
    hypotheses = run(
        chain,
        limits,
        seeing(chain),
        given={"source_mask": tf.constant(MASK)},
        beam_size=size,
        length_penalty=alpha,
        coverage_penalty=beta,
    )
    for row, limit in enumerate(limits):
        plain = reference.every(chain.log_probs(row), limit, V, alpha)
        expected = [
            h._replace(score=h.score + covered(chain, row, h.words, beta))
            for h in plain
        ]
        expected.sort(key=lambda h: -h.score)
        assert [h.words for h in expected] != [h.words for h in plain]
        assert_same(found(hypotheses, row), expected)


@pytest.mark.parametrize("size", [1, 2])
def test_a_small_search_has_coverage_in_its_scores(size: int) -> None:
    """The pool keeps what covers more; the search itself does not change."""
    limits, beta = [9, 6], 0.7
    chain = Chain(len(limits), V)
    options: dict[str, Any] = {"beam_size": size, "coverage_penalty": beta}
    given = {"source_mask": tf.constant(MASK)}
    hypotheses = run(chain, limits, seeing(chain), given=given, **options)
    for row, limit in enumerate(limits):
        for each in found(hypotheses, row):
            score = each.log_prob / ((5 + len(each.words)) / 6)
            score += covered(chain, row, each.words, beta)
            assert each.score == pytest.approx(score, abs=1e-4)
        if size == 1:
            words = reference.greedy(chain.log_probs(row), limit)
            assert found(hypotheses, row)[0].words == words


def test_without_a_mask_or_a_factor_nothing_is_covered() -> None:
    chain = Chain(2, V)
    plain = run(chain, [5, 4], beam_size=2)
    for options in (
        {"coverage_penalty": 1.0},
        {"given": {"source_mask": tf.constant(MASK)}},
    ):
        other = run(chain, [5, 4], beam_size=2, **options)
        for row in (0, 1):
            assert_same(found(other, row), found(plain, row))


def test_positions_without_attention_are_penalised_finitely() -> None:
    sums = tf.constant([[[0.0, 0.5, 2.0]]])
    mask = tf.constant([[True, True, True]])
    expected = 2 * (np.log(1e-6) + np.log(0.5))
    np.testing.assert_allclose(coverage_penalty(sums, mask, 2.0), [[expected]])


# --- sampling


def drawn(rows: int, size: int, length: int, seed: int = 0) -> dict[str, Any]:
    numbers = np.random.default_rng(seed).random((rows, size, length))
    return {"drawn": tf.constant(numbers, tf.float32)}


def same_start(rows: int) -> Chain:
    chain = Chain(rows, V, scale=1.0)
    chain.start[:] = chain.start[0]
    return chain


def fits(counts: Counter[Words], expected: dict[Words, float]) -> bool:
    """The chi-square test, rare sequences taken together."""
    total = sum(counts.values())
    often = [w for w, p in expected.items() if p * total >= 10]
    if not set(counts) <= {w for w, p in expected.items() if p > 0}:
        return False
    observed = [counts[w] for w in often]
    probs = [expected[w] for w in often]
    rest = 1 - sum(probs)
    if rest * total > 5:
        observed.append(total - sum(observed))
        probs.append(rest)
    probs = [p / sum(probs) for p in probs]
    result = stats.chisquare(observed, [p * total for p in probs])
    return bool(result.pvalue > 0.001)


def sequences(chain: Chain, limit: int, word_probs: Any) -> dict[Words, float]:
    """The probability of every sequence, each word's from `word_probs`."""
    found: dict[Words, float] = {}
    heads: list[tuple[Words, float]] = [((), 1.0)]
    while heads:
        words, prob = heads.pop()
        if len(words) + 1 == limit:
            found[*words, EOS] = prob
            continue
        each = word_probs(chain.table[chain.code(0, words)])
        for word, p in enumerate(each):
            if word == EOS:
                found[*words, EOS] = prob * p
            elif p:
                heads.append(((*words, word), prob * p))
    return found


def filtered(temperature: float, top_k: int, top_p: float) -> Any:
    def probs(log_probs: np.ndarray) -> np.ndarray:
        scaled = np.array(log_probs) / temperature
        scaled[[PAD, BOS]] = -np.inf
        order = np.argsort(-scaled)
        scaled[order[top_k or V :]] = -np.inf
        p = np.exp(scaled) / np.sum(np.exp(scaled))
        before = np.cumsum(p[order]) - p[order]
        p[order[before >= top_p]] = 0
        return p / np.sum(p)

    return probs


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [(1.0, 0, 1.0), (0.5, 0, 1.0), (2.0, 3, 1.0), (1.0, 0, 0.8), (1.5, 4, 0.9)],
)
def test_words_are_drawn_as_often_as_they_are_probable(
    temperature: float, top_k: int, top_p: float
) -> None:
    rows, size, limit = 100, 41, 3
    chain = same_start(rows)
    hypotheses = run(
        chain,
        [limit] * rows,
        given=drawn(rows, size, limit),
        beam_size=size,
        sampling=True,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
    )
    counts = Counter(
        h.words for row in range(rows) for h in found(hypotheses, row)
    )
    probs = filtered(temperature, top_k, top_p)
    expected = sequences(chain, limit, probs)
    assert fits(counts, expected)
    if temperature != 1:  # the test can tell
        wrong = sequences(chain, limit, filtered(1.0, top_k, top_p))
        assert not fits(counts, wrong)


def test_drawn_hypotheses_have_their_own_log_probabilities_best_first() -> None:
    rows, size, limits = 5, 6, [2, 7, 4, 9, 5]
    chain = Chain(rows, V)
    options: dict[str, Any] = {
        **{"beam_size": size, "sampling": True, "temperature": 2.0},
        "given": drawn(rows, size, max(limits)),
    }
    hypotheses = run(chain, limits, **options)
    for row, limit in enumerate(limits):
        every = found(hypotheses, row)
        assert len(every) == size
        scores = [h.score for h in every]
        assert scores == sorted(scores, reverse=True)
        for rank, h in enumerate(every):
            assert len(h.words) <= limit
            gains = [
                chain.log_probs(row)(h.words[:place])[word]
                for place, word in enumerate(h.words)
            ]
            assert h.log_prob == pytest.approx(sum(gains), abs=1e-4)
            np.testing.assert_allclose(
                hypotheses.token_log_probs[row, rank, : len(gains)],
                gains,
                atol=1e-4,
            )
            weights = [
                chain.attention[chain.code(row, h.words[:place])]
                for place in range(len(h.words))
            ]
            np.testing.assert_allclose(
                hypotheses.seen[row, rank, : len(gains)], weights, atol=1e-5
            )

    def step(tokens: tf.Tensor, state: Any, memory: Any) -> Any:
        return chain(tokens, state)

    options["given"] = {**options["given"], "memory": ()}
    leaving = run(chain, limits, step, **options)
    for row in range(rows):
        assert_same(found(leaving, row), found(hypotheses, row))


def test_sampling_needs_random_numbers() -> None:
    with pytest.raises(ValueError, match="without `drawn`"):
        run(Chain(2, V), [3, 3], beam_size=2, sampling=True)


# --- forced phrases


def contains(words: Words, phrase: Sequence[int]) -> bool:
    size = len(phrase)
    return tuple(phrase) in zip(*(words[i:] for i in range(size)), strict=False)


def forced(rows: list[list[list[int]]], begins: Any = None) -> dict[str, Any]:
    phrases = max(map(len, rows))
    longest = max(len(each) for row in rows for each in row)
    tokens = np.full((len(rows), phrases, longest), -1, np.int32)
    for row, every in enumerate(rows):
        for place, phrase in enumerate(every):
            tokens[row, place, : len(phrase)] = phrase
    return {"forced": Phrases(tf.constant(tokens), begins)}


FORCED: list[list[list[int]]] = [[[4]], [[5, 6]], [[4], [5, 6]], []]


def test_the_widest_beam_finds_all_that_have_the_phrases() -> None:
    limits = [4, 4, 5, 3]
    chain = Chain(len(limits), V)
    size = len(list(reference.sequences(5, V)))
    hypotheses = run(chain, limits, given=forced(FORCED), beam_size=size)
    for row, (limit, phrases) in enumerate(zip(limits, FORCED, strict=True)):
        expected = [
            h
            for h in reference.every(chain.log_probs(row), limit, V, 1.0)
            if all(contains(h.words, phrase) for phrase in phrases)
        ]
        assert expected
        assert_same(found(hypotheses, row), expected)


@pytest.mark.parametrize("size", [2, 4, 5, 9])
def test_forced_phrases_are_always_there(size: int) -> None:
    """With room for nothing else, and with much."""
    rows, limits = [], []
    for seed, phrases in itertools.product(range(6), FORCED):
        tokens = sum(map(len, phrases))
        rows.append(phrases)
        limits.append(tokens + 1 + seed)
    chain = Chain(len(rows), V)
    hypotheses = run(chain, limits, given=forced(rows), beam_size=size)
    plain = run(chain, limits, beam_size=size)
    for row, phrases in enumerate(rows):
        every = found(hypotheses, row)
        assert every
        for h in every:
            assert all(contains(h.words, phrase) for phrase in phrases)
            assert len(h.words) <= limits[row]
        if not phrases:
            assert_same(every, found(plain, row))


def test_banks_keep_what_a_beam_would_lose() -> None:
    """With few beams, forced words are not just put first."""
    rows, limit = 40, 9
    chain = Chain(rows, V)
    every = run(
        chain, [limit] * rows, given=forced([[[4]]] * rows), beam_size=4
    )
    firsts = [found(every, row)[0].words.index(4) for row in range(rows)]
    assert len(set(firsts)) > 2


def test_after_a_phrase_a_word_begins() -> None:
    begins = np.array([False] * 5 + [True, False])
    rows = [[[4]], [[5, 6]], [[5]]]
    limits, size = [5, 5, 5], len(list(reference.sequences(5, V)))
    chain = Chain(len(rows), V)
    hypotheses = run(chain, limits, given=forced(rows, begins), beam_size=size)
    for row, ((phrase,), limit) in enumerate(zip(rows, limits, strict=True)):

        def forbids(words: Words, new: int, last: int = phrase[-1]) -> bool:
            is_first = list(words).count(last) == 1
            return words[-1:] == (last,) and is_first and new not in (5, EOS)

        every = reference.every(
            ruled(chain, row, limit + 1, [forbids]), limit, V, 1.0
        )
        expected: list[Hypothesis] = [
            h for h in possible(every) if contains(h.words, phrase)
        ]
        if len(phrase) == 1:
            assert_same(found(hypotheses, row), expected)
        else:
            for h in found(hypotheses, row):
                place = list(zip(h.words, h.words[1:], strict=False)).index(
                    (5, 6)
                )
                assert h.words[place + 2] in (5, EOS)
