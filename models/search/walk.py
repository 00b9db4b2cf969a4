"""Loop over the steps of a search, shared by greedy and beam search."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from data.modalities import Symbols
from models.search.extensions import Unnormalised
from models.search.found import Done, Found, Hypotheses, Sentences
from models.search.options import SearchOptions
from models.search.rules import Rule, SentenceRule, at
from models.search.tensors import spread

# When the search goes on in less than this share of the sentences in the batch,
# the sentences whose search has ended leave the batch.
LEAST_BUSY = 7 / 8

# Step function of a model: its arguments are the last words, the state and, for
# some models, a memory; see `models.search.searching`.
StepFunction = Callable[..., tuple[tf.Tensor | Unnormalised, Any, Any]]


class Setting(NamedTuple):
    """Setting of a search: what stays the same in all sentences and steps.

    Attributes:
        options: options of the search.
        symbols: ids of the padding, begin and end symbols.
        rules: restrictions on hypotheses; see `models.search.rules`.
        length: length L to which hypotheses are padded.
        leave: whether sentences leave the batch when their search has ended. If
            so, the step function must have a third argument, the memory.
        by_token: whether to keep the log-probability of each token of the
            hypotheses.
    """

    options: SearchOptions
    symbols: Symbols
    rules: Sequence[Rule | SentenceRule]
    length: tf.Tensor | int
    leave: bool
    by_token: bool


class Walk(ABC):
    """Search in a batch of sentences, as a loop over steps.

    Each step adds a word to each hypothesis. Subclasses define how these words
    are chosen: by greedy search or by beam search.

    Args:
        step: step function of a model; see `models.search.searching`.
        setting: what stays the same in all sentences.
    """

    def __init__(self, step: StepFunction, setting: Setting) -> None:
        self.step = step
        self.options = setting.options
        self.size = setting.options.beam_size
        self.alpha = setting.options.length_penalty
        self.symbols = setting.symbols
        self.rules = setting.rules
        self.length = setting.length
        self.leave = setting.leave
        self.by_token = setting.by_token

    @abstractmethod
    def advance(
        self, t: tf.Tensor, sentences: Sentences
    ) -> tuple[Sentences, Any]:
        """Compute step t of the search.

        Args:
            t: number of the step.
            sentences: state of the search before the step.

        Returns:
            The state of the search after the step, and what the step function
            returned as `seen`, such as attention weights.
        """

    @abstractmethod
    def is_going(self, t: tf.Tensor, sentences: Sentences) -> tf.Tensor:
        """Tell in which sentences the search has not ended: (B,).

        The search in a sentence has ended if no later step can change the
        hypotheses of the sentence.

        Args:
            t: number of the next step.
            sentences: state of the search before that step.
        """

    @abstractmethod
    def hypotheses(
        self, sentences: Sentences, found: Found, taken: tf.Tensor
    ) -> Hypotheses:
        """Return the hypotheses of all sentences after the last step.

        Args:
            sentences: state of the search after the last step.
            found: results of all steps.
            taken: number of steps that were computed.
        """

    def no_pool(self, batch: tf.Tensor) -> Any:
        """Return the pool of finished hypotheses before the first step.

        In beam search, it is a pool without hypotheses. In greedy search, which
        has no pool, it is ().
        """
        return ()

    def __call__(
        self,
        state: Any,
        limits: tf.Tensor,
        memory: Any,
        source_mask: Any = None,
        drawn: Any = None,
        forced: Any = None,
    ) -> Hypotheses:
        """Search in a batch; the arguments are those of `search`."""
        batch, now = tf.size(limits), tf.constant(0)
        sentences = Sentences(
            tf.range(batch),
            limits,
            tf.fill([batch, 1], self.symbols.begin * self.size),
            self.kept(tf.zeros([batch, 1])),
            tf.zeros([batch, 1]),
            self.no_tokens(batch),
            self.no_pool(batch),
            state,
            memory if self.leave else (),
            tuple(
                rule.data
                for rule in self.rules
                if isinstance(rule, SentenceRule)
            ),
            self.nothing_covered(source_mask),
            () if source_mask is None else source_mask,
            () if drawn is None else drawn,
            self.nothing_met(forced, batch),
        )
        # Before the first word, each sentence has one beam; its extensions
        # become the K beams.
        sentences, seen = self.advance(now, sentences)
        seen = tf.nest.map_structure(
            lambda x: tf.repeat(x, self.size, axis=1), seen
        )
        new = (sentences.codes, sentences.gains, seen)
        found = Found.empty(self.length, *new).write(now, *new)
        run = self.stretches if self.leave else self.stretch
        taken, sentences, found = run(now + 1, sentences, found)
        return self.hypotheses(sentences, found, taken)

    def nothing_covered(self, source_mask: Any) -> Any:
        """Return sums (B, 1, S) of attention weights before the first step.

        If there is no coverage penalty, return ().
        """
        if source_mask is None:
            return ()
        return tf.zeros_like(source_mask[:, None], tf.float32)

    def nothing_met(self, forced: Any, batch: tf.Tensor) -> Any:
        """Return which forced phrases are met before the first step.

        In a search that has no forced phrases, it is ().
        """
        return ()

    def kept(self, gains: tf.Tensor) -> Any:
        """Return `gains` if `by_token` is True, else ().

        Args:
            gains: log-probabilities of words that a step added.
        """
        return gains if self.by_token else ()

    def no_tokens(self, batch: tf.Tensor) -> Any:
        """Return the words (B, 1, L) before the first step: only padding.

        If there are no rules, return (), since only rules need the words.
        """
        if not self.rules:
            return ()
        return tf.fill([batch, 1, self.length], self.symbols.pad)

    def say(
        self, t: tf.Tensor, sentences: Sentences, words: tf.Tensor
    ) -> tuple[Unnormalised, Any, Any]:
        """Call the step function, apply the rules, and return the results.

        Args:
            t: number of the step.
            sentences: state of the search before the step.
            words: (B, K), ids of the last words of the hypotheses.

        Returns:
            Three values: the log-probabilities of the next words; `seen`, which
            search keeps for each step, such as attention weights; and the next
            state of the model. See `models.search.searching`.
        """
        memory = [sentences.memory] if self.leave else []
        said, seen, state = self.step(words, sentences.state, *memory)
        if not isinstance(said, Unnormalised):
            said = Unnormalised.normalised(said)
        if self.rules:
            said = self.ruled(t, sentences, said)
        return said, seen, state

    def ruled(
        self, t: tf.Tensor, sentences: Sentences, said: Unnormalised
    ) -> Unnormalised:
        """Apply the rules, except where the next word is at the length limit.

        Args:
            t: number of the step.
            sentences: state of the search before the step.
            said: log-probabilities of the next words.
        """
        before = log_probs = said.log_probs()
        for rule in at(self.rules, sentences.data):
            log_probs = rule(log_probs, sentences.tokens, t)
        at_limit = (t + 1 >= sentences.limits)[:, None, None]
        after = tf.where(at_limit, before, log_probs)
        return Unnormalised.normalised(tf.ensure_shape(after, before.shape))

    def extended(
        self, t: tf.Tensor, sentences: Sentences, codes: tf.Tensor
    ) -> Any:
        """Return the words (B, K, L) of the hypotheses after step t.

        If there are no rules, return (), since only rules need the words.

        Args:
            t: number of the step.
            sentences: state of the search before the step.
            codes: (B, K), codes of the words that the step added.
        """
        if not self.rules:
            return ()
        tokens = tf.gather(sentences.tokens, codes % self.size, batch_dims=1)
        is_new = tf.range(self.length) == t
        return tf.where(is_new, (codes // self.size)[..., None], tokens)

    def stretch(
        self,
        t: tf.Tensor,
        sentences: Sentences,
        found: Found,
        least: tf.Tensor | float = 0.0,
        batch: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, Sentences, Found]:
        """Compute steps from t on, until enough sentences are finished.

        Args:
            t: number of the first step to compute.
            sentences: state of the search before that step.
            found: results of all earlier steps.
            least: smallest number of unfinished sentences with which the loop
                goes on. The loop always ends when no sentence is unfinished.
            batch: size of the whole batch; None if sentences never leave it.

        Returns:
            The number of the next step, and `sentences` and `found` after the
            last computed step.
        """

        def is_busy(
            t: tf.Tensor, sentences: Sentences, found: Found
        ) -> tf.Tensor:
            going = tf.cast(self.is_going(t, sentences), tf.float32)
            busy = tf.reduce_sum(going)
            return (busy > 0) & (busy >= least)

        def body(
            t: tf.Tensor, sentences: Sentences, found: Found
        ) -> tuple[Any, ...]:
            places = sentences.places
            sentences, seen = self.advance(t, sentences)
            new = sentences.codes, sentences.gains, seen
            if batch is not None:
                codes, *rest = tf.nest.map_structure(
                    lambda x: spread(x, places, batch), new
                )
                if self.symbols.pad:  # for sentences that have left the batch
                    here = spread(tf.ones_like(places), places, batch)
                    pad = self.symbols.pad * self.size
                    codes = tf.where(here[:, None] > 0, codes, pad)
                new = codes, *rest
            return t + 1, sentences, found.write(t, *new)

        return tf.while_loop(is_busy, body, (t, sentences, found))

    def stretches(
        self, t: tf.Tensor, sentences: Sentences, found: Found
    ) -> tuple[tf.Tensor, Sentences, Found]:
        """Compute all steps from t on; finished sentences leave the batch.

        A stretch is a series of steps with the same sentences in the batch.
        After a stretch, the sentences whose search has ended leave the batch.

        Args:
            t: number of the first step to compute.
            sentences: state of the search before that step.
            found: results of all earlier steps.

        Returns:
            The number of the next step, and `sentences` and `found` after the
            last step. In `sentences`, only `log_probs` and `pool` are valid;
            they contain the results of the whole batch.
        """
        batch = tf.size(sentences.places)

        def body(
            t: tf.Tensor, done: Done, sentences: Sentences, found: Found
        ) -> tuple[Any, ...]:
            here = tf.cast(tf.size(sentences.places), tf.float32)
            t, sentences, found = self.stretch(
                t, sentences, found, LEAST_BUSY * here, batch
            )
            done = done.update(sentences)
            left = tf.where(self.is_going(t, sentences))[:, 0]
            sentences = tf.nest.map_structure(
                lambda x: tf.gather(x, left), sentences
            )
            return t, done, sentences, found

        variables = (t, Done.of(sentences), sentences, found)
        t, done, sentences, found = tf.while_loop(
            lambda t, done, sentences, found: tf.size(sentences.places) > 0,
            body,
            variables,
            shape_invariants=tf.nest.map_structure(_any_rows, variables),
        )
        return t, sentences._replace(**done._asdict()), found


def _any_rows(x: Any) -> tf.TensorShape:
    """Return the shape of `x`, with None in place of the number of rows.

    The number changes in the loop, as sentences leave the batch.
    """
    if isinstance(x, tf.TensorArray) or not x.shape.rank:
        return tf.TensorShape([])
    return tf.TensorShape([None, *x.shape[1:]])
