"""Wishes of a user for one translation: how it begins, and what it contains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data import GlimpseError
from data.modalities import Text
from models import SearchOptions


@dataclass(frozen=True)
class Wishes:
    """Wishes for the translation of one sentence.

    Attributes:
        beginning: text that the translation begins with. Its last word may go
            on, unless a space follows it.
        phrases: words, or phrases of several words, that the translation
            contains.
        glossary: terms with their translations, which the translation has
            wherever the source has the term; see `app.inference.carrying`.
    """

    beginning: str = ""
    phrases: tuple[str, ...] = ()
    glossary: tuple[tuple[str, str], ...] = ()


NO_WISHES = Wishes()


def inputs_of(wishes: Sequence[Wishes], target: Text) -> dict[str, np.ndarray]:
    """Return the inputs of a search graph that make wishes come true.

    The result has only the inputs that are needed; see
    `models.decoding.INPUTS`.

    Args:
        wishes: wishes for the B sentences of a batch.
        target: the target side of the model.

    Raises:
        GlimpseError: the model's vocabulary cannot write a beginning.
    """
    found = {}
    if any(each.beginning for each in wishes):
        beginnings = [each.beginning for each in wishes]
        found["beginnings"] = target.speller.tables(beginnings)
    tokens = [phrase_tokens(each, target) for each in wishes]
    if any(tokens):
        shape = (
            len(tokens),
            max(map(len, tokens)),
            max(len(phrase) for row in tokens for phrase in row),
        )
        padded = np.full(shape, -1, np.int32)
        for row, phrases in enumerate(tokens):
            for place, phrase in enumerate(phrases):
                padded[row, place, : len(phrase)] = phrase
        found["phrases"] = padded
    return found


def phrase_tokens(wishes: Wishes, target: Text) -> list[tuple[int, ...]]:
    """Return the ids of the phrases of wishes, without those that are empty."""
    every = (target.ids(phrase)[:-1] for phrase in wishes.phrases)
    return [ids for ids in every if ids]


def with_beams(
    options: SearchOptions, wishes: Sequence[Wishes], target: Text, nbest: int
) -> SearchOptions:
    """Return options whose beam is large enough for wishes.

    With phrases, a beam has at least one more hypothesis than there are tokens
    in the phrases of a sentence.

    Args:
        options: options of the search.
        wishes: wishes for each sentence.
        target: the target side of the model.
        nbest: number of translations of each sentence.

    Raises:
        GlimpseError: `nbest` is larger than the beam; phrases are wished for,
            but words are drawn at random; or a phrase is forbidden.
    """
    if nbest > options.beam_size:
        raise GlimpseError(
            f"{nbest} translations of each sentence were asked for with a "
            f"beam of {options.beam_size}; the beam must be at least as "
            f"large as that number: give --beam {nbest}"
        )
    tokens = [phrase_tokens(each, target) for each in wishes]
    if not any(tokens):
        return options
    if options.sampling:
        raise GlimpseError(
            "Phrases that must occur were given with search.sampling=true, but "
            "words that are drawn at random cannot be chosen: leave out one of "
            "the two"
        )
    banned = {each.lower() for each in options.forbidden_words}
    for phrase in (phrase for each in wishes for phrase in each.phrases):
        if phrase.lower() in banned:
            raise GlimpseError(
                f"'{phrase}' must occur and is also in search.forbidden_words; "
                "leave it out of one of the two"
            )
    most = max(sum(map(len, row)) for row in tokens)
    return replace(options, beam_size=max(options.beam_size, most + 1))


def random_numbers(
    sources: Sequence[Sequence[int]],
    options: SearchOptions,
    length: int,
) -> np.ndarray:
    """Draw the numbers (B, K, L) that sampling needs.

    They depend on the seed and on the source, but not on the batch.

    Args:
        sources: ids of the B sources.
        options: options of the search, with seed and number of hypotheses K.
        length: largest length L of a hypothesis in tokens.
    """
    # The numbers of a step come after those of the step before, so that a
    # larger length does not change them.
    shape = (length, options.beam_size)
    every = [
        np.random.default_rng([options.seed, *ids]).random(shape, np.float32)
        for ids in sources
    ]
    return np.stack(every).transpose(0, 2, 1)


def longest(
    sources: Sequence[Sequence[int]],
    given: Mapping[str, np.ndarray],
    options: SearchOptions,
) -> int:
    """Return a number of tokens that no hypothesis of a batch exceeds.

    Args:
        sources: ids of the sources.
        given: what `inputs_of` returned for them.
        options: options of the search.
    """
    if options.max_length is not None:
        return options.max_length
    most = max(map(len, sources))
    more = given["beginnings"].shape[1] if "beginnings" in given else 0
    return options.extra_length + int(options.length_factor * most) + more + 1
