"""Splitting of texts into words: fast, and approximate."""

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
    """Return the runs of letters and digits in `text`, case-folded.

    For "The" the result is "the"; for "don't" it is "don" and "t". In scripts
    without spaces between words, each letter is a word. This function is ten
    times as fast as `data.words`, and exact enough to check whether a word
    occurs in the training text.
    """
    return _WORD.findall(text.casefold())


def written_words(text: str) -> list[str]:
    """Return the words of `text` as written, such as "The" and "don't"."""
    return [found.group() for found in written_matches(text)]


def written_matches(text: str) -> Iterable["regex.Match[str]"]:
    """Yield a regex match for each word of `written_words(text)`, in order."""
    return _WRITTEN.finditer(text)
