"""Rules of the phrasebook's grammar, read from the table `rules.tsv`.

A rule generates a phrase in two languages. It has slots, and two sides: one
English and one French. Each slot is named by a capital letter, and the slots
are filled from left to right. For example, the slot

    A:adjective.after(N)*

has the name A. It is filled with a random word of the table `adjective` and of
the kind `after`. The word must share a class of meaning with the word or phrase
in slot N. The star means that the lemmas of A and N are recorded as a pair, so
that certain pairs can be kept out of training. The parentheses hold one of
these arguments:

- `food+drink`: the word must have one of these classes of meaning.
- `CLASS`: it must have one of the classes that are required of this phrase.
- `N`: it must share a class with the word or phrase in slot N.
- `V.object`: it must have a class in the column `object` of the word in slot V.
- `@C`: the slot is filled with the pronoun that refers to slot C.
- `S=P`: the slot is filled with a phrase. The slot S of that phrase's rule gets
  the word or phrase that slot P of this rule holds.

A slot that is named twice is filled once, and must satisfy both conditions.
If the name after the colon is not a table, it is a symbol, and the rules of
this symbol generate a phrase for the slot. Instead of a symbol, `V.complement`
stands for the symbol in the column `complement` of the word in slot V. A `-`
after a symbol selects the variant of the symbol for use within a negation, if
there is one. A `^` before a slot means that this slot holds the head of the
phrase; if no slot has a `^`, the first slot holds the head. If there is a `+`
between the slots, the phrase has two heads, in the first two slots.

Each side of a rule is a list of items, which give the tokens of the phrase. The
item `N` gives the basic form of the word, or the phrase, in slot N. The item
`V.present@S` gives the word in slot V, in the present form that agrees with
slot S. In the item `be@S`, "be" is not a slot but a word; its form is looked up
in the table `agreeing.tsv`. Any other item is a literal word.

An item may end in labels: in `raining=rain` and `it~rain`, the label is "rain".
Two items, one on each side, are linked in the word alignment if they have the
same label. The link is sure if both labels come after `=`, and possible if one
of them comes after `~`. If an item has no label, the name of its slot or its
literal word is its label, as if it came after `=`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from data.corpora.phrasebook.lexicon import Row, read_table

_SLOT = re.compile(
    r"\^?(?P<name>[A-Z]):(?P<source>[\w.]+)(?P<negated>-?)"
    r"(\((?P<argument>[^)]+)\))?(?P<noted>\*?)"
)
_ITEM = re.compile(
    r"(?P<text>[^@=~]+?)(\.(?P<form>[a-z]+))?(@(?P<agreement>\w+))?"
    r"(?P<labels>([=~]\w+)*)"
)
_LABEL = re.compile(r"([=~])(\w+)")


class Slot(NamedTuple):
    """Slot of a rule, to be filled with a word or a phrase.

    The notation is explained at the top of this module.

    Attributes:
        name: capital letter.
        source: name of a table, from which a word is drawn; or a symbol, whose
            rules generate a phrase; or the name of another slot, which holds a
            word that determines the symbol.
        kinds: kinds that the word must have. If `source` is the name of a slot,
            `kinds` holds the name of the column that contains the symbol.
        negated: whether to use the symbol's variant for a negation.
        argument: text in the parentheses, "" if there are none.
        noted: whether to record the lemmas of this slot and of the slot in
            `argument` as a pair, so that the pair can be kept out of training.
    """

    name: str
    source: str
    kinds: frozenset[str]
    negated: bool
    argument: str
    noted: bool


class Item(NamedTuple):
    """Item of one side of a rule: what a slot holds, or a literal word.

    Attributes:
        text: name of a slot, or a literal word.
        form: name of the form of the slot's word, such as "present"; "" for
            the basic form.
        agreement: slot that the word agrees with, or an agreement that is
            written out, such as "3sm"; "" if there is none.
        labels: pairs (mark, label) for the word alignment; the mark "=" makes
            sure links, and the mark "~" makes possible links.
    """

    text: str
    form: str
    agreement: str
    labels: tuple[tuple[str, str], ...]  # (mark, label)


@dataclass(frozen=True)
class Rule:
    """Rule of the grammar, which is one line of the table `rules.tsv`.

    Attributes:
        construction: name of the grammatical construction that the rule
            produces, such as "object pronoun"; "-" for none.
        weight: frequency of the rule, relative to the other rules of the same
            symbol.
        slots: slots, in the order in which they are filled.
        heads: names of the slots, at most two, from which the phrase takes its
            agreement and its meaning.
        english, french: items of the English side and of the French side.
    """

    construction: str
    weight: float
    slots: tuple[Slot, ...]
    heads: tuple[str, ...]
    english: tuple[Item, ...]
    french: tuple[Item, ...]


@lru_cache(maxsize=1)
def load_rules() -> Mapping[str, tuple[Rule, ...]]:
    """Read the rules of the grammar, and group them by symbol."""
    rules: dict[str, tuple[Rule, ...]] = {}
    for row in read_table("rules"):
        for symbol in row["symbol"].split():
            rules[symbol] = (*rules.get(symbol, ()), _rule(row))
    return rules


def _rule(row: Row) -> Rule:
    slots = [text for text in row["slots"].split() if text != "+"]
    marked = [text[1] for text in slots if text.startswith("^")]
    heads = marked or [text[0] for text in slots[:1]]
    if " + " in row["slots"]:
        heads = [text[0] for text in slots[:2]]
    return Rule(
        row["construction"],
        float(row["weight"]),
        tuple(_slot(text) for text in slots),
        tuple(heads),
        tuple(_item(text) for text in row["english"].split()),
        tuple(_item(text) for text in row["french"].split()),
    )


def _slot(text: str) -> Slot:
    match = _match(_SLOT, text)
    source, *kinds = match["source"].split(".")
    return Slot(
        match["name"],
        source,
        frozenset(kinds),
        bool(match["negated"]),
        match["argument"] or "",
        bool(match["noted"]),
    )


def _item(text: str) -> Item:
    match = _match(_ITEM, text)
    return Item(
        match["text"],
        match["form"] or "",
        match["agreement"] or "",
        tuple(_LABEL.findall(match["labels"])),
    )


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.fullmatch(text)
    if not match:
        raise ValueError(f"rules.tsv holds {text!r}, which is no slot or item")
    return match
