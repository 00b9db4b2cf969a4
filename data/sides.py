"""Sides of a pair, source and target: their tokenizers and their lengths."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from data.cleaning import Tally, clean, described, suspicions
from data.corpora.corpus import Corpus, Pair
from data.errors import GlimpseError
from data.modalities import Text
from data.options import (
    CleaningOptions,
    CorpusOptions,
    PipelineOptions,
    TokenizerOptions,
    languages,
)
from data.text import Language
from data.tokenizer import Tokenizer

log = logging.getLogger(__name__)


class Ladder(NamedTuple):
    """Ladder of the few shapes to which batches are padded.

    Each shape is a rung of the ladder. Rung i has the source length `source[i]`
    and the target length `target[i]`. A pair is padded to the first rung that
    is long enough for both its source and its target.

    Attributes:
        source: lengths of the source, ascending, in tokens.
        target: lengths of the target, ascending, in tokens; as many as in
            `source`.
    """

    source: tuple[int, ...]
    target: tuple[int, ...]


class Sides(NamedTuple):
    """Modalities of source and target, each with a tokenizer and a language.

    With a joint vocabulary, source and target have the same tokenizer object.

    Attributes:
        source: modality that converts source sentences into ids, and back.
        target: modality that converts target sentences into ids, and back.
    """

    source: Text
    target: Text

    @classmethod
    def of(
        cls,
        tokenizers: Sequence[Tokenizer],
        spoken: tuple[Language, Language],
    ) -> Sides:
        """Make a `Sides` from tokenizers and languages.

        Args:
            tokenizers: tokenizers of source and target. A joint tokenizer may
                be given once.
            spoken: languages of source and target.
        """
        return cls(
            Text(tokenizers[0], spoken[0]), Text(tokenizers[-1], spoken[1])
        )

    @property
    def languages(self) -> tuple[Language, Language]:
        """Languages of source and target."""
        return self.source.language, self.target.language

    @property
    def tokenizers(self) -> list[Tokenizer]:
        """List of the tokenizers: one if source and target share it, or two."""
        every = [side.tokenizer for side in self]
        return every[:1] if every[0] is every[1] else every

    def is_like(self, other: Sides) -> bool:
        """Tell whether both have equal tokenizers and languages."""
        return self.languages == other.languages and all(
            one.tokenizer.model == another.tokenizer.model
            for one, another in zip(self, other, strict=True)
        )

    def lengths(self, pairs: Sequence[Pair]) -> np.ndarray:
        """Return the numbers of tokens of source and target, EOS included.

        For N pairs, the result has the shape (N, 2).
        """
        columns = zip(*pairs, strict=True) if pairs else ((), ())
        return np.stack(
            [
                side.lengths(column)
                for side, column in zip(self, columns, strict=True)
            ],
            axis=1,
        )

    def fit(self, lengths: Any, options: PipelineOptions) -> Any:
        """Find pairs whose source and target are neither empty nor too long.

        Args:
            lengths: lengths of source and target in tokens, EOS included, as an
                array or tensor of shape (2, N).
            options: options with the largest lengths allowed.

        Returns:
            Booleans of shape (N,), True for the pairs that training can use.
            They are an array if `lengths` is an array, and a tensor if
            `lengths` is a tensor.
        """
        source, target = lengths[0], lengths[1]
        longest, other = options.longest
        return (
            (source >= self.source.least)
            & (source <= longest)
            & (target >= self.target.least)
            & (target <= other)
        )

    def ladder(self, options: PipelineOptions) -> Ladder:
        """Return the ladder: the shapes to which batches are padded.

        In each shape, source and target have the same length, since a
        translation is about as long as its source. On Multi30k, equal lengths
        need less padding than any other choice with the same number of shapes.

        Args:
            options: options whose property `lengths` has the lengths to use.
        """
        return Ladder(options.lengths, options.lengths)


def fit_sides(
    pairs: Sequence[Pair], corpus: CorpusOptions, tokenizer: TokenizerOptions
) -> Sides:
    """Train the tokenizers of source and target on `pairs`.

    Args:
        pairs: normalised pairs.
        corpus: options with the codes of both languages.
        tokenizer: options of the joint tokenizer, or of the two tokenizers.

    Returns:
        `Sides` with the trained tokenizers and the languages.
    """
    columns = [[pair[side] for pair in pairs] for side in (0, 1)]
    texts = [columns[0] + columns[1]] if tokenizer.is_joint else columns
    trained = [
        Tokenizer.train(
            column, options.vocabulary_size, model_type=options.model_type
        )
        for column, options in zip(texts, tokenizer.sides(), strict=False)
    ]
    return Sides.of(trained, languages(corpus, tokenizer))


def sample_pairs(corpus: Corpus, cleaning: CleaningOptions) -> list[Pair]:
    """Return a cleaned sample of training pairs, to learn a vocabulary from.

    A warning is logged for each sign that the corpus has the wrong texts, for
    example texts in another language.

    Raises:
        GlimpseError: cleaning leaves no pair.
    """
    codes = (corpus.source, corpus.target)
    sample = corpus.sample()
    for suspicion in suspicions(sample, codes):
        log.warning("%s", suspicion)
    tally = Tally()
    kept = list(clean(sample, cleaning, codes, tally))
    if not kept:
        raise GlimpseError(
            f"Of {tally.pairs:,} pairs of corpus {corpus.name} none is left "
            f"for training: {'; '.join(described(tally.drops)) or 'none came'}"
        )
    return kept
