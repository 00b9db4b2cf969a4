"""Spelling: conversion of tokens to written sentences and a word alignment."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from data.links import Gold


class Token(NamedTuple):
    """Word of a phrase, before its neighbours change its spelling.

    Attributes:
        text: usual spelling.
        before_vowel: spelling before a vowel, "" if it is the usual one.
        article: whether the word may contract with a preposition before it, as
            French "de le" becomes "du".
    """

    text: str
    before_vowel: str = ""
    article: bool = False


class WrittenPair(NamedTuple):
    """Sentence with its translation and the alignment of their words.

    Attributes:
        english, french: the two sentences as written.
        alignment: word alignment in Pharaoh format: "i-j" is a sure link of
            English word i to French word j, and "ipj" a possible link. Words
            are counted from 0.
        english_words, french_words: words to which the numbers in the alignment
            refer.
    """

    english: str
    french: str
    alignment: str
    english_words: tuple[str, ...]
    french_words: tuple[str, ...]


Links = dict[tuple[int, int], bool]  # (English, French) token → whether sure

_FRENCH_VOWELS = "aeiouhyœ"  # every h in the lexicon is mute
_UNELIDED = {"huit", "onze"}  # not elided: « le huit mai », « le onze mai »
_CONTRACTIONS = {
    ("de", "le"): "du",
    ("de", "les"): "des",
    ("à", "le"): "au",
    ("à", "les"): "aux",
}


def write(
    english: Sequence[Token], french: Sequence[Token], links: Links
) -> WrittenPair:
    """Write tokens of both languages as sentences, and align their words.

    If several tokens are merged into one word, such as "de" and "le" into "du",
    the word has the links of all these tokens.

    Args:
        english: tokens of the English sentence.
        french: tokens of the French sentence.
        links: alignment of the tokens. Each key is a pair: the index of an
            English token and the index of a French token. A value is true if
            the link is sure, and false if it is only possible.
    """
    sources = _spell(english, "aeiou")
    targets = _attach(_contract(_spell(french, _FRENCH_VOWELS)))
    sources = _capitalised(sources)
    targets = _capitalised(targets)
    source_words = tuple(word.text for word in sources)
    target_words = tuple(word.text for word in targets)
    return WrittenPair(
        _join(source_words, closing=("'", ",", ".", "?", "!")),
        _join(target_words, closing=(",", ".")),
        _pharaoh(links, sources, targets),
        source_words,
        target_words,
    )


class _Word(NamedTuple):
    text: str
    parts: tuple[int, ...]  # tokens that the word came from
    article: bool


def _spell(tokens: Sequence[Token], vowels: str) -> list[_Word]:
    following = [*(token.text for token in tokens[1:]), "."]
    return [
        _Word(
            token.before_vowel
            if token.before_vowel and _elides(token.text, after, vowels)
            else token.text,
            (place,),
            token.article,
        )
        for place, (token, after) in enumerate(
            zip(tokens, following, strict=True)
        )
    ]


def _elides(text: str, after: str, vowels: str) -> bool:
    if text == "si":
        return after in {"il", "ils"}
    return _first_letter(after) in vowels and after not in _UNELIDED


def _first_letter(text: str) -> str:
    return unicodedata.normalize("NFD", text)[0].lower()


def _contract(words: Iterable[_Word]) -> list[_Word]:
    merged: list[_Word] = []
    for word in words:
        contraction = merged and _CONTRACTIONS.get((merged[-1].text, word.text))
        if contraction and word.article:
            merged.append(_merge(merged.pop(), word, contraction))
        else:
            merged.append(word)
    return merged


def _attach(words: Iterable[_Word]) -> list[_Word]:
    """Join each word that begins with a hyphen to the verb before it.

    For example, "prends" and "-la" become the word "prends-la". The tokenizer
    of the tool Moses does not split such words either.
    """
    merged: list[_Word] = []
    for word in words:
        if word.text.startswith("-"):
            verb = merged.pop()
            merged.append(_merge(verb, word, verb.text + word.text))
        else:
            merged.append(word)
    return merged


def _merge(first: _Word, second: _Word, text: str) -> _Word:
    return _Word(text, first.parts + second.parts, False)


def _capitalised(words: list[_Word]) -> list[_Word]:
    first = words[0]
    text = first.text[0].upper() + first.text[1:]
    return [first._replace(text=text), *words[1:]]


def _join(words: Iterable[str], closing: tuple[str, ...]) -> str:
    text = ""
    for word in words:
        glued = not text or text.endswith("'") or word.startswith(closing)
        text += word if glued else " " + word
    return text


def _pharaoh(
    links: Links, sources: Iterable[_Word], targets: Iterable[_Word]
) -> str:
    source_place = _places(sources)
    target_place = _places(targets)
    merged = {
        (source, target): (source_place[source], target_place[target])
        for source, target in links
    }
    sure = (merged[link] for link, is_sure in links.items() if is_sure)
    return str(Gold.of(sure, merged.values()))


def _places(words: Iterable[_Word]) -> dict[int, int]:
    return {
        part: place for place, word in enumerate(words) for part in word.parts
    }
