"""The splits of the phrasebook, drawn from the grammar."""

import random
from collections.abc import Iterable, Iterator
from functools import lru_cache
from zlib import crc32

from data.corpora.phrasebook.grammar import Grammar, Phrase
from data.corpora.phrasebook.surface import Pair

SEED = 2
SIZES = {
    "train": 32_000,
    "validation": 500,
    "test": 1_000,
    "unseen": 500,
    "long": 300,
}
LONGEST = 17  # English words of a sentence in any split but "long"

_HELD_OUT = 25  # one pair of lemmas in this many is kept from training
_SPARE = 100  # of the sentences that may hold a form unknown in training


@lru_cache(maxsize=1)
def splits(seed: int = SEED) -> dict[str, list[Pair]]:
    """Draw every split: the same for the same seed.

    `train`, `validation` and `test` are one shuffled sample. `unseen` has in
    every sentence an adjective and noun, or a verb and object, that never stand
    together there; `long` has sentences of more than `LONGEST` English words.
    No English sentence comes twice, and every word form comes in `train`.
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
    """Whether a pair of lemmas is kept out of training.

    Args:
        lemmas: two lemmas in alphabetical order, as in `Phrase.pairs`.
        seed: of the corpus.
    """
    tables = tuple(lemma.partition(":")[0] for lemma in lemmas)
    if tables not in {("adjective", "noun"), ("noun", "verb")}:
        return False
    return crc32(f"{seed} {lemmas}".encode()) % _HELD_OUT == 0


def _sample(seed: int) -> tuple[list[Pair], list[Pair], list[Pair]]:
    """Draw enough sentences for the common splits, `unseen` and `long`."""
    common: list[Pair] = []
    unseen: list[Pair] = []
    long: list[Pair] = []
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


def distinct_sentences(seed: int) -> Iterator[tuple[Pair, Phrase]]:
    """Draw sentences without end, none of them twice."""
    grammar = Grammar(seed)
    seen: set[str] = set()
    while True:
        pair, phrase = grammar.sentence()
        if pair.english not in seen:
            seen.add(pair.english)
            yield pair, phrase


def _forms(pairs: Iterable[Pair]) -> Iterator[tuple[str, str]]:
    for pair in pairs:
        yield from (("en", word) for word in pair.english_words)
        yield from (("fr", word) for word in pair.french_words)


def _is_known(pair: Pair, known: set[tuple[str, str]]) -> bool:
    return known.issuperset(_forms([pair]))
