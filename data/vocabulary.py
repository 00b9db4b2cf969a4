"""Which words a text has, counted in a quick and rough way."""

from collections.abc import Iterable

import regex

from data.text import CLUSTER, UNSPACED

# Letters and digits, and the marks and joiners that belong to them.
_RUN = (
    rf"(?!{UNSPACED})[\p{{L}}\p{{N}}_]"
    rf"(?:(?!{UNSPACED})[\p{{L}}\p{{N}}\p{{M}}_\u200c\u200d])*"
)
_LETTER = rf"(?={UNSPACED}){CLUSTER}"
_WORD = regex.compile(rf"{_LETTER}|{_RUN}", regex.V1)
_WRITTEN = regex.compile(rf"{_LETTER}|{_RUN}(?:['’ʼ]{_RUN})*", regex.V1)


def plain_words(text: str) -> list[str]:
    """Return the runs of letters and digits of `text`, case folded.

    Ten times as fast as `data.words`, and good enough to tell whether a word
    has been seen: "The" is "the", and "don't" is "don" and "t". Where a script
    puts no space between words, each letter is one.
    """
    return _WORD.findall(text.casefold())


def written_words(text: str) -> list[str]:
    """Return the words of `text` as written: "The", and "don't" whole."""
    return [found.group() for found in written_matches(text)]


def written_matches(text: str) -> Iterable["regex.Match[str]"]:
    """Yield where the `written_words` of `text` are."""
    return _WRITTEN.finditer(text)
