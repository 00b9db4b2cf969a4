"""Text: the modality that converts sentences into ids of sub-words or words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from data.beginnings import Speller
from data.modalities.base import Axis, Modality, Symbols
from data.pieces import shares
from data.spelling import Spelling
from data.text import Language, Span, normalise
from data.tokenizer import Tokenizer

if TYPE_CHECKING:
    import tensorflow as tf

END = "</s>"  # label of the end-of-sentence symbol (EOS)


@dataclass(frozen=True)
class Text(Modality):
    """Modality of sentences in one language.

    Attributes:
        tokenizer: converter of text into ids.
        language: language of the sentences; its rules split them into words.
    """

    tokenizer: Tokenizer
    language: Language

    kind: ClassVar[str] = "text"
    symbols: ClassVar[Symbols] = Symbols(
        Tokenizer.PAD, Tokenizer.BOS, Tokenizer.EOS
    )
    least: ClassVar[int] = 2  # ids: a token and the end of the sentence

    @property
    def element(self) -> tf.TypeSpec:
        import tensorflow as tf

        return tf.TensorSpec((None,), tf.int32)

    @property
    def size(self) -> int:
        return self.tokenizer.vocabulary_size

    def encode(self, values: tf.Tensor) -> tf.RaggedTensor:
        """Return the ids of each text, followed by the end symbol (EOS).

        Args:
            values: tensor of N normalised strings.

        Returns:
            Ids of type int32, as a ragged tensor of shape (N, None).
        """
        import tensorflow as tf

        ids = self.tokenizer.in_graph(values)
        ends = tf.fill((ids.nrows(), 1), Tokenizer.EOS)
        return tf.concat([ids, ends], axis=1)

    @cached_property
    def spelling(self) -> Spelling:
        """What each id writes."""
        marks = (self.tokenizer.PAD, self.tokenizer.BOS, self.tokenizer.EOS)
        return Spelling.of(
            self.pieces(range(self.size)),
            marks,
            self.tokenizer.UNK,
            self.language.is_spaced,
        )

    @cached_property
    def speller(self) -> Speller:
        """Speller of the beginnings of texts."""
        marks = range(self.tokenizer.EOS + 1)
        return Speller(self.pieces(range(self.size)), marks)

    def ids(self, text: str) -> tuple[int, ...]:
        """Return the ids of a normalised text, followed by the id of EOS."""
        return (*self.tokenizer.encode(text), Tokenizer.EOS)

    def ids_of_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of normalised texts, each followed by EOS."""
        return _ended(self.tokenizer.encode_batch(texts))

    def sample(
        self, texts: Sequence[str], rate: float, seed: int
    ) -> list[list[int]]:
        """Return ids of sampled sub-words, each text followed by EOS.

        The arguments are those of `Tokenizer.sample`.
        """
        return _ended(self.tokenizer.sample(texts, rate, seed))

    def lengths(self, values: Sequence[str]) -> np.ndarray:
        return np.array([len(ids) for ids in self.ids_of_all(values)], int)

    def decode(self, element: Sequence[int]) -> str:
        return self.tokenizer.decode(element)

    def read(self, line: str) -> str:
        return normalise(line)

    def axis(
        self,
        value: str,
        element: Sequence[int],
        spans: Sequence[Span] | None = None,
    ) -> Axis:
        """Return the axis that a text has in a plot of attention weights.

        The labels are the words of the text, followed by "</s>" (the constant
        `END`), the label of the end symbol. If `element` is empty, "</s>" is
        left out.

        Args:
            value: text.
            element: ids of the text, including the end symbol (EOS).
            spans: for each id, the start and the end of the characters that the
                id encodes. If None, the tokenizer computes the spans.
        """
        if spans is None:
            spans = self.tokenizer.spans(element, value)
        words = self.language.words(value)
        labels = [value[start:end] for start, end in words]
        end = [END] if spans else []  # an empty sentence has no translation
        return Axis((*labels, *end), shares(spans, words))

    def pieces(self, element: Sequence[int]) -> tuple[str, ...]:
        """Return the sub-word or word of each id, in printable form."""
        return tuple(self.tokenizer.pieces(element))


def _ended(texts: list[list[int]]) -> list[list[int]]:
    return [[*ids, Tokenizer.EOS] for ids in texts]
