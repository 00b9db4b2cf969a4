"""Cleaning of parallel text, which leaves out bad pairs.

A pair is a source sentence and its translation, the target. The pairs left out
are counted by reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from data.corpora.corpus import Pair
from data.errors import GlimpseError
from data.languages import BY_CHARACTERS, CHINESE, base
from data.options import CleaningOptions
from data.text import about_words, is_unspaced

EMPTY = "empty on a side"
TOO_LONG = "too long"

_CERTAIN = 0.9  # least probability of another language for a pair to be dropped
_FEWEST_WORDS = 5  # in shorter text, the language is often mistaken
_LOOKED_AT = 1_000  # about so many pairs are read to look for wrong sides

_SHOWN = 80  # characters shown of each side of an example

_Row = TypeVar("_Row", bound=tuple[Any, ...])
_Judge = Callable[[str, str], bool]


@dataclass
class Drop:
    """Number of pairs that were left out for one reason, with an example.

    Attributes:
        count: number of pairs left out.
        example: the first pair left out.
    """

    count: int
    example: Pair


@dataclass
class Tally:
    """Counts of the pairs that were read, and of the pairs left out.

    Attributes:
        pairs: number of pairs read: those kept and those left out.
        drops: for each reason, the number of pairs left out, with an example.
    """

    pairs: int = 0
    drops: dict[str, Drop] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        return self.pairs - sum(drop.count for drop in self.drops.values())

    def clear(self) -> None:
        """Reset all counts to 0."""
        self.pairs = 0
        self.drops.clear()

    def drop(self, reason: str, pair: Pair) -> None:
        """Update the counts for `pair`, which is left out for `reason`."""
        self.drops.setdefault(reason, Drop(0, pair)).count += 1


def clean(
    pairs: Iterable[_Row],
    options: CleaningOptions,
    languages: Sequence[str],
    tally: Tally,
) -> Iterator[_Row]:
    """Yield the pairs that cleaning keeps, and count the pairs in `tally`.

    Args:
        pairs: tuples whose first two items are a normalised source and target.
            A tuple may have further items. The tuples that cleaning keeps are
            yielded unchanged.
        options: options that decide which pairs are left out. Pairs with an
            empty source or target are always left out.
        languages: language codes of source and target.
        tally: counts of the pairs read and left out. This function sets them
            to 0 first, and then updates them with each pair.

    Raises:
        GlimpseError: `options.language` is true, but the language of source or
            target is not one that can be identified.
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
    pairs: Sequence[Pair], languages: Sequence[str]
) -> Iterator[str]:
    """Yield a warning for each sign that a corpus has the wrong texts.

    There are three signs: most sources equal their targets; the targets
    unexpectedly have no spaces between words; and the sources or the targets
    are in another language than `languages` says.

    Args:
        pairs: sample of the pairs of a corpus.
        languages: language codes of source and target.
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
    """Yield a warning if targets unexpectedly have no spaces between words.

    Args:
        targets: sample of the target sentences.
        language: language code of the target. There is no warning if this
            language is known to be written without spaces.
    """
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
    """Describe the pairs left out, in one line of text for each reason.

    Args:
        drops: for each reason, the number of pairs left out, with an example.
    """
    return [
        f"Left out {drop.count:,} pairs {reason}, "
        f"such as {_shown(drop.example)}"
        for reason, drop in drops.items()
    ]


def _shown(pair: Pair) -> str:
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
    """Callable that returns True if an earlier call got the same pair.

    The callable stores a hash of each pair; each hash takes about 100 bytes.
    """

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    def __call__(self, source: str, target: str) -> bool:
        known = len(self._seen)
        both = f"{source}\n{target}".encode()  # no side has a line end
        self._seen.add(hashlib.blake2b(both, digest_size=8).digest())
        return len(self._seen) == known


def _other_language(text: str, language: str) -> str | None:
    """Return the code of the language of `text`, unless it is `language`.

    The result is None if the text is in `language`, if its language is
    uncertain, or if `language` is not one that can be identified.
    """
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
    # Imported on demand: the import takes half a second, and most runs do not
    # need it.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
