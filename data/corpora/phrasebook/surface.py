"""From the tokens of a phrase to a written sentence with word alignments."""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Token(NamedTuple):
    """One word as the rules give it, before spelling depends on neighbours."""

    text: str
    before_vowel: str = ""  # its spelling there, "" where it has only one
    article: bool = False  # may contract with a preposition in front of it


class Pair(NamedTuple):
    """A sentence, its translation and the gold alignment of their words.

    Attributes:
        english, french: the two sentences, as they are written.
        alignment: Pharaoh links over 0-based words, "i-j" sure, "ipj" possible.
        english_words, french_words: the words that the alignment counts.
    """

    english: str
    french: str
    alignment: str
    english_words: tuple[str, ...]
    french_words: tuple[str, ...]


Links = dict[tuple[int, int], bool]  # (English, French) token → is it sure?

_FRENCH_VOWELS = "aeiouhyœ"  # each h of the lexicon is mute, but that of:
_UNELIDED = {"huit", "onze"}  # « le huit mai », « le onze mai »
_CONTRACTIONS = {
    ("de", "le"): "du",
    ("de", "les"): "des",
    ("à", "le"): "au",
    ("à", "les"): "aux",
}


def write(
    english: Sequence[Token], french: Sequence[Token], links: Links
) -> Pair:
    """Spell both sides out; words that merge take the links of their parts."""
    sources = _spell(english, "aeiou")
    targets = _attach(_contract(_spell(french, _FRENCH_VOWELS)))
    sources = _capitalised(sources)
    targets = _capitalised(targets)
    source_words = tuple(word.text for word in sources)
    target_words = tuple(word.text for word in targets)
    return Pair(
        _join(source_words, closing=("'", ",", ".", "?", "!")),
        _join(target_words, closing=(",", ".")),
        _pharaoh(links, sources, targets),
        source_words,
        target_words,
    )


class _Word(NamedTuple):
    text: str
    parts: tuple[int, ...]  # the tokens it came from
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
    """Join "-la" to the verb it follows: one word, as Moses counts them."""
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
    merged: Links = {}
    for (source, target), sure in links.items():
        link = (source_place[source], target_place[target])
        merged[link] = merged.get(link, False) or sure
    return " ".join(
        f"{source}{'-' if sure else 'p'}{target}"
        for (source, target), sure in sorted(merged.items())
    )


def _places(words: Iterable[_Word]) -> dict[int, int]:
    return {
        part: place for place, word in enumerate(words) for part in word.parts
    }
