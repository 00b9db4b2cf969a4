"""The words of the phrasebook, read from its tables with all their forms."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from data.corpora.phrasebook.surface import Token

PERSONS = ("1s", "3s", "1p", "2p", "3p")  # je, il, nous, vous, ils
GENDERS = ("ms", "fs", "mp", "fp")

Row = dict[str, str]
Forms = Mapping[str, str]  # "present.3s", "participle.fp" or "ing" → cell
Classes = frozenset[str]


class Agreement(NamedTuple):
    """What a subject or a noun asks of the words that agree with it."""

    person: str  # one of PERSONS
    gender: str  # one of GENDERS: gender and number, in French


class Sense(NamedTuple):
    """What the rest of a sentence asks about a word, or the head of a phrase.

    Attributes:
        agreement: of nouns and pronouns.
        classes: classes of sense, matched with those a rule asks for.
        columns: further columns of its table, as sets; and "family", the first
            of its classes.
        heads: lemmas meant; a pronoun may stand for a noun.
    """

    agreement: Agreement | None = None
    classes: Classes = frozenset()
    columns: Mapping[str, Classes] = {}
    heads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Word:
    """One entry of a table; a noun has one for each of its numbers.

    Attributes:
        table: name of the table, "noun".
        lemma: unique name, "noun:car/voiture".
        kinds: what the rules ask for by name ("plural", "dynamic", …).
        english, french: cells of the two languages, by form.
        sense: what agreement and choice of words depend on.
    """

    table: str
    lemma: str
    kinds: frozenset[str]
    english: Forms
    french: Forms
    sense: Sense


@dataclass(frozen=True)
class Lexicon:
    """All tables.

    Attributes:
        words: by table.
        agreeing: forms of the small words of the rules, by (language, word).
        elisions: spellings before a vowel, by (language, word).
    """

    words: Mapping[str, tuple[Word, ...]]
    agreeing: Mapping[tuple[str, str], Forms]
    elisions: Mapping[tuple[str, str], str]

    def tokens(
        self, cell: str, language: str, *, article: bool = False
    ) -> list[Token]:
        """Split a cell: "_" parts its words, "/" a spelling before a vowel."""
        tokens = []
        for word in cell.split("_"):
            text, _, before_vowel = word.partition("/")
            elided = self.elisions.get((language, text), "")
            tokens.append(Token(text, before_vowel or elided, article))
        return tokens


def find_form(
    forms: Forms, name: str, agreement: Agreement | None
) -> str | None:
    """Return the cell of a form, None where the language has none."""
    for key in agreement or ():
        if f"{name}.{key}" in forms:
            return forms[f"{name}.{key}"]
    return forms.get(name)


def read_table(name: str) -> list[Row]:
    """Read `name`.tsv of this folder; "#" begins a line of comment."""
    path = Path(__file__).with_name(f"{name}.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


@lru_cache(maxsize=1)
def load_lexicon() -> Lexicon:
    """Read all tables of this folder but the rules."""
    words = {
        table: tuple(
            chain.from_iterable(read(row) for row in read_table(f"{table}s"))
        )
        for table, read in _READERS.items()
    }
    elisions = {
        (row["language"], row["word"]): row["before_vowel"]
        for row in read_table("elisions")
    }
    return Lexicon(words, _agreeing(), elisions)


@lru_cache(maxsize=1)
def _agreeing() -> Mapping[tuple[str, str], Forms]:
    table = {}
    for row in read_table("agreeing"):
        keys = PERSONS if len(row["forms"].split()) == 5 else GENDERS
        key = row["language"], row["word"]
        table[key] = _forms("form", keys, row["forms"])
    return table


def _forms(name: str, keys: tuple[str, ...], cell: str) -> dict[str, str]:
    values = zip(keys, cell.split(), strict=True)
    return {f"{name}.{key}": value for key, value in values if value != "-"}


def _set(cell: str) -> frozenset[str]:
    return frozenset(cell.split()) - {"-"}


def _word(
    table: str,
    row: Row,
    sense: Sense,
    *,
    kinds: frozenset[str] = frozenset(),
    english: Forms | None = None,
    french: Forms | None = None,
) -> Word:
    names = [
        next(form for form in row[language].split() if form != "-")
        for language in ("english", "french")
    ]
    lemma = f"{table}:{'/'.join(names)}"
    family = frozenset(row.get("classes", "").split()[:1])
    columns = {"family": family, **sense.columns}
    return Word(
        table,
        lemma,
        kinds | _set(row.get("kinds", "")),
        english or {"form": row["english"]},
        french or {"form": row["french"]},
        sense._replace(columns=columns, heads=(lemma,)),
    )


def _nouns(table: str, row: Row) -> Iterator[Word]:
    determiners = _set(row["determiners"])
    one = "mass" if "some" in determiners else "singular"
    numbers = zip(
        (one, "plural"),
        row["english"].split(),
        row["french"].split(),
        strict=True,
    )
    for kind, english, french in numbers:
        if english == "-":
            continue
        number = "p" if kind == "plural" else "s"
        agreement = Agreement(f"3{number}", row["gender"] + number)
        yield _word(
            table,
            row,
            Sense(
                agreement, _set(row["classes"]), {"determiners": determiners}
            ),
            kinds=frozenset({kind}),
            english={"form": english},
            french={"form": french},
        )


def _verbs(row: Row) -> Iterator[Word]:
    columns = {
        name: _set(row[name])
        for name in ("subject", "complement", "object", "pronouns")
    }
    kinds = columns["complement"] | columns["pronouns"]
    if columns["pronouns"]:
        kinds |= {"clitic"}
    base, third, past, ing = row["english"].split()
    english = {"form": base, "present": base, "present.3s": third, "ing": ing}
    yield _word(
        "verb",
        row,
        Sense(columns=columns),
        kinds=kinds,
        english=english if past == "-" else english | {"past": past},
        french=_french_verb(row),
    )


def _french_verb(row: Row) -> Forms:
    tenses = {
        f"{tense}.{key}": form
        for tense in ("present", "imperfect", "future")
        for key, form in zip(PERSONS, row[tense].split(), strict=True)
    }
    agreed = _forms("agreed", GENDERS, row["participle"])
    participle = {"participle": agreed["agreed.ms"]}
    if row["auxiliary"] == "être":  # its participle agrees with the subject
        participle = _forms("participle", GENDERS, row["participle"])
    helper = _agreeing()["fr", row["auxiliary"]]
    auxiliary = {f"auxiliary.{key}": helper[f"form.{key}"] for key in PERSONS}
    return {
        "infinitive": row["french"],
        "imperative": tenses["present.2p"],
        **tenses,
        "agreed": agreed["agreed.ms"],  # with an indirect object
        **agreed,
        **participle,
        **auxiliary,
    }


def _adjectives(row: Row) -> Iterator[Word]:
    english = {"form": row["english"]}
    for degree in ("comparative", "superlative"):
        if row[degree] != "-":
            english[degree] = row[degree]
    # "un bel oiseau", but "il est beau et grand"
    plain = " ".join(cell.split("/")[0] for cell in row["french"].split())
    before = _forms("before", GENDERS, row["french"])
    kinds = _set(row["kinds"])
    scale = _set(row["scale"])
    yield _word(
        "adjective",
        row,
        Sense(classes=_set(row["classes"]) | scale, columns={"scale": scale}),
        kinds=frozenset({"graded"} if kinds & {"simple", "compound"} else ()),
        english=english,
        french=before | _forms("form", GENDERS, plain),
    )


def _determiners(row: Row) -> Iterator[Word]:
    english = _forms("form", ("3s", "3p"), row["english"])
    numbers = {"form.3s": "singular", "form.3p": "plural"}
    yield _word(
        "determiner",
        row,
        Sense(classes=_set(row["nouns"])),
        kinds=frozenset(numbers[key] for key in english),
        english=english,
        french=_forms("form", GENDERS, row["french"]),
    )


def _pronouns(row: Row) -> Iterator[Word]:
    person, gender = row["agreement"].split()
    sense = Sense(Agreement(person, gender), _set(row["classes"]))
    french = {"form": row["french"]}
    for form in ("inverted", "after_vowel"):
        if row[form] != "-":
            french[form.replace("_", "")] = row[form]
    yield _word("pronoun", row, sense, french=french)


def _clitics(row: Row) -> Iterator[Word]:
    person, gender = row["agreement"].split()
    yield _word(
        "clitic",
        row,
        Sense(Agreement(person, gender), _set(row["subjects"])),
        french={"form": row["french"], "order": row["order"]},
    )


def _indirects(row: Row) -> Iterator[Word]:
    yield _word(
        "indirect",
        row,
        Sense(classes=_set(row["subjects"])),
        french={"form": row["french"], "order": row["order"]},
    )


def _tonics(row: Row) -> Iterator[Word]:
    english = {"form": row["english"], "mine": row["mine"]}
    sense = Sense(classes=_set(row["subjects"]))
    yield _word("tonic", row, sense, english=english)


def _numerals(row: Row) -> Iterator[Word]:
    french = {"form": row["french"], "ordinal": row["french"]}
    if row["feminine"] != "-":
        french |= {"form.fp": row["feminine"]}
    if row["ordinal"] != "-":
        french |= {"ordinal": row["ordinal"]}
    yield _word("numeral", row, Sense(), french=french)


def _weekdays(row: Row) -> Iterator[Word]:
    english, french = (
        dict(zip(("form", "plural"), row[language].split(), strict=True))
        for language in ("english", "french")
    )
    yield _word("weekday", row, Sense(), english=english, french=french)


def _names(row: Row) -> Iterator[Word]:
    agreement = Agreement("3s", row["gender"] + "s")
    yield _word(
        "name",
        row,
        Sense(agreement, _set(row["classes"])),
        kinds=frozenset({row["gender"]}),
    )


def _invariable(table: str, row: Row) -> Iterator[Word]:
    yield _word(table, row, Sense(classes=_set(row.get("classes", ""))))


_READERS: dict[str, Callable[[Row], Iterator[Word]]] = {
    "noun": partial(_nouns, "noun"),
    "unit": partial(_nouns, "unit"),
    "verb": _verbs,
    "adjective": _adjectives,
    "determiner": _determiners,
    "pronoun": _pronouns,
    "clitic": _clitics,
    "indirect": _indirects,
    "tonic": _tonics,
    "numeral": _numerals,
    "weekday": _weekdays,
    "name": _names,
    "adverb": partial(_invariable, "adverb"),
    "preposition": partial(_invariable, "preposition"),
    "condition": partial(_invariable, "condition"),
    "degree": partial(_invariable, "degree"),
    "place": partial(_invariable, "place"),
    "ordinal": partial(_invariable, "ordinal"),
    "month": partial(_invariable, "month"),
    "hour": partial(_invariable, "hour"),
}
