"""Lexicon of the phrasebook: words with all their forms, read from tables."""

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
    """Person, number and gender, in which words agree with a noun or pronoun.

    Attributes:
        person: person and number, such as "3s" (one of `PERSONS`).
        gender: gender and number in French, such as "fp" (one of `GENDERS`).
    """

    person: str
    gender: str


class Sense(NamedTuple):
    """Agreement and meaning of a word, or of the head of a phrase.

    Other words of a rule may have to agree with this word or fit its meaning.

    Attributes:
        agreement: person, number and gender of a noun or pronoun; None for
            other words.
        classes: classes of meaning, such as "food". A word fits a slot of a
            rule if it has one of the classes that the slot requires.
        columns: for some columns of the word's row, such as "object", the set
            of entries that the row has there; the keys are the names of the
            columns. There is also a key "family", which is no column: its
            value is a set of only the first of the word's classes.
        heads: lemmas of the word, or of the phrase's heads. A pronoun that
            refers to a noun has the lemmas of the noun.
    """

    agreement: Agreement | None = None
    classes: Classes = frozenset()
    columns: Mapping[str, Classes] = {}
    heads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Word:
    """Word of a table; singular and plural of a noun are separate words.

    Attributes:
        table: name of the table, such as "noun".
        lemma: name of the word with its table, such as "noun:car/voiture".
        kinds: grammatical kinds, such as "plural" or "dynamic", that a slot of
            a rule may require.
        english, french: spellings in the two languages, by name of the form,
            such as "present.3s".
        sense: properties, such as gender, that decide which words can go with
            this one, and in which form.
    """

    table: str
    lemma: str
    kinds: frozenset[str]
    english: Forms
    french: Forms
    sense: Sense


@dataclass(frozen=True)
class Lexicon:
    """Words of all tables, and forms that depend on other words.

    Attributes:
        words: words by name of their table.
        agreeing: forms of the words, such as "be", that the rules name and that
            agree with another word. The keys are (language, word).
        elisions: spellings before a vowel, such as "j'" for "je". The keys are
            (language, word).
    """

    words: Mapping[str, tuple[Word, ...]]
    agreeing: Mapping[tuple[str, str], Forms]
    elisions: Mapping[tuple[str, str], str]

    def tokens(
        self, cell: str, language: str, *, article: bool = False
    ) -> list[Token]:
        """Split a spelling from a table into tokens.

        Args:
            cell: words separated by "_". A word may be followed by "/" and the
                spelling that is used before a vowel: "beau/bel".
            language: code of the language.
            article: whether the tokens may contract with a preposition before
                them, as French "de le" becomes "du".
        """
        tokens = []
        for word in cell.split("_"):
            text, _, before_vowel = word.partition("/")
            elided = self.elisions.get((language, text), "")
            tokens.append(Token(text, before_vowel or elided, article))
        return tokens


def find_form(
    forms: Forms, name: str, agreement: Agreement | None
) -> str | None:
    """Return the spelling of a form of a word; None if there is no such form.

    Args:
        forms: spellings of the word; the keys are names of forms.
        name: name of the form without the agreement, such as "present".
        agreement: agreement of the form. With the person "3s", "present.3s" is
            looked up before "present". None if there is nothing to agree with.
    """
    for key in agreement or ():
        if f"{name}.{key}" in forms:
            return forms[f"{name}.{key}"]
    return forms.get(name)


def read_table(name: str) -> list[Row]:
    """Read the rows of a table in the folder of this module.

    Args:
        name: name of the table's file, without ".tsv". In the file, lines that
            begin with "#" are comments.

    Returns:
        One mapping for each row: names of columns are the keys, and the
        cells of the row are the values.
    """
    path = Path(__file__).with_name(f"{name}.tsv")
    with path.open(encoding="utf-8", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


@lru_cache(maxsize=1)
def load_lexicon() -> Lexicon:
    """Read the lexicon from all tables beside this module but `rules.tsv`."""
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
