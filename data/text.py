"""What a text is here, and where its words are."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import regex

from data.languages import CHINESE, base

if TYPE_CHECKING:
    from sacremoses import MosesTokenizer

# Zs, Zl, Zp and Cc of the Unicode database; a test compares.
_SPACES = re.compile(
    "[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_WORD_SEPARATOR = "\u2581"  # SentencePiece's mark for a space

# Nobody sees them, and nothing but the layout of a line hangs on them: soft
# hyphens, zero-width spaces, word joiners, byte order marks, marks of
# direction. The joiners U+200C and U+200D are spelling, and stay.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff]+"
)
_VISIBLE = re.compile("[^ \u200c\u200d\ufe00-\ufe0f]")

# sacremoses writes runs of dots as this literal and turns every such literal
# back into dots, the ones of the text too.
_MOSES_DOTS = re.compile("DOTMULTI")
_SAME_LENGTH = "DOTMULTE"

# Moses takes marks and joiners for no part of a word; a copy of the letter
# before them is one.
_MARKED = regex.compile(r"([\p{L}\p{N}])([\p{M}\u200c\u200d]+)")
_APOSTROPHES = str.maketrans("’ʼ", "''")

# What a reader sees as one character (UAX 29), with all of its marks.
CLUSTER = r"\X\p{M}*"

# Letters of the scripts that put no space between words.
UNSPACED = (
    r"[[\p{lb=SA}\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{sc=Tibt}\p{sc=Java}"
    r"\p{sc=Bali}\p{sc=Yiii}]&&[\p{L}\p{Nl}]]"
)
_UNSPACED = regex.compile(UNSPACED, regex.V1)
_PART = regex.compile(
    rf"(?={UNSPACED}){CLUSTER}|(?:(?!{UNSPACED}){CLUSTER})+", regex.V1
)
_CLUSTER = regex.compile(CLUSTER)
_COMPLEX = regex.compile(
    rf"[\p{{M}}\u200c\u200d]|\p{{So}}|{UNSPACED}", regex.V1
)

# How many of their letters make about a word: to compare lengths by.
_LETTERS_A_WORD = {r"\p{sc=Han}": 1.6, r"[\p{sc=Hira}\p{sc=Kana}]": 2.5}
_LETTERS_A_WORD_ELSEWHERE = 3.0

Span = tuple[int, int]


def normalise(text: str) -> str:
    """Return `text` as the tokenizer, the corpora and the scores see it.

    The text is composed (NFC); every run of spaces, line or paragraph
    separators and control characters becomes one plain space, and none is left
    at the ends; invisible characters (soft hyphens, zero-width spaces, marks of
    direction or of byte order) are dropped, but for the joiners U+200C and
    U+200D in a text that has more than these; U+2581, which SentencePiece keeps
    for itself, becomes "_"; a lone surrogate, which no file can hold, becomes
    U+FFFD. Nothing else changes: case, quotes and rare characters stay.
    Idempotent.
    """
    text = _INVISIBLE.sub("", _SURROGATES.sub("\ufffd", text))
    text = unicodedata.normalize("NFC", text).replace(_WORD_SEPARATOR, "_")
    text = _SPACES.sub(" ", text).strip(" ")
    return text if _VISIBLE.search(text) else ""


def plain_spaces(text: str) -> str:
    """Return `text` with each space or control character made a plain space.

    Every character stays in its place, unlike with `normalise`.
    """
    return _SPACES.sub(lambda run: " " * len(run.group()), text)


@dataclass(frozen=True)
class Language:
    """A language as a text is written in it.

    Attributes:
        code: of the language, "en" or "zh-TW".
        tokenised: whether the text is cut into words already, by spaces.
    """

    code: str
    tokenised: bool = False

    def words(self, text: str) -> list[Span]:
        """Return what `data.words` does, or what stands between spaces."""
        if self.tokenised:
            return space_separated(text)
        return words(text, self.code)


def space_separated(text: str) -> list[Span]:
    """Return the spans of what stands between the spaces of `text`."""
    return [run.span() for run in re.finditer("[^ ]+", plain_spaces(text))]


def words(text: str, language: str = "en") -> list[Span]:
    """Return the words of `text` as spans of characters, by Moses's rules.

    Where a script puts no space between words, such as Chinese, Japanese or
    Thai, each character that a reader sees is one: a grapheme cluster of UAX
    29, a letter with its marks. No cluster is cut anywhere.

    Args:
        text: any text; nothing is escaped, so `d'équilibre` is two words,
            whichever apostrophe it has, and a literal `&amp;` is the
            characters it is written with.
        language: code of the language, which decides about apostrophes and
            abbreviations ("en", "fr", "de-AT", …).

    Returns:
        `(start, end)` offsets into `text`, `end` exclusive, ordered and without
        overlap, which together cover every character that is not a space.
    """
    spans = _moses_words(text, base(language))
    if not _COMPLEX.search(text):
        return spans
    starts = {cluster.start() for cluster in _CLUSTER.finditer(text)}
    return [
        part.span()
        for start, end in _merged(spans, starts)
        for part in _PART.finditer(text, start, end)
    ]


def is_unspaced(text: str) -> bool:
    """Whether any letter is of a script without spaces between words."""
    return _UNSPACED.search(text) is not None


def letters_apart(text: str) -> str:
    """Return `text` with spaces around letters of scripts that have none."""
    if not is_unspaced(text):
        return text
    return " ".join(
        part.group() for chunk in text.split() for part in _PART.finditer(chunk)
    )


def about_words(text: str) -> float:
    """Return about how many words a text has, to compare lengths by.

    They are counted between spaces; where a script has none, so many letters
    make one: 1.6 in Chinese characters, 2.5 in kana, 3 elsewhere.
    """
    if not is_unspaced(text):
        return len(text.split())
    found = 0.0
    for chunk in text.split():
        letters = [part[0] for part in _UNSPACED.findall(chunk)]
        found += sum(1 / _letters_a_word(letter) for letter in letters) or 1
    return found


def _letters_a_word(letter: str) -> float:
    return next(
        (
            count
            for script, count in _LETTERS_A_WORD.items()
            if regex.match(script, letter, regex.V1)
        ),
        _LETTERS_A_WORD_ELSEWHERE,
    )


def _moses_words(text: str, language: str) -> list[Span]:
    # Masking keeps every character in its place, so that the tokens are the
    # masked text less its spaces and offsets can be read off their lengths.
    masked = _MOSES_DOTS.sub(_SAME_LENGTH, plain_spaces(text))
    masked = _MARKED.sub(
        lambda found: found[1] * len(found[0]), masked.translate(_APOSTROPHES)
    )
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


def _merged(spans: list[Span], starts: set[int]) -> list[Span]:
    """Spans, joined where one begins within a cluster of characters."""
    merged: list[Span] = []
    for start, end in spans:
        if merged and merged[-1][1] == start and start not in starts:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


@lru_cache(maxsize=8)
def _moses(language: str) -> "MosesTokenizer":
    from sacremoses import MosesTokenizer

    # Its rules for these leave full stops on words, for letters that are
    # taken one by one here.
    unspaced = language in CHINESE or language == "ja"
    return MosesTokenizer("en" if unspaced else language)
