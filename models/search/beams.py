"""Beam search: at each step, the likeliest hypotheses go on."""

from typing import Any

import tensorflow as tf

from models.search.extensions import Extensions, Unnormalised, extensions
from models.search.found import Found, Hypotheses, Pool, Sentences
from models.search.scores import coverage_penalty, penalty
from models.search.tensors import count, picked, stacked
from models.search.walk import Walk
from models.softmax import IMPOSSIBLE


class Beam(Walk):
    """Beam search that keeps the best finished hypotheses in a pool.

    The search in a sentence ends when no unfinished hypothesis of the sentence
    can still enter the pool. To decide this, search computes an upper bound of
    the scores that these hypotheses can reach: the largest of their current
    log-probabilities, divided by the length penalty at the length limit. It is
    an upper bound, since the log-probability of a hypothesis never rises
    as words are added, the length penalty is largest at the limit, and the
    coverage penalty adds at most 0. Further
    steps, which other sentences of the batch may need, do not change the pool
    of a sentence whose search has ended.
    """

    def no_pool(self, batch: tf.Tensor) -> Pool:
        shape = [batch, self.size]
        zeros = tf.zeros(shape, tf.int32)
        scores = tf.fill(shape, IMPOSSIBLE)
        return Pool(zeros, zeros, self.kept(tf.zeros(shape)), scores, scores)

    def advance(
        self, t: tf.Tensor, sentences: Sentences
    ) -> tuple[Sentences, Any]:
        size, before = self.size, sentences.log_probs
        said, seen, state = self.say(t, sentences, sentences.codes // size)
        at_limit = t + 1 >= sentences.limits
        covered = self.cover(sentences, seen)
        found = self.candidates(t, sentences, said, at_limit)
        totals, codes = found.log_probs, found.words * size + found.parents
        gains = self.kept(
            totals - tf.gather(before, found.parents, batch_dims=1)
        )
        ended = self.is_end(found, at_limit)
        scores = totals / penalty(t + 1, self.alpha)
        if not isinstance(covered, tuple):
            factor = self.options.coverage_penalty
            every = coverage_penalty(covered, sentences.source_mask, factor)
            scores += tf.gather(every, found.parents, batch_dims=1)
        pool = sentences.pool.enter(
            Pool(
                tf.fill(tf.shape(codes), t),
                codes,
                gains,
                totals,
                tf.where(ended, scores, IMPOSSIBLE),
            )
        )
        going_on = tf.where(ended, IMPOSSIBLE, totals)
        log_probs, best, met = self.best(sentences, found, going_on)
        codes = tf.gather(codes, best, batch_dims=1)
        sentences = sentences._replace(
            codes=codes,
            gains=picked(gains, best),
            log_probs=log_probs,
            tokens=self.extended(t, sentences, codes),
            pool=pool,
            state=picked(state, codes % size),
            covered=picked(covered, codes % size),
            met=met,
        )
        return sentences, seen

    def candidates(
        self,
        t: tf.Tensor,
        sentences: Sentences,
        said: Unnormalised,
        at_limit: tf.Tensor,
    ) -> Extensions:
        """Return the extensions that may enter the pool, or go on.

        Args:
            t: number of the step.
            sentences: state of the search before the step.
            said: log-probabilities of the possible next words.
            at_limit: (B,), True if the next word reaches the length limit.
        """
        # At least K of these 2 K extensions do not end their hypothesis.
        before = sentences.log_probs
        return extensions(said, before, at_limit, 2 * self.size, self.symbols)

    def best(
        self, sentences: Sentences, found: Extensions, going_on: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, Any]:
        """Choose the K extensions that go on.

        Args:
            sentences: state of the search before the step.
            found: the N extensions to choose from.
            going_on: (B, N), their log-probabilities; about -1e9 or lower for
                those that end their hypothesis.

        Returns:
            The log-probabilities (B, K) and the places (B, K) of the chosen
            ones, likeliest first, and the field `Sentences.met` after the step.
        """
        log_probs, best = tf.nn.top_k(going_on, self.size)
        return log_probs, best, ()

    def cover(self, sentences: Sentences, seen: Any) -> Any:
        """Return the sums of attention weights after a step: (B, K, S), or ().

        Args:
            sentences: state of the search before the step.
            seen: what the step function returned as `seen`.
        """
        if isinstance(sentences.covered, tuple):
            return ()
        return sentences.covered + tf.cast(seen.attention, tf.float32)

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
        lengths = count(real)
        return Hypotheses(
            tokens,
            lengths,
            tf.where(lengths > 0, pool.log_probs, IMPOSSIBLE),
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
        codes, gains = stacked(codes), stacked(gains)
        if pad:  # of steps that were not taken
            codes = tf.where(tf.range(self.length) < taken, codes, pad)
        return codes, gains
