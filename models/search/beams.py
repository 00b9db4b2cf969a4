"""Greedy and beam search with any step function, in one TensorFlow graph.

The only part of a model that search calls is its step function, `step(tokens
(B, K), state) -> (log-probabilities (B, K, V), seen, next state)`. B is the
number of sentences, K the number of beams of a sentence, and V the number of
words in the vocabulary. Each tensor of the state is (B, K, ...). V must be
known when the graph is built. A step function may return the log-probabilities
as an `Unnormalised`, which saves arithmetic, since search needs only a few of
the log-probabilities. A step function may have a third argument, the memory:
what the function needs from the encoded sources. The K beams of a sentence
share its memory, so when search reorders the beams, it reorders only the state.
If there is a memory, search removes sentences from the batch when their search
has ended.

The result `seen` of a step is a nested structure of tensors (B, K, ...), such
as attention weights; search records it for each word of each hypothesis. Search
also records a number, called a code, for each step and beam. A code encodes the
chosen word and the number of the beam that this word extends. At the end, the
words of each hypothesis are read from the codes, from the last word to the
first.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from data.modalities import Symbols
from models.search.extensions import Extensions, extensions
from models.search.found import Found, Hypotheses, Pool, Sentences
from models.search.options import SearchOptions
from models.search.rules import Rule, SentenceRule
from models.search.walk import StepFunction, Walk
from models.softmax import IMPOSSIBLE


def search(
    step: StepFunction,
    state: Any,
    *,
    limits: tf.Tensor,
    symbols: Symbols,
    options: SearchOptions,
    rules: Sequence[Rule | SentenceRule] = (),
    memory: Any = None,
    length: tf.Tensor | int | None = None,
    by_token: bool = False,
) -> Hypotheses:
    """Find the best hypotheses of each sentence of a batch.

    Args:
        step: step function of a model; see `models.search.beams`.
        state: the model's state before the first word: nested structure of
            tensors (B, 1, ...).
        limits: (B,), largest length of each sentence's hypotheses, at least 1,
            end symbol included. If `symbols` has an end symbol, the token at
            the limit is always the end symbol.
        symbols: ids of the padding, begin and end symbols.
        options: options of the search.
        rules: restrictions on hypotheses; see `models.search.rules`.
        memory: third argument of `step`: nested structure of tensors (B, ...).
            None if `step` has only two arguments. If there is a memory,
            sentences whose search has ended are removed from the batch. So the
            size of the batch varies, which XLA does not allow.
        length: length L to which hypotheses are padded; None for the largest of
            `limits`. If the batch is part of a larger one, pass the largest
            limit of the larger batch. If `options.max_length` is set, it is L,
            and `length` has no effect.
        by_token: whether to return the log-probability of each token of the
            hypotheses.
    """
    if options.max_length is not None:
        length = options.max_length
    elif length is None:
        length = tf.reduce_max(limits)
    limits = tf.minimum(limits, length)
    new = _Greedy if options.beam_size == 1 else _Beam
    leave = memory is not None
    run = new(step, options, symbols, rules, length, leave, by_token)
    return run(state, limits, memory)


def penalty(length: tf.Tensor, alpha: float) -> tf.Tensor:
    """Return the length penalty `((5 + length) / 6) ** alpha`, in float32."""
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** alpha


class _Greedy(Walk):
    """Greedy search: one beam, extended by the likeliest word at each step."""

    def advance(
        self, t: tf.Tensor, sentences: Sentences
    ) -> tuple[Sentences, Any]:
        last = sentences.codes
        said, seen, state = self.say(t, sentences, last)
        before = sentences.log_probs
        # Words are compared without the log-probability of the words before
        # them; in the sum, small differences would be rounded away.
        start = tf.zeros_like(before)
        at_limit = t + 1 >= sentences.limits
        best = extensions(said, start, at_limit, 1, self.symbols)
        going = self.is_going(t, sentences)[:, None]
        codes = tf.where(going, best.words, self.symbols.pad)
        gains = tf.where(going, best.log_probs, 0.0)
        sentences = sentences._replace(
            codes=codes,
            gains=self.kept(gains),
            log_probs=before + gains,
            tokens=self.extended(t, sentences, codes),
            state=state,
        )
        return sentences, seen

    def is_going(self, t: tf.Tensor, sentences: Sentences) -> tf.Tensor:
        last = sentences.codes[:, 0]
        going = last != self.symbols.pad
        if self.symbols.end is None:
            return going & (t < sentences.limits)
        return going & (last != self.symbols.end)

    def hypotheses(
        self, sentences: Sentences, found: Found, taken: tf.Tensor
    ) -> Hypotheses:
        pad = self.symbols.pad
        tokens = _stacked(found.codes)
        if pad:  # at steps that were not taken
            tokens = tf.where(tf.range(self.length) < taken, tokens, pad)
        real = tokens != pad
        lengths = _count(real)
        log_probs = sentences.log_probs
        return Hypotheses(
            tokens,
            lengths,
            log_probs,
            log_probs / penalty(lengths, self.alpha),
            _stacked(found.gains),
            found.rows(real, tf.zeros_like(tokens)),
        )


class _Beam(Walk):
    """Beam search that keeps the best finished hypotheses in a pool.

    The search in a sentence ends when no unfinished hypothesis of the sentence
    can still enter the pool. To decide this, search computes an upper bound of
    the scores that these hypotheses can reach: the largest of their current
    log-probabilities, divided by the length penalty at the length limit. It is
    an upper bound, since the log-probability of a hypothesis never rises
    as words are added, and the length penalty is largest at the limit. Further
    steps, which other sentences of the batch may need, do not change the pool
    of a sentence whose search has ended.
    """

    def no_pool(self, batch: tf.Tensor) -> Pool:
        shape = [batch, self.size]
        zeros = tf.zeros(shape, tf.int32)
        scores = tf.fill(shape, IMPOSSIBLE)
        return Pool(zeros, zeros, self.kept(tf.zeros(shape)), scores)

    def advance(
        self, t: tf.Tensor, sentences: Sentences
    ) -> tuple[Sentences, Any]:
        size, before = self.size, sentences.log_probs
        said, seen, state = self.say(t, sentences, sentences.codes // size)
        at_limit = t + 1 >= sentences.limits
        # At least K of these 2 K extensions do not end their hypothesis.
        found = extensions(said, before, at_limit, 2 * size, self.symbols)
        totals, codes = found.log_probs, found.words * size + found.parents
        gains = self.kept(
            totals - tf.gather(before, found.parents, batch_dims=1)
        )
        ended = self.is_end(found, at_limit)
        scores = totals / penalty(t + 1, self.alpha)
        pool = sentences.pool.enter(
            Pool(
                tf.fill(tf.shape(codes), t),
                codes,
                gains,
                tf.where(ended, scores, IMPOSSIBLE),
            )
        )
        going_on = tf.where(ended, IMPOSSIBLE, totals)
        log_probs, best = tf.nn.top_k(going_on, size)
        codes = tf.gather(codes, best, batch_dims=1)
        sentences = sentences._replace(
            codes=codes,
            gains=_pick(gains, best),
            log_probs=log_probs,
            tokens=self.extended(t, sentences, codes),
            pool=pool,
            state=_pick(state, codes % size),
        )
        return sentences, seen

    def is_end(self, found: Extensions, at_limit: tf.Tensor) -> tf.Tensor:
        """Return a mask (B, N), True where an extension ends its hypothesis."""
        possible = found.log_probs > IMPOSSIBLE / 2
        if self.symbols.end is None:
            return at_limit[:, None] & possible
        return (found.words == self.symbols.end) & possible

    def is_going(self, t: tf.Tensor, sentences: Sentences) -> tf.Tensor:
        limits = sentences.limits
        hope = sentences.log_probs[:, 0] / penalty(limits, self.alpha)
        return (t < limits) & (hope > sentences.pool.scores[:, -1])

    def hypotheses(
        self, sentences: Sentences, found: Found, taken: tf.Tensor
    ) -> Hypotheses:
        pool = sentences.pool
        codes, gains = self.read_back(pool, found, taken)
        tokens = codes // self.size
        real = tokens != self.symbols.pad
        lengths = _count(real)
        log_probs = pool.scores * penalty(lengths, self.alpha)
        return Hypotheses(
            tokens,
            lengths,
            tf.where(lengths > 0, log_probs, IMPOSSIBLE),
            pool.scores,
            gains,
            found.rows(real, codes % self.size),
        )

    def read_back(
        self, pool: Pool, found: Found, taken: tf.Tensor
    ) -> tuple[tf.Tensor, Any]:
        """Return the codes of all words of the hypotheses in the pool.

        A code encodes a word and the number of the beam that the word extends.
        So each hypothesis is read from its last word to its first.

        Args:
            pool: the best finished hypotheses.
            found: results of all steps.
            taken: number of steps that were computed.

        Returns:
            The codes (B, K, L) of the words, padded after the last word, and
            the log-probabilities (B, K, L) of the words, or () if `by_token` is
            False.
        """
        is_there = pool.scores > IMPOSSIBLE / 2
        last = tf.where(is_there, pool.steps, -1)
        arrays, ends = (found.codes, found.gains), (pool.codes, pool.gains)
        pad = self.symbols.pad * self.size
        after = (pad, self.kept(0.0))

        def body(t: tf.Tensor, beam: tf.Tensor, read: Any) -> tuple[Any, ...]:
            def value(array: Any, end: tf.Tensor, after: Any) -> tf.Tensor:
                earlier = tf.gather(array.read(t), beam, batch_dims=1)
                earlier = tf.where(t < last, earlier, after)
                return tf.where(t == last, end, earlier)

            new = tf.nest.map_structure(value, arrays, ends, after)
            read = tf.nest.map_structure(lambda r, x: r.write(t, x), read, new)
            return t - 1, new[0] % self.size, read

        empty = tf.nest.map_structure(
            lambda x: tf.TensorArray(
                x.dtype, self.length, element_shape=x.shape
            ),
            ends,
        )
        _, _, (codes, gains) = tf.while_loop(
            lambda t, *_: t >= 0, body, (taken - 1, tf.zeros_like(last), empty)
        )
        codes, gains = _stacked(codes), _stacked(gains)
        if pad:  # of steps that were not taken
            codes = tf.where(tf.range(self.length) < taken, codes, pad)
        return codes, gains


def _stacked(arrays: Any) -> Any:
    """Stack each TensorArray of L tensors (B, K) into a tensor (B, K, L)."""
    return tf.nest.map_structure(
        lambda array: tf.transpose(array.stack(), [1, 2, 0]), arrays
    )


def _pick(nest: Any, indices: tf.Tensor) -> Any:
    """Gather items `indices` (B, K') along axis 1 of each tensor of `nest`."""
    return tf.nest.map_structure(
        lambda x: tf.gather(x, indices, batch_dims=1), nest
    )


def _count(real: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(real, tf.int32), -1)
