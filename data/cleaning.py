"""Which pairs are left out of training, why, and how many they are."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from data.errors import GlimpseError
from data.languages import BY_CHARACTERS, CHINESE, base
from data.options import CleaningOptions
from data.text import about_words, is_unspaced

EMPTY = "empty on a side"
TOO_LONG = "too long"

_CERTAIN = 0.9  # probability of another language, below which a pair stays
_FEWEST_WORDS = 5  # shorter sentences are too easily taken for another language
_LOOKED_AT = 1_000  # pairs read to tell whether the sides are what they should

_SHOWN = 80  # characters of a side of an example

_Pair = tuple[str, str]
_Row = TypeVar("_Row", bound=tuple[str, ...])
_Judge = Callable[[str, str], bool]


@dataclass
class Drop:
    """Pairs left out for one reason: how many, and the first of them."""

    count: int
    example: _Pair


@dataclass
class Tally:
    """What became of pairs, counted while they pass.

    Attributes:
        pairs: how many came.
        drops: those left out, by the reason.
    """

    pairs: int = 0
    drops: dict[str, Drop] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        return self.pairs - sum(drop.count for drop in self.drops.values())

    def clear(self) -> None:
        """Begin anew, as another pass over the same pairs does."""
        self.pairs = 0
        self.drops.clear()

    def drop(self, reason: str, pair: _Pair) -> None:
        """Count one pair that is left out."""
        self.drops.setdefault(reason, Drop(0, pair)).count += 1


def clean(
    pairs: Iterable[_Row],
    options: CleaningOptions,
    languages: Sequence[str],
    tally: Tally,
) -> Iterator[_Row]:
    """Yield the pairs that `options` keep; the rest is counted.

    Args:
        pairs: normalised; what a row holds besides goes with it.
        options: what is left out, besides pairs with an empty side.
        languages: codes of the source's and the target's.
        tally: cleared, then filled.

    Raises:
        GlimpseError: a language is to be checked that can't be told.
    """
    judges = _judges(options, languages)
    tally.clear()
    for row in pairs:
        pair = (row[0], row[1])
        tally.pairs += 1
        for reason, is_bad in judges.items():
            if is_bad(*pair):
                tally.drop(reason, pair)
                break
        else:
            yield row


def suspicions(
    pairs: Sequence[_Pair], languages: Sequence[str]
) -> Iterator[str]:
    """Yield a sentence for each sign that the sides are not what they should.

    Args:
        pairs: of the corpus, some from all over it.
        languages: codes of the source's and the target's.
    """
    some = pairs[:: max(1, len(pairs) // _LOOKED_AT)]
    same = [pair for pair in some if pair[0] == pair[1]]
    if len(same) > len(some) / 2:
        yield (
            f"Source and target are identical in {len(same):,} of {len(some):,}"
            f" pairs looked at, such as {same[0]}: are they the right files?"
        )
        return
    yield from _without_spaces([pair[1] for pair in some], languages[1])
    sides = [" ".join(side) for side in zip(*some, strict=True)]
    found = [
        _other_language(side, language) or language
        for side, language in zip(sides, languages, strict=bool(sides))
    ]
    if found != list(languages) and found == list(languages)[::-1]:
        yield (
            f"The source reads like '{found[0]}' and the target like "
            f"'{found[1]}': are they swapped?"
        )
        return
    for side, language, other in zip(
        ("source", "target"), languages, found, strict=bool(found)
    ):
        if other != language:
            yield (
                f"The {side} should be in '{language}' but reads like "
                f"'{other}': is it the right file, or corpus.{side} wrong?"
            )


def _without_spaces(targets: Sequence[str], language: str) -> Iterator[str]:
    """Say where a target has no spaces, and its language is not known to."""
    found = sum(map(is_unspaced, targets))
    known = base(language) in CHINESE | BY_CHARACTERS
    if 2 * found > len(targets) and not known:
        yield (
            f"The target is written without spaces, but corpus.target is "
            f"'{language}', which is none of the languages known for it: BLEU "
            "would count what stands between spaces, so give the code of its "
            "language, such as zh, ja or th"
        )


def described(drops: Mapping[str, Drop]) -> list[str]:
    """Return a line for each reason to leave pairs out, with an example."""
    return [
        f"Left out {drop.count:,} pairs {reason}, "
        f"such as {_shown(drop.example)}"
        for reason, drop in drops.items()
    ]


def _shown(pair: _Pair) -> str:
    source, target = (
        text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…" for text in pair
    )
    return f"“{source}” – “{target}”"


def _judges(
    options: CleaningOptions, languages: Sequence[str]
) -> dict[str, _Judge]:
    judges: dict[str, _Judge] = {
        EMPTY: lambda source, target: not source or not target
    }
    if (limit := options.length_ratio) is not None:
        judges[f"more than {limit:g} times as long as the other side"] = (
            lambda source, target: _ratio(source, target) > limit
        )
    if options.duplicates:
        judges["duplicates of an earlier pair"] = _Before()
    if options.language:
        _check_can_tell(languages)
        judges["in another language"] = lambda *pair: any(
            len(text.split()) >= _FEWEST_WORDS
            and _other_language(text, language) is not None
            for text, language in zip(pair, languages, strict=True)
        )
    return judges


def _ratio(source: str, target: str) -> float:
    words = about_words(source), about_words(target)
    return max(words) / min(words)


class _Before:
    """Whether a pair has come before; some 100 bytes are kept of each."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def __call__(self, source: str, target: str) -> bool:
        known = len(self._seen)
        both = f"{source}\n{target}".encode()  # no line holds a line end
        self._seen.add(hashlib.blake2b(both, digest_size=8).digest())
        return len(self._seen) == known


def _other_language(text: str, language: str) -> str | None:
    """Return what `text` is surely in, if that is another language."""
    if base(language) not in _known_languages():
        return None
    found, probability = _identifier().classify(text)
    if found == base(language) or probability < _CERTAIN:
        return None
    return found


def _check_can_tell(languages: Sequence[str]) -> None:
    for language in languages:
        if base(language) not in _known_languages():
            raise GlimpseError(
                f"cleaning.language is true, but '{language}' is none of the "
                f"languages that can be told ({', '.join(_known_languages())})"
                ": set it to false."
            )


def _known_languages() -> list[str]:
    return _identifier().labels


@lru_cache(maxsize=1)
def _identifier() -> Any:
    # Half a second; most runs never ask.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
