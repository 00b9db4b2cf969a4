"""Beam search with phrases that must occur in every hypothesis.

The beams of a sentence are divided into banks: bank n is for hypotheses that
have n tokens of the phrases. Without banks, hypotheses that have none of them
would drive out the others, since they are likelier. Post and Vilar 2018, "Fast
lexically constrained decoding with dynamic beam allocation for neural machine
translation".
"""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from models.search.beams import Beam
from models.search.extensions import Extensions, Unnormalised
from models.search.found import Sentences
from models.search.walk import Setting, StepFunction
from models.softmax import IMPOSSIBLE


class Phrases(NamedTuple):
    """Phrases that must occur in the hypotheses of each sentence.

    The tokens of a phrase stand next to each other. If `begins` is given, the
    token after a phrase begins a word, so that a phrase does not become a part
    of a longer word.
    """

    tokens: tf.Tensor  # (B, C, P), ids, padded with -1
    begins: np.ndarray | None = None  # (V,), True for ids that begin a word


class Met(NamedTuple):
    """State of the phrases in each hypothesis."""

    tokens: tf.Tensor  # (B, C, P), the phrases; the same in all hypotheses
    is_met: tf.Tensor  # (B, K, C), True for phrases that occur
    current: tf.Tensor  # (B, K), the phrase that is being written, or -1
    written: tf.Tensor  # (B, K), number of its tokens that are written
    is_after: tf.Tensor  # (B, K), True if the last token ended a phrase

    @property
    def lengths(self) -> tf.Tensor:
        """Number of tokens of each phrase: (B, C)."""
        return tf.reduce_sum(tf.cast(self.tokens >= 0, tf.int32), -1)

    def bank(self) -> tf.Tensor:
        """Return the number of tokens that each hypothesis has met: (B, K)."""
        is_met = tf.cast(self.is_met, tf.int32)
        whole = tf.reduce_sum(is_met * self.lengths[:, None], -1)
        return whole + self.written

    def missing(self) -> tf.Tensor:
        """Return the number of tokens that each hypothesis lacks: (B, K)."""
        return tf.reduce_sum(self.lengths, -1)[:, None] - self.bank()

    def wanted(self) -> tf.Tensor:
        """Return the tokens that write a phrase further: (B, K, C), or -1.

        If a phrase is being written, it is the only one that goes on.
        """
        phrases = tf.range(tf.shape(self.tokens)[1])
        is_current = self.current[..., None] == phrases  # (B, K, C)
        place = tf.where(is_current, self.written[..., None], 0)
        beams = tf.shape(self.current)[1]
        every = tf.repeat(self.tokens[:, None], beams, 1)  # (B, K, C, P)
        found = tf.gather(every, place, batch_dims=3)
        idle = (self.current < 0)[..., None] & ~self.is_met
        return tf.where(is_current | idle, found, -1)

    def after(self, words: tf.Tensor, parents: tf.Tensor) -> "Met":
        """Return the state of hypotheses that are extended by one word.

        A phrase that is broken off is not met; the word may begin another.

        Args:
            words: (B, N), ids of the words.
            parents: (B, N), numbers of the hypotheses that they extend.
        """
        old = self.of(parents)
        goes_on = tf.reduce_any(
            (old.wanted() == words[..., None]) & (old.current >= 0)[..., None],
            -1,
        )
        idle = old._replace(
            current=tf.fill(tf.shape(words), -1),
            written=tf.zeros_like(words),
        )
        starts = idle.wanted() == words[..., None]  # (B, N, C)
        new = tf.argmax(starts, -1, tf.int32)
        current = tf.where(
            goes_on,
            old.current,
            tf.where(tf.reduce_any(starts, -1), new, -1),
        )
        written = tf.where(
            goes_on, old.written + 1, tf.cast(current >= 0, tf.int32)
        )
        lengths = tf.gather(self.lengths, tf.maximum(current, 0), batch_dims=1)
        ended = (current >= 0) & (written == lengths)
        phrases = tf.range(tf.shape(self.tokens)[1])
        met_now = ended[..., None] & (current[..., None] == phrases)
        return Met(
            self.tokens,
            old.is_met | met_now,
            tf.where(ended, -1, current),
            tf.where(ended, 0, written),
            ended,
        )

    def of(self, beams: tf.Tensor) -> "Met":
        """Return the state of some hypotheses: (B, N) numbers of beams."""
        picked = (tf.gather(x, beams, batch_dims=1) for x in self[1:])
        return Met(self.tokens, *picked)


class Banks(Beam):
    """Beam search with forced phrases; see `models.search.banks`.

    A hypothesis ends only when it has all phrases. When there is just room for
    the missing tokens before the limit, nothing but these tokens is added.

    Args:
        step: see `Walk`.
        setting: see `Walk`.
        begins: see `Phrases`.
    """

    def __init__(
        self, step: StepFunction, setting: Setting, begins: np.ndarray | None
    ) -> None:
        super().__init__(step, setting)
        self.begins = begins

    def nothing_met(self, forced: Any, batch: tf.Tensor) -> Any:
        tokens = forced.tokens
        one = tf.fill([batch, 1], -1)
        return Met(
            tokens,
            tf.reduce_all(tokens < 0, -1)[:, None],  # empty ones are met
            one,
            tf.zeros_like(one),
            tf.zeros_like(one, tf.bool),
        )

    def say(
        self, t: tf.Tensor, sentences: Sentences, words: tf.Tensor
    ) -> tuple[Unnormalised, Any, Any]:
        said, seen, state = super().say(t, sentences, words)
        log_probs = said.log_probs()
        ids = tf.range(log_probs.shape[-1])
        is_end = ids == self.symbols.end
        never = (ids == self.symbols.pad) | (ids == self.symbols.begin)
        never |= (sentences.met.missing() > 0)[..., None] & is_end
        if self.begins is not None:
            goes_on = ~tf.constant(self.begins) & ~is_end
            never |= sentences.met.is_after[..., None] & goes_on
        log_probs = tf.where(never, IMPOSSIBLE, log_probs)
        return Unnormalised.normalised(log_probs), seen, state

    def candidates(
        self,
        t: tf.Tensor,
        sentences: Sentences,
        said: Unnormalised,
        at_limit: tf.Tensor,
    ) -> Extensions:
        """Return the best extensions, and those that write a phrase further.

        Each hypothesis is also extended by its likeliest word. Extensions that
        leave too little room for the missing tokens are impossible.
        """
        found = super().candidates(t, sentences, said, at_limit)
        log_probs, before = said.log_probs(), sentences.log_probs
        wanted = sentences.met.wanted()  # (B, K, C)
        words = tf.concat(
            [wanted, tf.argmax(log_probs, -1, tf.int32)[..., None]], -1
        )
        gains = tf.gather(log_probs, tf.maximum(words, 0), batch_dims=2)
        totals = before[..., None] + tf.where(words < 0, IMPOSSIBLE, gains)
        totals = tf.where(at_limit[:, None, None], IMPOSSIBLE, totals)
        beams = words.shape[1]
        parents = tf.range(beams)[:, None] + tf.zeros_like(words)
        flat = [tf.shape(words)[0], -1]
        more = Extensions(
            *(tf.reshape(x, flat) for x in (totals, words, parents))
        )
        every = Extensions(
            *(tf.concat(pair, 1) for pair in zip(found, more, strict=True))
        )
        codes = every.words * self.size + every.parents
        after = sentences.met.after(every.words, every.parents)
        room = (sentences.limits - (t + 2))[:, None]
        is_bad = _is_repeated(codes) | (
            (after.missing() > room) & ~at_limit[:, None]
        )
        return every._replace(
            log_probs=tf.where(is_bad, IMPOSSIBLE, every.log_probs)
        )

    def best(
        self, sentences: Sentences, found: Extensions, going_on: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, Any]:
        """Choose the K extensions that go on, from all banks.

        Each bank gets an equal share of the beams, the last one also what is
        left over. Places that a bank does not fill go to the best of the rest.
        """
        after = sentences.met.after(found.words, found.parents)
        bank, total = after.bank(), after.bank() + after.missing()
        share = self.size // (total + 1)
        rest = tf.where(bank == total, self.size % (total + 1), 0)
        ahead = _is_ahead(going_on) & (bank[:, :, None] == bank[:, None])
        rank = tf.reduce_sum(tf.cast(ahead, tf.int32), -1)
        is_first = (rank < share + rest) & (going_on > IMPOSSIBLE / 2)
        # Those with a place in their bank come before all others.
        order = tf.where(is_first, going_on, going_on + 2 * IMPOSSIBLE)
        _, best = tf.nn.top_k(order, self.size)
        log_probs = tf.gather(going_on, best, batch_dims=1)
        log_probs, order = tf.nn.top_k(log_probs, self.size)
        best = tf.gather(best, order, batch_dims=1)
        return log_probs, best, after.of(best)


def _is_ahead(scores: tf.Tensor) -> tf.Tensor:
    """Tell for each of N scores which others come before it: (B, N, N)."""
    one, other = scores[:, :, None], scores[:, None]
    places = tf.range(tf.shape(scores)[1])
    earlier = places[None, :] < places[:, None]
    return (other > one) | ((other == one) & earlier)


def _is_repeated(codes: tf.Tensor) -> tf.Tensor:
    """Tell which of N codes have occurred earlier in their row: (B, N)."""
    places = tf.range(tf.shape(codes)[1])
    earlier = places[None, :] < places[:, None]
    same = codes[:, :, None] == codes[:, None]
    return tf.reduce_any(same & earlier, -1)
