"""Which words a text has, counted in a quick and rough way."""

import re
from collections.abc import Iterable

# Scripts that put no space between words: each character is one here.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def plain_words(text: str) -> list[str]:
    """Return the runs of letters and digits of `text`, case folded.

    Ten times as fast as `data.words`, and good enough to tell whether a word
    has been seen: "The" is "the", and "don't" is "don" and "t".
    """
    return _WORD.findall(text.casefold())


def known_words(texts: Iterable[str]) -> set[str]:
    """Return the different `plain_words` of `texts`."""
    return {word for text in texts for word in plain_words(text)}
