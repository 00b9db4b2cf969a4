"""The forms of the phrasebook, against the dictionaries of Hunspell.

In development only: where the Debian packages `hunspell-fr-comprehensive` and
`hunspell-en-gb` are not installed, these tests are skipped.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

from data.corpora.phrasebook.lexicon import GENDERS, PERSONS, read_table

DICTIONARIES = Path("/usr/share/hunspell")
pytestmark = pytest.mark.skipif(
    not all(
        (DICTIONARIES / f"{name}.dic").exists() for name in ("fr", "en_GB")
    ),
    reason="needs the packages hunspell-fr-comprehensive and hunspell-en-gb",
)

# What the dictionaries lack, each right as it stands.
UNKNOWN_FRENCH = {
    # It has "mètre" with a mark for units that gives no plural.
    "mètres (units p)",
    "kilomètres (units p)",
}
UNKNOWN_ENGLISH = {"ripest (adjectives)"}  # it has "ripe" and "riper"

_NUMBERS = {"s": {"is:sg", "is:inv"}, "p": {"is:pl", "is:inv"}}
_GENDERS = {"m": {"is:mas", "is:epi"}, "f": {"is:fem", "is:epi"}}
_PERSON_TAGS = dict(
    zip(PERSONS, ("1sg", "3sg", "1pl", "2pl", "3pl"), strict=True)
)
_TENSE_TAGS = {"present": "ipre", "imperfect": "iimp", "future": "ifut"}

Tags = frozenset[str]


class Suffix(NamedTuple):
    stripped: str
    added: str
    condition: re.Pattern[str]
    tags: Tags


class Form(NamedTuple):
    """A form of the tables, and the tags the dictionary must give it."""

    where: str
    text: str
    accepted: Callable[[Tags], bool]


def _dictionary(
    name: str, flag_length: int, wanted: set[str]
) -> dict[str, set[Tags]]:
    """The wanted forms that a dictionary has, with their possible tags."""
    suffixes, prefixes = _affixes(DICTIONARIES / f"{name}.aff")
    forms: dict[str, set[Tags]] = defaultdict(set)
    text = (DICTIONARIES / f"{name}.dic").read_text(encoding="utf-8-sig")
    for line in text.splitlines()[1:]:
        entry, *tags = line.split()
        word, _, flags = entry.partition("/")
        inflected = [(word, Tags())]
        marks = [
            flags[start : start + flag_length]
            for start in range(0, len(flags), flag_length)
        ]
        for suffix in chain.from_iterable(suffixes[mark] for mark in marks):
            if suffix.condition.search(word):
                form = word.removesuffix(suffix.stripped) + suffix.added
                inflected.append((form, suffix.tags))
        for prefix in (
            "",
            *chain.from_iterable(prefixes[mark] for mark in marks),
        ):
            for form, form_tags in inflected:
                if prefix + form in wanted:
                    forms[prefix + form].add(form_tags.union(tags))
    return forms


def _affixes(
    path: Path,
) -> tuple[dict[str, list[Suffix]], dict[str, list[str]]]:
    suffixes: dict[str, list[Suffix]] = defaultdict(list)
    prefixes: dict[str, list[str]] = defaultdict(list)
    pattern = re.compile(r"([SP])FX (\S+) +(\S+) +([^\s/]+)\S* +(\S+)(.*)")
    for line in path.read_text(encoding="utf-8").splitlines():
        match = pattern.match(line)
        if not match:
            continue
        sort, flag, stripped, added, condition, tags = match.groups()
        if sort == "P":
            prefixes[flag].append(added)
        else:
            suffixes[flag].append(
                Suffix(
                    "" if stripped == "0" else stripped,
                    "" if added == "0" else added,
                    re.compile(f"(?:{condition})$"),
                    # "3pl!" is a third person of its own spelling.
                    frozenset(tag.rstrip("!") for tag in tags.split()),
                )
            )
    return suffixes, prefixes


def _agrees(kind: set[str], gender: str) -> Callable[[Tags], bool]:
    def accepted(tags: Tags) -> bool:
        number_is_free = not tags & {"is:sg", "is:pl", "is:inv"}
        gender_is_free = not tags & {"is:mas", "is:fem", "is:epi"}
        return (
            bool(tags & kind)
            and (gender_is_free or bool(tags & _GENDERS[gender[0]]))
            and (number_is_free or bool(tags & _NUMBERS[gender[1]]))
        )

    return accepted


def _said(tense: str, person: str) -> Callable[[Tags], bool]:
    wanted = {f"po:{_TENSE_TAGS[tense]}", f"po:{_PERSON_TAGS[person]}"}
    return lambda tags: wanted <= tags


def _any(_: Tags) -> bool:
    return True


def _french_forms() -> Iterator[Form]:
    for table in ("nouns", "units"):
        for row in read_table(table):
            for number, cell in zip("sp", row["french"].split(), strict=True):
                kind = {"po:nom"} if "_" not in cell else set()
                check = _agrees(kind, row["gender"] + number) if kind else _any
                for text in cell.split("_"):
                    yield Form(f"{table} {number}", text, check)
    for row in read_table("adjectives"):
        for gender, cell in zip(GENDERS, row["french"].split(), strict=True):
            for text in cell.split("/"):
                check = _agrees({"po:adj", "po:ppas", "po:nom"}, gender)
                yield Form(f"adjectives {gender}", text, check)
    for row in read_table("verbs"):
        yield Form("infinitive", row["french"], lambda tags: "po:infi" in tags)
        for tense in _TENSE_TAGS:
            for person, text in zip(PERSONS, row[tense].split(), strict=True):
                yield Form(f"{tense} {person}", text, _said(tense, person))
        for gender, text in zip(
            GENDERS, row["participle"].split(), strict=True
        ):
            yield Form(
                f"participle {gender}", text, _agrees({"po:ppas"}, gender)
            )
    for table in ("adverbs", "months", "numerals", "ordinals", "hours"):
        for row in read_table(table):
            for text in row["french"].split("_"):
                yield Form(table, text, _any)
    for row in read_table("weekdays"):
        for text in row["french"].split():
            yield Form("weekdays", text, _any)


def _english_forms() -> Iterator[Form]:
    for table in (
        *("nouns", "units", "verbs", "adjectives", "adverbs"),
        *("weekdays", "months", "numerals", "ordinals", "hours"),
    ):
        for row in read_table(table):
            cells = [row["english"]]
            if table == "adjectives":
                cells += [row["comparative"], row["superlative"]]
            for text in re.split("[ _-]", " ".join(cells)):
                yield Form(table, text, _any)


def _unknown(
    forms: Iterator[Form], name: str, flag_length: int
) -> tuple[set[str], int]:
    """Forms that a dictionary lacks or tags otherwise; how many there are."""
    looked_up = [form for form in forms if form.text not in {"-", ""}]
    wanted = {form.text for form in looked_up}
    dictionary = _dictionary(name, flag_length, wanted)
    unknown = {
        f"{form.text} ({form.where})"
        for form in looked_up
        if not any(map(form.accepted, dictionary.get(form.text, ())))
    }
    return unknown, len(looked_up)


def test_french_forms() -> None:
    unknown, count = _unknown(_french_forms(), "fr", 2)
    print(f"French: {len(unknown)} of {count} forms unknown")
    assert unknown == UNKNOWN_FRENCH


def test_english_forms() -> None:
    unknown, count = _unknown(_english_forms(), "en_GB", 1)
    print(f"English: {len(unknown)} of {count} forms unknown")
    assert unknown == UNKNOWN_ENGLISH
