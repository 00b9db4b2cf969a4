"""What a text is here, and where its words are."""

import re
import unicodedata
from functools import lru_cache

from sacremoses import MosesTokenizer

# Zs, Zl, Zp and Cc of the Unicode database; a test compares.
_SPACES = re.compile(
    "[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_WORD_SEPARATOR = "\u2581"  # SentencePiece's mark for a space

# sacremoses writes runs of dots as this literal and turns every such literal
# back into dots, the ones of the text too.
_MOSES_DOTS = re.compile("DOTMULTI")
_SAME_LENGTH = "DOTMULTE"


def normalise(text: str) -> str:
    """Return `text` as the tokenizer, the corpora and the scores see it.

    The text is composed (NFC); every run of spaces, line or paragraph
    separators and control characters becomes one plain space, and none is left
    at the ends; U+2581, which SentencePiece keeps for itself, becomes "_"; a
    lone surrogate, which no file can hold, becomes U+FFFD. Nothing else
    changes: case, quotes and rare characters stay. Idempotent.
    """
    text = unicodedata.normalize("NFC", _SURROGATES.sub("\ufffd", text))
    return _SPACES.sub(" ", text.replace(_WORD_SEPARATOR, "_")).strip(" ")


def plain_spaces(text: str) -> str:
    """Return `text` with each space or control character made a plain space.

    Every character stays in its place, unlike with `normalise`.
    """
    return _SPACES.sub(lambda run: " " * len(run.group()), text)


def words(text: str, language: str = "en") -> list[tuple[int, int]]:
    """Return the words of `text` as spans of characters, by Moses's rules.

    Args:
        text: any text; nothing is escaped, so `d'équilibre` is two words and
            a literal `&amp;` is the characters it is written with.
        language: code of the language, which decides about apostrophes and
            abbreviations ("en", "fr", "de", …).

    Returns:
        `(start, end)` offsets into `text`, `end` exclusive, ordered and without
        overlap, which together cover every character that is not a space.
    """
    # Masking keeps every character in its place, so that the tokens are the
    # masked text less its spaces and offsets can be read off their lengths.
    masked = _MOSES_DOTS.sub(_SAME_LENGTH, plain_spaces(text))
    places = [place for place, mark in enumerate(masked) if mark != " "]
    tokens = _moses(language).tokenize(masked, escape=False)
    if "".join(tokens) != "".join(masked.split()):
        tokens = masked.split()  # should the rules ever alter a character
    spans = []
    used = 0
    for token in tokens:
        last = used + len(token) - 1
        spans.append((places[used], places[last] + 1))
        used = last + 1
    return spans


@lru_cache(maxsize=8)
def _moses(language: str) -> MosesTokenizer:
    return MosesTokenizer(language)
