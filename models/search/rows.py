"""Search that adds one word to each hypothesis: greedy search and sampling."""

from abc import abstractmethod
from typing import Any

import tensorflow as tf

from models.search.extensions import Unnormalised, extensions
from models.search.found import Found, Hypotheses, Sentences
from models.search.scores import coverage_penalty, penalty
from models.search.tensors import count, picked, stacked
from models.search.walk import Walk
from models.softmax import IMPOSSIBLE


class Rows(Walk):
    """Search in which each hypothesis grows by itself.

    A subclass chooses the word that is added.
    """

    @abstractmethod
    def choose(
        self, t: tf.Tensor, sentences: Sentences, said: Unnormalised
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Choose the word that is added to each hypothesis at step t.

        Args:
            t: number of the step.
            sentences: state of the search before the step.
            said: log-probabilities of the possible next words.

        Returns:
            The ids of the words (B, K), and their log-probabilities (B, K). At
            the limit, the end symbol is the only word to choose, if there is
            one.
        """

    def advance(
        self, t: tf.Tensor, sentences: Sentences
    ) -> tuple[Sentences, Any]:
        last = sentences.codes // self.size
        said, seen, state = self.say(t, sentences, last)
        before = sentences.log_probs
        words, gains = self.choose(t, sentences, said)
        going = self._rows_going(t, sentences)
        words = tf.where(going, words, self.symbols.pad)
        gains = tf.where(going, gains, 0.0)
        parents = tf.zeros_like(words)
        if said.logits.shape[1] == 1:  # hypotheses have one beginning
            state = picked(state, parents)
        else:
            parents += tf.range(self.size)
        codes = words * self.size + parents
        sentences = sentences._replace(
            codes=codes,
            gains=self.kept(gains),
            log_probs=before + gains,
            tokens=self.extended(t, sentences, codes),
            state=state,
        )
        return sentences, seen

    def is_going(self, t: tf.Tensor, sentences: Sentences) -> tf.Tensor:
        return tf.reduce_any(self._rows_going(t, sentences), 1)

    def _rows_going(self, t: tf.Tensor, sentences: Sentences) -> tf.Tensor:
        last = sentences.codes // self.size
        going = last != self.symbols.pad
        if self.symbols.end is None:
            return going & (t < sentences.limits)[:, None]
        return going & (last != self.symbols.end)

    def hypotheses(
        self, sentences: Sentences, found: Found, taken: tf.Tensor
    ) -> Hypotheses:
        pad = self.symbols.pad
        codes = stacked(found.codes)
        tokens = codes // self.size
        if pad:  # at steps that were not taken
            tokens = tf.where(tf.range(self.length) < taken, tokens, pad)
        real = tokens != pad
        lengths = count(real)
        log_probs = sentences.log_probs
        scores = log_probs / penalty(lengths, self.alpha)
        seen = found.rows(real, codes % self.size)
        if self.options.coverage_penalty and not isinstance(
            sentences.source_mask, tuple
        ):
            scores += coverage_penalty(
                tf.reduce_sum(seen.attention, 2),
                sentences.source_mask,
                self.options.coverage_penalty,
            )
        hypotheses = Hypotheses(
            tokens, lengths, log_probs, scores, stacked(found.gains), seen
        )
        if self.size == 1:
            return hypotheses
        return picked(hypotheses, tf.argsort(-scores, stable=True))


class Greedy(Rows):
    """Greedy search: one hypothesis, extended by the likeliest word."""

    def choose(
        self, t: tf.Tensor, sentences: Sentences, said: Unnormalised
    ) -> tuple[tf.Tensor, tf.Tensor]:
        # Words are compared without the log-probability of the words before
        # them; in the sum, small differences would be rounded away.
        start = tf.zeros_like(sentences.log_probs)
        at_limit = t + 1 >= sentences.limits
        best = extensions(said, start, at_limit, 1, self.symbols)
        return best.words, best.log_probs


class Sample(Rows):
    """Sampling: K hypotheses whose words are drawn by their probability.

    A word is found by its place in the sum of the probabilities, likeliest word
    first, so that one random number draws it.
    """

    def choose(
        self, t: tf.Tensor, sentences: Sentences, said: Unnormalised
    ) -> tuple[tf.Tensor, tf.Tensor]:
        log_probs = said.log_probs()
        beams, vocabulary = log_probs.shape[1:]
        log_probs = tf.repeat(log_probs, self.size // beams, axis=1)
        ids = tf.range(vocabulary)
        never = (ids == self.symbols.pad) | (ids == self.symbols.begin)
        if self.symbols.end is not None:
            at_limit = (t + 1 >= sentences.limits)[:, None, None]
            never |= at_limit & (ids != self.symbols.end)
        heights, words = tf.nn.top_k(
            tf.where(never, IMPOSSIBLE, log_probs) / self.options.temperature,
            min(self.options.top_k or vocabulary, vocabulary),
        )
        probs = tf.nn.softmax(heights)  # (B, K, V'), likeliest first
        before = tf.cumsum(probs, -1, exclusive=True)
        probs = tf.where(before < self.options.top_p, probs, 0.0)
        sums = tf.cumsum(probs, -1)
        mark = sentences.drawn[..., t, None] * sums[..., -1:]
        # At most the last word that can be drawn, whatever the rounding.
        place = tf.minimum(count(sums <= mark), count(probs > 0) - 1)
        chosen = tf.gather(words, place, batch_dims=2)
        return chosen, tf.gather(log_probs, chosen, batch_dims=2)
