"""Phrases of the phrasebook's grammar, in English and French.

A phrase is made by a rule whose slots are filled with words or with other
phrases. It has the tokens of both languages and the links between them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from data.corpora.phrasebook.lexicon import (
    Agreement,
    Forms,
    Sense,
    Word,
    find_form,
    load_lexicon,
)
from data.corpora.phrasebook.rules import Item, Rule
from data.corpora.phrasebook.surface import Links, Token

LemmaPairs = frozenset[tuple[str, str]]  # each pair in alphabetical order


class DeadEndError(Exception):
    """Error for a rule that cannot be used; another rule is then tried.

    Either no word of the lexicon fits a slot of the rule, or a word lacks the
    form that the rule needs.
    """


class Side(NamedTuple):
    """Tokens of a phrase in one language.

    Attributes:
        tokens: tokens of the phrase.
        head_places: indices of the tokens of the phrase's head, such as the
            noun of a noun phrase.
    """

    tokens: tuple[Token, ...]
    head_places: tuple[int, ...]


@dataclass(frozen=True)
class Phrase:
    """Phrase in both languages, with a record of how it was generated.

    Attributes:
        sides: tokens of the phrase by language, "en" and "fr".
        links: alignment of the tokens. Each key is a pair: the index of an
            English token and the index of a French token. A value is true if
            the link is sure, and false if it is only possible.
        sense: properties of the phrase's head word: gender, number and person,
            and its classes of meaning.
        lemmas: lemmas of all words that were drawn for the phrase.
        pairs: pairs of lemmas, such as an adjective and its noun. In a rule, a
            star at a slot says that such a pair is to be recorded.
        constructions: names of the grammatical constructions in the phrase.
    """

    sides: Mapping[str, Side]
    links: Links
    sense: Sense
    lemmas: tuple[str, ...]
    pairs: LemmaPairs
    constructions: frozenset[str]


Filling = Word | Phrase
Slots = Mapping[str, Filling]


class _Mark(NamedTuple):
    label: str
    strength: str  # "=" sure link, "~" possible link, "^" head of a phrase
    place: int


class _Saying(NamedTuple):
    """Tokens of a phrase in one language, while they are collected.

    Attributes:
        language: code of the language.
        tokens: tokens so far.
        marks: labels of tokens; English and French tokens with the same label
            are linked.
        starts: mapping whose keys are names of slots that are filled with
            phrases, and whose values are the indices of the first tokens of
            these phrases.
    """

    language: str
    tokens: list[Token]
    marks: list[_Mark]
    starts: dict[str, int]


def say(rule: Rule, slots: Slots, noted: LemmaPairs) -> Phrase:
    """Build a phrase from a rule and the contents of its slots.

    Args:
        rule: rule of the grammar.
        slots: words or phrases in the slots; the keys are names of slots.
        noted: pairs of lemmas to record, such as an adjective and its noun.

    Raises:
        DeadEndError: a word lacks the form that the rule needs; mass nouns, for
            example, have no plural.
    """
    english = _say_side(rule.english, slots, "en")
    french = _say_side(rule.french, slots, "fr")
    names = dict.fromkeys(slot.name for slot in rule.slots)
    drawn = [slots[name] for name in names]
    phrases = [part for part in drawn if isinstance(part, Phrase)]
    words = [part.lemma for part in drawn if isinstance(part, Word)]
    return Phrase(
        {"en": _side(english, rule.heads), "fr": _side(french, rule.heads)},
        _links(english, french, slots),
        _sense([slots[name].sense for name in rule.heads]),
        sum((part.lemmas for part in phrases), tuple(words)),
        noted.union(*(part.pairs for part in phrases)),
        frozenset({rule.construction} - {"-"}).union(
            *(part.constructions for part in phrases)
        ),
    )


def _sense(heads: Sequence[Sense]) -> Sense:
    if len(heads) < 2:
        return heads[0] if heads else Sense()
    first, second = heads
    feminine = all(
        head.agreement and head.agreement.gender[0] == "f" for head in heads
    )
    return Sense(
        Agreement("3p", "fp" if feminine else "mp"),
        first.classes & second.classes,
        first.columns,
        first.heads + second.heads,
    )


def _side(saying: _Saying, heads: tuple[str, ...]) -> Side:
    places = tuple(
        mark.place
        for mark in saying.marks
        if mark.label in heads and mark.strength != "~"
    )
    return Side(tuple(saying.tokens), places)


def _say_side(items: Sequence[Item], slots: Slots, language: str) -> _Saying:
    saying = _Saying(language, [], [], {})
    for item in items:
        filling = slots.get(item.text)
        if isinstance(filling, Phrase):
            _say_phrase(item.text, filling.sides[language], saying)
        else:
            _say_word(item, filling, slots, saying)
    return saying


def _say_phrase(name: str, side: Side, saying: _Saying) -> None:
    start = len(saying.tokens)
    saying.starts[name] = start
    saying.tokens.extend(side.tokens)
    saying.marks.extend(
        _Mark(name, "^", start + place) for place in side.head_places
    )


def _say_word(
    item: Item, word: Word | None, slots: Slots, saying: _Saying
) -> None:
    start = len(saying.tokens)
    saying.tokens.extend(_tokens(item, word, slots, saying.language))
    saying.marks.extend(
        _Mark(label, strength, place)
        for strength, label in item.labels or (("=", item.text),)
        for place in range(start, len(saying.tokens))
    )


def _tokens(
    item: Item, word: Word | None, slots: Slots, language: str
) -> list[Token]:
    lexicon = load_lexicon()
    if word is None and not item.agreement:
        return lexicon.tokens(item.text, language)
    forms: Forms
    if word is None:
        forms = lexicon.agreeing[language, item.text]
    else:
        forms = word.english if language == "en" else word.french
    agreement = _agreement(item.agreement, slots)
    cell = find_form(forms, item.form or "form", agreement)
    if cell is None:
        raise DeadEndError
    # Only an article contracts: "parler au roi", but "venir de le voir".
    article = word is None or word.table == "determiner"
    return lexicon.tokens(cell, language, article=article)


def _agreement(name: str, slots: Slots) -> Agreement | None:
    if name in slots:
        return slots[name].sense.agreement
    if name:  # written out, such as "3sm"
        return Agreement(name[:2], name[2] + name[1])
    return None


def _links(english: _Saying, french: _Saying, slots: Slots) -> Links:
    links: Links = {}
    for name, start in english.starts.items():
        part, other = slots[name], french.starts[name]
        if isinstance(part, Phrase):
            for (source, target), sure in part.links.items():
                links[start + source, other + target] = sure
    for mark in english.marks:
        for other_mark in french.marks:
            strengths = mark.strength + other_mark.strength
            if mark.label == other_mark.label and strengths != "^^":
                link = mark.place, other_mark.place
                links[link] = links.get(link, False) or "~" not in strengths
    return links
