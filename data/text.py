"""Text: normalisation of a sentence, and the words in it."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import regex

from data.languages import BY_CHARACTERS, CHINESE, base

if TYPE_CHECKING:
    from sacremoses import MosesTokenizer

# Zs, Zl, Zp and Cc of the Unicode database; a test compares them.
_SPACES = re.compile(
    "[\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_WORD_SEPARATOR = "\u2581"  # SentencePiece's mark for a space

# Invisible characters that affect only the layout of a line: soft hyphens,
# zero-width spaces, word joiners, byte order marks, marks of direction. The
# joiners U+200C and U+200D are part of the spelling, so they are kept.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff]+"
)
_VISIBLE = re.compile("[^ \u200c\u200d\ufe00-\ufe0f]")

# sacremoses writes a run of dots as this literal and later turns every such
# literal back into dots, even one that was in the text.
_MOSES_DOTS = re.compile("DOTMULTI")
_SAME_LENGTH = "DOTMULTE"

# For Moses, marks and joiners are no part of a word. They are replaced by
# copies of the letter before them, which are part of a word.
_MARKED = regex.compile(r"([\p{L}\p{N}])([\p{M}\u200c\u200d]+)")
_APOSTROPHES = str.maketrans("’ʼ", "''")

# A character as a reader sees it (UAX 29), with all its marks.
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

# Number of letters that make about one word, to compare lengths.
_LETTERS_A_WORD = {r"\p{sc=Han}": 1.6, r"[\p{sc=Hira}\p{sc=Kana}]": 2.5}
_LETTERS_A_WORD_ELSEWHERE = 3.0

Span = tuple[int, int]


def normalise(text: str) -> str:
    """Normalise `text` to the form that tokenizers, corpora and metrics use.

    The text is put into the Unicode form NFC. Every run of spaces, line or
    paragraph separators and control characters becomes one plain space; spaces
    at both ends of the text are removed. Invisible characters (soft hyphens,
    zero-width spaces, direction marks and byte order marks) are dropped. The
    joiners U+200C and U+200D are kept, but a text without any visible character
    becomes empty. U+2581, SentencePiece's mark for a space, becomes "_". A lone
    surrogate, which UTF-8 cannot encode, becomes U+FFFD. Case, quotes and rare
    characters do not change. The function is idempotent.
    """
    text = _INVISIBLE.sub("", _SURROGATES.sub("\ufffd", text))
    text = unicodedata.normalize("NFC", text).replace(_WORD_SEPARATOR, "_")
    text = _SPACES.sub(" ", text).strip(" ")
    return text if _VISIBLE.search(text) else ""


def plain_spaces(text: str) -> str:
    """Replace each space or control character of `text` by a plain space.

    Unlike `normalise`, this function keeps the position of every character.
    """
    return _SPACES.sub(lambda run: " " * len(run.group()), text)


@dataclass(frozen=True)
class Language:
    """Language of a text, which decides what the words of the text are.

    Attributes:
        code: code of the language, such as "en" or "zh-TW".
        tokenised: whether the text is tokenised already, so that spaces
            separate its words.
    """

    code: str
    tokenised: bool = False

    @property
    def is_spaced(self) -> bool:
        """Tell whether spaces separate the words of the language."""
        code = re.split("[-_]", self.code.lower())[0]
        if len(code) > 2 and code not in CHINESE:
            code = base(code)
        unspaced = CHINESE | BY_CHARACTERS - {"ko"}
        return self.tokenised or code not in unspaced

    def words(self, text: str) -> list[Span]:
        """Return the spans of the words of `text`, in characters.

        If the text is tokenised, spaces separate its words. If not, they are
        the words that `data.words` finds.
        """
        if self.tokenised:
            return space_separated(text)
        return words(text, self.code)


def space_separated(text: str) -> list[Span]:
    """Return the spans of the space-separated words of `text`, in characters.

    Control characters count as spaces too.
    """
    return [run.span() for run in re.finditer("[^ ]+", plain_spaces(text))]


def words(text: str, language: str = "en") -> list[Span]:
    """Find the words of `text` by the rules of the Moses tokenizer.

    In scripts without spaces between words, such as Chinese, Japanese or Thai,
    each grapheme cluster of UAX 29 (a letter with its marks) is a word. A
    cluster is never split into two words, whatever the script.

    Args:
        text: any text. It is not escaped or unescaped: `&amp;` is five
            characters. All apostrophes are treated alike: French `d'équilibre`
            is two words with either apostrophe, straight or typographic.
        language: code of the language ("en", "fr", "de-AT", …), whose rules for
            apostrophes and abbreviations are used.

    Returns:
        The words as `(start, end)` offsets into `text`, `end` exclusive,
        ordered and without overlap. Together they cover every character that is
        not a space.
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
    """Check whether `text` has a letter of an unspaced script.

    An unspaced script, such as Chinese or Thai, has no spaces between words.
    """
    return _UNSPACED.search(text) is not None


def letters_apart(text: str) -> str:
    """Return `text` with spaces around each letter of an unspaced script.

    An unspaced script, such as Chinese or Thai, has no spaces between words. A
    text without letters of such a script is returned unchanged.
    """
    if not is_unspaced(text):
        return text
    return " ".join(
        part.group() for chunk in text.split() for part in _PART.finditer(chunk)
    )


def about_words(text: str) -> float:
    """Estimate the number of words of a text, to compare lengths of texts.

    Words are separated by spaces. In scripts without spaces between words, 1.6
    Chinese characters, 2.5 kana or 3 letters of any other such script count as
    one word.
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
    # Masking keeps every character in its place: the tokens together are the
    # masked text without spaces, so the lengths of the tokens give the offsets.
    masked = _MOSES_DOTS.sub(_SAME_LENGTH, plain_spaces(text))
    masked = _MARKED.sub(
        lambda found: found[1] * len(found[0]), masked.translate(_APOSTROPHES)
    )
    places = [place for place, mark in enumerate(masked) if mark != " "]
    tokens = _moses(language).tokenize(masked, escape=False)
    if "".join(tokens) != "".join(masked.split()):
        tokens = masked.split()  # in case the rules alter a character
    spans = []
    used = 0
    for token in tokens:
        last = used + len(token) - 1
        spans.append((places[used], places[last] + 1))
        used = last + 1
    return spans


def _merged(spans: list[Span], starts: set[int]) -> list[Span]:
    """Merge a span that begins inside a grapheme cluster with the previous one.

    Args:
        spans: spans of words, ordered.
        starts: positions in the text at which a grapheme cluster begins.
    """
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

    # Moses's rules for these languages leave full stops attached to words. The
    # rules are not needed here, since each letter is a word by itself.
    unspaced = language in CHINESE or language == "ja"
    return MosesTokenizer("en" if unspaced else language)
