"""Options of the package `data`: corpus, tokenizer, batches and cleaning.

The module does not import TensorFlow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pydantic
from pydantic import BeforeValidator, Field

from data.errors import GlimpseError
from data.text import Language
from data.validation import STRICT, Count, Names

HELD_OUT = 2_000  # source sentences in each split taken from training


def _language(side: Any) -> Any:
    """Return the language code that the option `source` or `target` gives.

    Args:
        side: value of the option: a code, such as "en", or a mapping, such as
            `{kind: text, language: en}`.

    Raises:
        GlimpseError: `side` is a mapping with other keys, or its kind is not
            "text".
    """
    if not isinstance(side, Mapping):
        return side
    kind = side.get("kind", "text")
    if kind != "text" or not {"language"} <= side.keys() <= {
        "kind",
        "language",
    }:
        raise GlimpseError(
            f"a side of the corpus is {dict(side)}, but the code of a language "
            "such as en is accepted, or {kind: text, language: en}: write it "
            "as one of these"
        )
    return side["language"]


Side = Annotated[str, BeforeValidator(_language)]


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT)
class CorpusOptions:
    """Options that choose a corpus and the direction of translation.

    Attributes:
        name: name of a corpus that `data.load_corpus` knows.
        source: code of the language to translate from, or
            `{kind: text, language: CODE}`.
        target: code of the language to translate into, or
            `{kind: text, language: CODE}`.
        train: names of the user's files of training pairs; only for the corpus
            "parallel_text", which is made from such files.
        validation: names of the user's files of validation pairs; only for
            "parallel_text".
        test: names of the user's files of test pairs; only for
            "parallel_text".
        held_out: number of source sentences to take from the training text for
            the split "validation", and as many for "test". This applies only to
            the corpus "parallel_text" and to sets of TensorFlow Datasets
            (TFDS), and only to a split that is missing there.
        tokenised: whether the text is tokenised already, so that spaces
            separate its words.
    """

    name: str = "phrasebook"
    source: Side = "en"
    target: Side = "fr"
    train: Names = ()
    validation: Names = ()
    test: Names = ()
    held_out: Count = HELD_OUT
    tokenised: bool = False


ModelType = Literal["bpe", "unigram", "word"]
VocabularySize = Annotated[int, Field(ge=5)]


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT)
class SideTokenizerOptions:
    """Options of the tokenizer of one side only, the source or the target.

    Attributes:
        vocabulary_size: number of pieces in the vocabulary. If None, the value
            in `TokenizerOptions` is used.
        model_type: "bpe" or "unigram" for sub-words, "word" for words. If None,
            the value in `TokenizerOptions` is used.
    """

    vocabulary_size: VocabularySize | None = None
    model_type: ModelType | None = None


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT)
class TokenizerOptions:
    """Options of the tokenizers of source and target.

    A vocabulary of sub-words includes 4 special pieces, 256 pieces for single
    bytes, and nearly all characters of the text. A vocabulary of words consists
    of the 4 special pieces and the words.

    Attributes:
        vocabulary_size: number of pieces in a vocabulary.
        joint: whether source and target share one vocabulary. It has no effect
            if `source` or `target` is given.
        model_type: "bpe" or "unigram" for sub-words, "word" for words.
        source: options that replace the values above for the source. If they
            are given, source and target have separate vocabularies.
        target: options that replace the values above for the target. If they
            are given, source and target have separate vocabularies.
    """

    vocabulary_size: VocabularySize = 2000
    joint: bool = True
    model_type: ModelType = "bpe"
    source: SideTokenizerOptions | None = None
    target: SideTokenizerOptions | None = None

    @property
    def is_joint(self) -> bool:
        """Tell whether source and target share one vocabulary."""
        return self.joint and self.source is None and self.target is None

    def sides(self) -> tuple[TokenizerOptions, TokenizerOptions]:
        """Return the complete options of the source, and those of the target.

        The options that only one side has, in the attributes `source` and
        `target`, are merged into the result of this side. In both results,
        these two attributes are None.
        """
        plain = dataclasses.replace(self, source=None, target=None)
        source, target = (
            dataclasses.replace(
                plain,
                vocabulary_size=side.vocabulary_size or self.vocabulary_size,
                model_type=side.model_type or self.model_type,
            )
            if side
            else plain
            for side in (self.source, self.target)
        )
        return source, target


def languages(
    corpus: CorpusOptions, tokenizer: TokenizerOptions
) -> tuple[Language, Language]:
    """Return the languages of source and target, which decide what a word is.

    The attribute `tokenised` of a language is true if the corpus is tokenised,
    or if the tokenizer of that side is of type "word".

    Args:
        corpus: options with the language codes.
        tokenizer: options with the type of each tokenizer.
    """
    source, target = (
        Language(code, corpus.tokenised or side.model_type == "word")
        for code, side in zip(
            (corpus.source, corpus.target), tokenizer.sides(), strict=True
        )
    )
    return source, target


@dataclass(frozen=True)
class PipelineOptions:
    """Options of the pipeline that turns pairs into training batches.

    Attributes:
        batch_size: number of rows (pairs) in every batch.
        max_source_length: largest number of tokens in a source, EOS included;
            pairs with a longer source are left out.
        max_target_length: largest number of tokens in a target, EOS included;
            pairs with a longer target are left out.
        boundaries: ascending lengths to which batches are padded. The property
            `lengths` says which of them are used.
        shuffle_buffer: number of pairs in the buffer from which the next pair
            is drawn at random. If the buffer holds the whole corpus, every
            order of the pairs is equally likely.
        in_memory_pairs: largest number of pairs in a split that is kept in
            memory; a larger split is read anew in every epoch.
        subword_dropout: rate at which sub-words are drawn at random in every
            epoch, see `Tokenizer.sample`; 0 for the same sub-words always.

    Raises:
        GlimpseError: a value is too small.
    """

    batch_size: int = 64
    max_source_length: int = 64
    max_target_length: int = 64
    boundaries: tuple[int, ...] = (
        *(6, 8, 10, 12, 14, 16, 18, 20, 22, 24),
        *(28, 32, 40, 48, 64),
    )
    shuffle_buffer: int = 200_000
    in_memory_pairs: int = 1_000_000
    subword_dropout: float = 0.0

    def __post_init__(self) -> None:
        least = {
            "batch_size": (self.batch_size, 1),
            "max_source_length": (self.max_source_length, 2),
            "max_target_length": (self.max_target_length, 2),
            "boundaries": (min(self.boundaries, default=2), 2),
            "shuffle_buffer": (self.shuffle_buffer, 1),
            "in_memory_pairs": (self.in_memory_pairs, 0),
        }
        for name, (value, smallest) in least.items():
            if value < smallest:
                raise GlimpseError(
                    f"Option {name} is {value}, but {smallest} is the least "
                    "that works (a length counts the end of the sentence): "
                    "raise it."
                )
        if not 0 <= self.subword_dropout < 1:
            raise GlimpseError(
                f"Option subword_dropout is {self.subword_dropout}, but a rate "
                "from 0 to less than 1 is accepted: 0.1 is usual, 0 is off."
            )

    @property
    def longest(self) -> tuple[int, int]:
        """Tuple (`max_source_length`, `max_target_length`)."""
        return self.max_source_length, self.max_target_length

    @property
    def lengths(self) -> tuple[int, ...]:
        """Lengths to which batches are padded, ascending.

        The last one is the larger of `max_source_length` and
        `max_target_length`. The others are the `boundaries` below it.
        """
        longest = max(self.longest)
        below = sorted({each for each in self.boundaries if each < longest})
        return (*below, longest)


@dataclass(frozen=True)
class CleaningOptions:
    """Options of cleaning: which training pairs to leave out or to change.

    Pairs with an empty source or target are always left out.

    Attributes:
        length_ratio: largest allowed ratio of the number of words in the longer
            side of a pair to that in the shorter side. If None, there is no
            limit. `data.text.about_words` estimates the numbers of words.
        duplicates: whether to leave out a pair that equals an earlier pair.
        language: whether to leave out a pair if its source or target has five
            words or more and is almost certainly in another language.
        even: whether to replace apostrophes, quotes, ellipses and full-width
            letters in the training pairs by their most frequent forms. The
            forms are counted separately in source text and target text.

    Raises:
        GlimpseError: `length_ratio` is below 1, so that no pair would be left.
    """

    length_ratio: float | None = None
    duplicates: bool = False
    language: bool = False
    even: bool = False

    def __post_init__(self) -> None:
        if self.length_ratio is not None and self.length_ratio < 1:
            raise GlimpseError(
                f"Option length_ratio is {self.length_ratio}, but no pair has "
                "less than 1: raise it, or set it to null."
            )
