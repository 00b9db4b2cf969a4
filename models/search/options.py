"""Options of greedy and beam search."""

from typing import Annotated

import tensorflow as tf
from pydantic import Field
from pydantic.dataclasses import dataclass

from data.validation import STRICT, Count, Natural, NotNegative, Positive


@dataclass(frozen=True, config=STRICT)
class SearchOptions:
    """Options of greedy and beam search.

    Attributes:
        beam_size: number of hypotheses kept for each sentence; with 1, the
            search is greedy.
        length_penalty: exponent alpha in the score of a hypothesis,
            `log p / ((5 + length) / 6)^alpha` (Wu et al. 2016, equation 14).
            With 0, the score is the log-probability.
        coverage_penalty: factor beta of the coverage penalty, which is added to
            the score; see `models.search.scores`. It needs attention.
        extra_length: constant term in the largest length of a hypothesis, which
            is `extra_length + length_factor * source length`, in tokens.
        length_factor: factor of the source length in the formula under
            `extra_length`.
        max_length: length in tokens to which all hypotheses are padded, and
            which no hypothesis exceeds. If None, it is the largest result of
            the formula under `extra_length` for the sources of the batch.
        min_length: least length of a hypothesis in tokens, end symbol included.
        no_repeated_words: number of words n. No n words in a row occur twice in
            a hypothesis. With 0, all may.
        forbidden_words: words, or phrases of several words, that do not occur
            in hypotheses, with a small or a capital first letter.
        sampling: whether to draw words at random, by their probability,
            instead of searching for the likeliest hypotheses. The number of
            drawn hypotheses is `beam_size`.
        temperature: number by which log-probabilities are divided before words
            are drawn. Below 1, likely words are drawn more often still.
        top_k: draw only from the k likeliest words; 0 for all words.
        top_p: draw only from the fewest likeliest words whose probabilities
            have at least this sum (nucleus sampling, Holtzman et al. 2020).
        seed: seed of the random numbers.
        max_source_length: largest length of a source in tokens, end symbol
            included; a longer source is shortened to this length.
    """

    beam_size: Count = 5
    length_penalty: NotNegative = 1.0
    coverage_penalty: NotNegative = 0.0
    extra_length: Count = 10
    length_factor: NotNegative = 1.5
    max_length: Count | None = None
    min_length: Count = 1
    no_repeated_words: Natural = 0
    forbidden_words: tuple[str, ...] = ()
    sampling: bool = False
    temperature: Positive = 1.0
    top_k: Natural = 0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: Natural = 1
    max_source_length: Annotated[int, Field(ge=2)] = 512

    def limits(self, source_lengths: tf.Tensor) -> tf.Tensor:
        """Return the largest length of a hypothesis for each source: (B,)."""
        scaled = self.length_factor * tf.cast(source_lengths, tf.float32)
        return self.extra_length + tf.cast(scaled, tf.int32)
