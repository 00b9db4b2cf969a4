"""Conversion of Multi30k's word alignments from Moses tokens to words.

The published alignments link the tokens into which the tool Moses split the
sentences. Glimpse needs links between the words of the raw sentences.
"""

import difflib
from collections.abc import Iterator
from itertools import accumulate, product

from data.links import parse_pharaoh
from data.text import words

# Escapes that Moses writes. The ampersand is last, so that nothing is unescaped
# twice.
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

# Characters that Moses's normalising of punctuation replaces.
_NORMALISED = str.maketrans(
    {
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("‘’‚´`", "'"),
        **dict.fromkeys("–—", "-"),
        "…": "...",
    }
)


def words_of_tokens(
    tokens: list[str], text: str, language: str
) -> list[tuple[int, ...]]:
    """Find the words of a raw sentence that correspond to its Moses tokens.

    Args:
        tokens: tokens that Moses made of the sentence: it lower-cased the text,
            normalised the punctuation, tokenised and escaped it.
        text: raw sentence.
        language: code of the sentence's language.

    Returns:
        For each token, the indices in `words(text, language)` of the words that
        contain the token's characters. Moses may have swapped a closing quote
        and a full stop. A token that was moved in this way gets the first word
        that has the same text and belongs to no other token.
    """
    spans = words(text, language)
    spelt = [
        text[start:end].lower().translate(_NORMALISED) for start, end in spans
    ]
    plain = [_unescaped(token) for token in tokens]
    owners = _character_owners(spelt)
    matches = dict(_matching_characters("".join(spelt), "".join(plain)))
    result = []
    ends = accumulate(map(len, plain))
    for token, end in zip(plain, ends, strict=True):
        places = range(end - len(token), end)
        found = {owners[matches[place]] for place in places if place in matches}
        result.append(tuple(sorted(found)))
    return _with_spare_words(result, plain, spelt)


def map_links(
    links: str, source: list[tuple[int, ...]], target: list[tuple[int, ...]]
) -> str:
    """Convert an alignment of tokens into an alignment of words.

    Args:
        links: links between tokens in Pharaoh format, such as "0-0 1p2".
        source: for each source token, the indices of its words, as
            `words_of_tokens` returns them. A published token can contain
            several words.
        target: the same for each target token.

    Returns:
        Links between words in Pharaoh format. A link of two tokens becomes
        links of all words of one token with all words of the other.
    """
    return str(
        parse_pharaoh(links).mapped(
            lambda link: product(source[link[0]], target[link[1]])
        )
    )


def _unescaped(token: str) -> str:
    for escape, character in _ESCAPES.items():
        token = token.replace(escape, character)
    return token


def _character_owners(spelt: list[str]) -> list[int]:
    return [place for place, word in enumerate(spelt) for _ in word]


def _matching_characters(text: str, tokens: str) -> Iterator[tuple[int, int]]:
    """Yield pairs of indices of matching characters in two strings.

    The first index of a pair is that of the character in `tokens`; the second
    is that of the matching character in `text`. If a passage of `text` was
    replaced by another one in `tokens`, the characters of the two passages are
    matched in proportion to the lengths of the passages.
    """
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
