"""Pharaoh links: `i-j` sure, `ipj` possible, from 0, and what they index."""

import difflib
import itertools
from collections.abc import Iterable, Iterator

from data.text import words

# What Moses's escaping writes; the ampersand last, or it would be undone twice.
_ESCAPES = {
    "&apos;": "'",
    "&quot;": '"',
    "&lt;": "<",
    "&gt;": ">",
    "&#91;": "[",
    "&#93;": "]",
    "&#124;": "|",
    "&bar;": "|",
    "@-@": "-",
    "&amp;": "&",
}

# What Moses's normalising of punctuation makes of single characters.
_NORMALISED = str.maketrans(
    {
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("‘’‚´`", "'"),
        **dict.fromkeys("–—", "-"),
        "…": "...",
    }
)


def flip_links(links: str) -> str:
    """Return Pharaoh links with the two sides exchanged: "0-2" is "2-0"."""
    return _written((j, i, mark) for i, j, mark in _parsed(links))


def words_of_tokens(
    tokens: list[str], text: str, language: str
) -> list[tuple[int, ...]]:
    """Return for each processed token the words of `text` it is made of.

    Args:
        tokens: `text` after lower-casing, normalising of punctuation, Moses's
            tokenising and escaping.
        text: the raw sentence.
        language: code of its language.

    Returns:
        Indices into `words(text, language)`: where the token's characters are,
        or for one that stands elsewhere than in the text (normalising swaps a
        closing quote and the full stop), the first spare word that reads alike.
    """
    spans = words(text, language)
    spelt = [
        text[start:end].lower().translate(_NORMALISED) for start, end in spans
    ]
    plain = [_unescaped(token) for token in tokens]
    owners = _character_owners(spelt)
    matches = dict(_matching_characters("".join(spelt), "".join(plain)))
    result = []
    ends = itertools.accumulate(map(len, plain))
    for token, end in zip(plain, ends, strict=True):
        places = range(end - len(token), end)
        found = {owners[matches[place]] for place in places if place in matches}
        result.append(tuple(sorted(found)))
    return _with_spare_words(result, plain, spelt)


def map_links(
    links: str, source: list[tuple[int, ...]], target: list[tuple[int, ...]]
) -> str:
    """Return links between tokens as links between the words they come from.

    Args:
        links: Pharaoh links over tokens.
        source: for each source token its words, as `words_of_tokens` gives.
        target: the same for the target.
    """
    return _written(
        (i, j, mark)
        for source_token, target_token, mark in _parsed(links)
        for i in source[source_token]
        for j in target[target_token]
    )


def _parsed(links: str) -> Iterator[tuple[int, int, str]]:
    for link in links.split():
        mark = "p" if "p" in link else "-"
        i, _, j = link.partition(mark)
        yield int(i), int(j), mark


def _written(links: Iterable[tuple[int, int, str]]) -> str:
    # Sorted, a sure link follows the possible one on the same words and wins.
    order = sorted(set(links), key=lambda link: (link[:2], link[2] == "-"))
    marks = {(i, j): mark for i, j, mark in order}
    return " ".join(f"{i}{mark}{j}" for (i, j), mark in marks.items())


def _unescaped(token: str) -> str:
    for escape, character in _ESCAPES.items():
        token = token.replace(escape, character)
    return token


def _character_owners(spelt: list[str]) -> list[int]:
    return [place for place, word in enumerate(spelt) for _ in word]


def _matching_characters(text: str, tokens: str) -> Iterator[tuple[int, int]]:
    """Yield (place in `tokens`, place in `text`) of what corresponds."""
    matcher = difflib.SequenceMatcher(None, text, tokens, autojunk=False)
    for move, start, end, token_start, token_end in matcher.get_opcodes():
        if move in ("equal", "replace"):
            ratio = (end - start) / (token_end - token_start)
            for place in range(token_start, token_end):
                yield place, start + int((place - token_start) * ratio)


def _with_spare_words(
    found: list[tuple[int, ...]], plain: list[str], spelt: list[str]
) -> list[tuple[int, ...]]:
    used = {place for places in found for place in places}
    result = []
    for places, token in zip(found, plain, strict=True):
        spare = (
            place
            for place, word in enumerate(spelt)
            if word == token and place not in used
        )
        if not places and (place := next(spare, None)) is not None:
            used.add(place)
            places = (place,)
        result.append(places)
    return result
