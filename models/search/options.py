"""Options of greedy and beam search."""

from typing import Annotated

import tensorflow as tf
from pydantic import Field
from pydantic.dataclasses import dataclass

from data.validation import STRICT, Count, NotNegative


@dataclass(frozen=True, config=STRICT)
class SearchOptions:
    """Options of greedy and beam search.

    Attributes:
        beam_size: number of hypotheses kept for each sentence; with 1, the
            search is greedy.
        length_penalty: exponent alpha in the score of a hypothesis,
            `log p / ((5 + length) / 6)^alpha` (Wu et al. 2016, equation 14).
            With 0, the score is the log-probability.
        extra_length: constant term in the largest length of a hypothesis, which
            is `extra_length + length_factor * source length`, in tokens.
        length_factor: factor of the source length in the formula under
            `extra_length`.
        max_length: length in tokens to which all hypotheses are padded, and
            which no hypothesis exceeds. If None, it is the largest result of
            the formula under `extra_length` for the sources of the batch.
        max_source_length: largest length of a source in tokens, end symbol
            included; a longer source is shortened to this length.
    """

    beam_size: Count = 5
    length_penalty: NotNegative = 1.0
    extra_length: Count = 10
    length_factor: NotNegative = 1.5
    max_length: Count | None = None
    max_source_length: Annotated[int, Field(ge=2)] = 512

    def limits(self, source_lengths: tf.Tensor) -> tf.Tensor:
        """Return the largest length of a hypothesis for each source: (B,)."""
        scaled = self.length_factor * tf.cast(source_lengths, tf.float32)
        return self.extra_length + tf.cast(scaled, tf.int32)
