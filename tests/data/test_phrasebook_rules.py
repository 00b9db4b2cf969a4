"""The tables of the phrasebook, and gold alignments worked out by hand."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from data.corpora.phrasebook.corpus import SIZES
from data.corpora.phrasebook.grammar import Grammar
from data.corpora.phrasebook.lexicon import (
    GENDERS,
    PERSONS,
    Word,
    find_form,
    load_lexicon,
)
from data.corpora.phrasebook.phrase import (
    DeadEndError,
    Filling,
    Phrase,
    say,
)
from data.corpora.phrasebook.rules import Item, load_rules
from data.corpora.phrasebook.surface import Token, write

RULES = load_rules()
WORDS = load_lexicon().words
ALL_RULES = list({id(rule): rule for rule in chain(*RULES.values())}.values())


def _word(lemma: str, kind: str = "") -> Word:
    table = lemma.partition(":")[0]
    (found,) = (
        word
        for word in WORDS[table]
        if word.lemma == lemma and (not kind or kind in word.kinds)
    )
    return found


def _phrase(symbol: str, construction: str, **slots: Filling) -> Phrase:
    """Say the one rule of this name whose slots these are, and which fits."""
    said = []
    for rule in RULES[symbol]:
        names = {slot.name for slot in rule.slots}
        if rule.construction == construction and names == set(slots):
            try:
                said.append(say(rule, slots, frozenset()))
            except DeadEndError:
                continue
    return said[0]


def _the(noun: Word | Phrase) -> Phrase:
    the = _word("determiner:the/le")
    return _phrase("definite", "-", X=_noun(noun), D=the)


def _noun(noun: Word | Phrase) -> Phrase:
    if isinstance(noun, Phrase):
        return noun
    return _phrase("singular", "-", N=noun)


def _nothing() -> Phrase:
    return _phrase("nothing", "-")


def _subject(lemma: str) -> Phrase:
    return _phrase("subject", "-", P=_word(lemma))


def _written(clause: Phrase, symbol: str = "clause") -> list[str]:
    (rule,) = (
        rule
        for rule in RULES["sentence"]
        if [slot.source for slot in rule.slots] == [symbol]
    )
    whole = say(rule, {"C": clause}, frozenset())
    pair = write(
        whole.sides["en"].tokens, whole.sides["fr"].tokens, whole.links
    )
    return [pair.english, pair.french, pair.alignment]


def test_negation_and_an_adjective_that_follows() -> None:
    car = _phrase(
        "singular",
        "adjective after",
        N=_word("noun:car/voiture", "singular"),
        A=_word("adjective:red/rouge"),
    )
    clause = _phrase(
        "clause",
        "negation",
        V=_word("verb:see/voir"),
        S=_subject("pronoun:I/je"),
        O=_the(car),
    )
    # I don 't see the red car . | Je ne vois pas la voiture rouge .
    assert _written(clause) == [
        "I don't see the red car.",
        "Je ne vois pas la voiture rouge.",
        "0-0 1p2 2-1 2-3 3-2 4-4 5-6 6-5 7-7",
    ]


def test_a_pronoun_that_french_elides_before_its_verb() -> None:
    clause = _phrase(
        "pronoun_clause",
        "past",
        V=_word("verb:see/voir"),
        S=_subject("pronoun:we/nous"),
        O=_word("clitic:her/la"),
        T=_nothing(),
    )
    # We saw her . | Nous l' avons vue .
    assert _written(clause, "pronoun_clause") == [
        "We saw her.",
        "Nous l'avons vue.",
        "0-0 1p2 1-3 2-1 3-4",
    ]


def test_a_contraction_takes_the_links_of_both_its_words() -> None:
    recipient = _phrase(
        "recipient", "-", P=_the(_word("noun:doctor/médecin", "singular"))
    )
    clause = _phrase(
        "clause",
        "progressive",
        V=_word("verb:speak/parler"),
        S=_subject("name:Anna/Anna"),
        O=_phrase("addressee", "recipient", P=recipient),
        T=_nothing(),
    )
    # Anna is speaking to the doctor . | Anna parle au médecin .
    assert _written(clause) == [
        "Anna is speaking to the doctor.",
        "Anna parle au médecin.",
        "0-0 1p1 2-1 3-2 4-2 5-3 6-4",
    ]


def test_two_feminine_subjects_are_feminine() -> None:
    subject = _phrase(
        "subject",
        "joined nouns",
        X=_word("name:Anna/Anna"),
        Y=_word("name:Emma/Emma"),
    )
    assert subject.sense.agreement == ("3p", "fp")
    mixed = _phrase(
        "subject",
        "joined nouns",
        X=_word("name:Anna/Anna"),
        Y=_word("name:Paul/Paul"),
    )
    assert mixed.sense.agreement == ("3p", "mp")


def test_a_question_begins_with_est_ce_que() -> None:
    clause = _phrase(
        "question",
        "yes-no question",
        V=_word("verb:leave/partir"),
        S=_subject("pronoun:she/elle"),
        O=_nothing(),
        T=_nothing(),
    )
    # Does she leave ? | Est-ce qu' elle part ?
    assert _written(clause, "question") == [
        "Does she leave?",
        "Est-ce qu'elle part ?",
        "0p0 0p1 1-2 2-3 3-4",
    ]


def test_words_merge_when_written() -> None:
    pair = write(
        [Token("it"), Token("'s"), Token("a", "an"), Token("egg")],
        [
            Token("ouvrez"),
            Token("-la"),
            Token("de"),
            Token("le", "l'", article=True),
            Token("œuf"),
            Token("à"),
            Token("les", article=True),
            Token("de"),
            Token("le"),
        ],
        {(0, 0): True, (1, 1): False, (2, 5): False, (2, 6): True},
    )
    assert pair.english == "It's an egg"
    assert pair.french == "Ouvrez-la de l'œuf aux de le"
    assert pair.alignment == "0-0 1p0 2-4"


def test_forms_are_those_the_agreement_asks_for() -> None:
    see = _word("verb:see/voir")
    car = _word("noun:car/voiture", "plural").sense.agreement
    assert find_form(see.french, "present", car) == "voient"
    assert find_form(see.french, "agreed", car) == "vues"
    assert find_form(see.french, "participle", car) == "vu"
    assert find_form(see.french, "infinitive", car) == "voir"
    assert find_form(see.french, "order", car) is None
    leave = _word("verb:leave/partir")
    assert find_form(leave.french, "participle", car) == "parties"
    assert find_form(leave.french, "auxiliary", car) == "sont"


def test_the_lexicon_has_every_form() -> None:
    for verb in WORDS["verb"]:
        for person in PERSONS:
            assert f"present.{person}" in verb.french, verb.lemma
            assert f"auxiliary.{person}" in verb.french, verb.lemma
    for adjective in WORDS["adjective"]:
        for gender in GENDERS:
            assert f"form.{gender}" in adjective.french, adjective.lemma


def _classes_asked() -> Iterator[str]:
    for verb in WORDS["verb"]:
        yield from verb.sense.columns["subject"]
        yield from verb.sense.columns["object"]
    for table in ("adjective", "condition"):
        for word in WORDS[table]:
            yield from word.sense.classes
    for rule in ALL_RULES:
        names = {slot.name for slot in rule.slots}
        for slot in rule.slots:
            argument = slot.argument
            literal = argument[:1] not in {"@", *names} and argument != "CLASS"
            if literal and "=" not in argument and argument:
                yield from argument.split("+")


def test_classes_exist() -> None:
    offered = {
        name for word in chain(*WORDS.values()) for name in word.sense.classes
    }
    assert set(_classes_asked()) <= offered


def test_slots_ask_for_what_exists() -> None:
    for rule in ALL_RULES:
        names = {slot.name for slot in rule.slots}
        for slot in rule.slots:
            if slot.source in WORDS:
                kinds = (word.kinds for word in WORDS[slot.source])
                assert any(slot.kinds <= each for each in kinds), slot
            elif slot.source in names:
                assert slot.kinds == {"complement"}, slot
            else:
                assert slot.source in RULES, slot
    for verb in WORDS["verb"]:
        assert verb.sense.columns["complement"] <= set(RULES), verb.lemma


def _labels(items: tuple[Item, ...]) -> set[str]:
    return {
        label
        for item in items
        for _, label in item.labels or (("=", item.text),)
    }


def test_each_item_has_its_counterpart() -> None:
    for rule in ALL_RULES:
        assert _labels(rule.english) == _labels(rule.french), rule


def test_constructions_are_many_and_frequent() -> None:
    grammar = Grammar(5)
    drawn = [grammar.sentence()[1].constructions for _ in range(4_000)]
    named = {rule.construction for rule in ALL_RULES} - {"-"}
    assert len(named) >= 30
    for construction in named:
        assert sum(construction in each for each in drawn) >= 15, construction


def test_the_page_counts_right() -> None:
    page = Path(__file__).parents[2] / "docs" / "phrasebook.md"
    text = page.read_text(encoding="utf-8")
    for table in ("noun", "verb", "adjective"):
        count = len({word.lemma for word in WORDS[table]})
        assert f"{count} {table}s" in text, table
    constructions = {rule.construction for rule in ALL_RULES} - {"-"}
    for construction in constructions:
        assert f"| {construction} |" in text, construction
    assert f"{len(constructions)} constructions" in text
    for name, size in SIZES.items():
        assert f"| `{name}` | {size:,} |" in text, name
