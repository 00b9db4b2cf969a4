"""Generation of the splits of the phrasebook from its grammar."""

import random
from collections.abc import Iterable, Iterator
from functools import lru_cache
from zlib import crc32

from data.corpora.phrasebook.grammar import Grammar, Phrase
from data.corpora.phrasebook.surface import WrittenPair

SEED = 2
SIZES = {  # sentence pairs
    "train": 32_000,
    "validation": 500,
    "test": 1_000,
    "unseen": 500,
    "long": 300,
}
LONGEST = 17  # largest number of English words, except in the split "long"

_HELD_OUT = 25  # one pair of lemmas in 25 is kept out of training
_SPARE = 100  # extra sentences, as some have word forms unknown in training


@lru_cache(maxsize=1)
def splits(seed: int = SEED) -> dict[str, list[WrittenPair]]:
    """Generate the sentence pairs of every split.

    The splits `train`, `validation` and `test` are parts of one shuffled
    sample. Each sentence of `unseen` has an adjective and its noun, or a verb
    and its object, that do not occur together in that sample. Each
    sentence of `long` has more than `LONGEST` English words. No English
    sentence occurs twice, not even in different splits. Every word form of any
    split also occurs in `train`.

    Args:
        seed: seed of the random choices; the same seed gives the same splits.

    Returns:
        Mapping whose keys are names of splits, and whose values are the
        sentence pairs of these splits.
    """
    common, unseen, long = _sample(seed)
    random.Random(seed).shuffle(common)
    train = common[: SIZES["train"]]
    known = set(_forms(train))
    rest = [pair for pair in common[SIZES["train"] :] if _is_known(pair, known)]
    held = {
        "validation": rest,
        "test": rest[SIZES["validation"] :],
        "unseen": [pair for pair in unseen if _is_known(pair, known)],
        "long": [pair for pair in long if _is_known(pair, known)],
    }
    chosen = {name: pairs[: SIZES[name]] for name, pairs in held.items()}
    return {"train": train, **chosen}


def held_out(lemmas: tuple[str, str], seed: int = SEED) -> bool:
    """Tell whether a combination of two words is kept out of training.

    Only an adjective and its noun, or a verb and its object, can be kept out.

    Args:
        lemmas: lemmas of the two words in alphabetical order, each with the
            name of its table, such as "noun:car/voiture".
        seed: seed of the corpus; it decides which combinations are kept out.
    """
    tables = tuple(lemma.partition(":")[0] for lemma in lemmas)
    if tables not in {("adjective", "noun"), ("noun", "verb")}:
        return False
    return crc32(f"{seed} {lemmas}".encode()) % _HELD_OUT == 0


def _sample(
    seed: int,
) -> tuple[list[WrittenPair], list[WrittenPair], list[WrittenPair]]:
    """Generate enough sentence pairs for all splits.

    Returns:
        Pairs for `train`, `validation` and `test` together, pairs for `unseen`,
        and pairs for `long`.
    """
    common: list[WrittenPair] = []
    unseen: list[WrittenPair] = []
    long: list[WrittenPair] = []
    sizes = {name: size + _SPARE for name, size in SIZES.items()}
    enough = sizes["train"] + sizes["validation"] + sizes["test"]
    drawn = distinct_sentences(seed)
    while (
        len(common) < enough
        or len(unseen) < sizes["unseen"]
        or len(long) < sizes["long"]
    ):
        pair, phrase = next(drawn)
        is_long = len(pair.english_words) > LONGEST
        if any(held_out(lemmas, seed) for lemmas in phrase.pairs):
            chosen = [] if is_long else unseen
        else:
            chosen = long if is_long else common
        chosen.append(pair)
    return common, unseen, long


def distinct_sentences(seed: int) -> Iterator[tuple[WrittenPair, Phrase]]:
    """Yield random sentences endlessly; no English sentence is repeated.

    Args:
        seed: seed of the random choices.

    Yields:
        A sentence pair, and the phrase from which it was written.
    """
    grammar = Grammar(seed)
    seen: set[str] = set()
    while True:
        pair, phrase = grammar.sentence()
        if pair.english not in seen:
            seen.add(pair.english)
            yield pair, phrase


def _forms(pairs: Iterable[WrittenPair]) -> Iterator[tuple[str, str]]:
    for pair in pairs:
        yield from (("en", word) for word in pair.english_words)
        yield from (("fr", word) for word in pair.french_words)


def _is_known(pair: WrittenPair, known: set[tuple[str, str]]) -> bool:
    return known.issuperset(_forms([pair]))
