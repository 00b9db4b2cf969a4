"""Reads `rules.tsv`, the two-sided rules of the phrasebook.

A rule draws its slots, each named by a capital, from left to right:

    A:adjective.after(N)*

asks for a word of the table `adjective` of kind `after` whose classes of sense
meet those of slot N; the star notes the pair of lemmas. The parentheses may
hold classes by name (`food+drink`), what this phrase was itself asked for
(`CLASS`), a slot (`N`), a column of its word (`V.object`), `@C` for the pronoun
that stands for slot C, or `S=P` to hand slot P on as slot S. A slot named twice
is drawn once and must fit both times. What is not a table is a symbol of other
rules. `V.complement` and `V.pronouns` are the symbols in those columns of V's
row, and with a `-` after it the one said within a negation, if there is one.
`^` marks the head, which is else the first slot; `+` joins two heads.

Then both sides are said. `V.present@S` is the present of V that agrees with S,
a small word with `@` is looked up in `agreeing.tsv`, the rest is literal. Two
items are linked if they name one slot or share a label: `=` sure, `~` possible.
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
    """What a rule draws."""

    name: str
    source: str  # table, symbol, or slot and column of its word
    kinds: frozenset[str]
    negated: bool
    argument: str
    noted: bool  # the pair of lemmas, so that it can be held out


class Item(NamedTuple):
    """One item of a side: a slot said in some form, or a literal."""

    text: str
    form: str
    agreement: str
    labels: tuple[tuple[str, str], ...]  # (mark, label)


@dataclass(frozen=True)
class Rule:
    """One line of the table.

    Attributes:
        construction: its name, "-" for a rule that is none by itself.
        weight: how often it is drawn, relative to others of its symbol.
        slots: what it draws, in this order.
        heads: the slots, none to two, that give the phrase its sense.
        english, french: how its two sides are said.
    """

    construction: str
    weight: float
    slots: tuple[Slot, ...]
    heads: tuple[str, ...]
    english: tuple[Item, ...]
    french: tuple[Item, ...]


@lru_cache(maxsize=1)
def load_rules() -> Mapping[str, tuple[Rule, ...]]:
    """Return the rules of each symbol."""
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
