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


def test_two_pronouns_before_the_verb() -> None:
    pronouns = _phrase(
        "it_to_him",
        "two pronouns",
        O=_word("clitic:them/les"),
        I=_word("indirect:us/nous"),
    )
    clause = _phrase(
        "pronoun_pair_clause",
        "past",
        V=_word("verb:give/donner"),
        S=_subject("pronoun:he/il"),
        O=pronouns,
        T=_nothing(),
    )
    # He gave them to us . | Il nous les a donnés .
    assert _written(clause, "pronoun_pair_clause") == [
        "He gave them to us.",
        "Il nous les a donnés.",
        "0-0 1p3 1-4 2-2 3-1 4-1 5-5",
    ]


def test_an_order_takes_its_pronouns_after_it() -> None:
    ordered = _phrase(
        "ordered",
        "two pronouns",
        V=_word("verb:give/donner"),
        O=_word("clitic:it/le"),
        I=_word("indirect:me/me"),
    )
    order = _phrase("order", "order", V=ordered, E=_nothing())
    (rule,) = (
        rule
        for rule in RULES["sentence"]
        if [slot.source for slot in rule.slots] == ["order"]
    )
    whole = say(rule, {"C": order}, frozenset())
    pair = write(
        whole.sides["en"].tokens, whole.sides["fr"].tokens, whole.links
    )
    # Give it to me ! | Donnez-le-moi !
    assert pair.english == "Give it to me!"
    assert pair.french == "Donnez-le-moi !"
    assert pair.alignment == "0-0 1-0 2-0 3-0 4-1"


def test_a_verb_with_a_pronoun_of_its_own() -> None:
    clause = _phrase(
        "reflexive_clause",
        "past",
        V=_word("verb:get_up/lever"),
        S=_subject("pronoun:she/elle"),
        T=_nothing(),
    )
    # She got up . | Elle s' est levée .
    assert _written(clause, "reflexive_clause") == [
        "She got up.",
        "Elle s'est levée.",
        "0-0 1p1 1p2 1-3 2p1 2p2 2-3 3-4",
    ]


def test_an_inverted_question() -> None:
    question = _phrase("question", "age", P=_word("pronoun:she/elle"))
    # How old is she ? | Quel âge a-t-elle ?
    assert _written(question, "question") == [
        "How old is she?",
        "Quel âge a-t-elle ?",
        "0-0 1-1 2-2 3-2 4-3",
    ]


def _number(counted: str, low: str, hundreds: str = "") -> tuple[str, str, str]:
    slots = {"N": _word(f"numeral:{low}")} if low else {}
    if hundreds:
        slots["H"] = _word(f"numeral:{hundreds}")
    phrase = _counted(slots, _word(counted, "plural"))
    pair = write(
        phrase.sides["en"].tokens, phrase.sides["fr"].tokens, phrase.links
    )
    return pair.english, pair.french, pair.alignment


def _counted(slots: dict[str, Word], counted: Word) -> Phrase:
    rule = next(
        rule
        for rule in RULES["count"]
        if {slot.name for slot in rule.slots} == set(slots)
        and (len(slots) > 1 or len(rule.english) == 1)
    )
    return say(rule, {**slots, "X": counted}, frozenset())


def test_numbers_agree() -> None:
    page, euro = "unit:page/page", "unit:euro/euro"
    one, eighty, two = "one/un", "eighty/quatre-vingts", "two/deux"
    twenty_one = "twenty-one/vingt_et_un"
    assert _number(euro, twenty_one)[:2] == ("Twenty-one", "Vingt et un")
    assert _number(page, twenty_one)[1] == "Vingt et une"
    assert _number(euro, eighty)[1] == "Quatre-vingts"
    assert _number(page, one, two) == (
        "Two hundred and one",
        "Deux cent une",
        "0-0 1-1 2p2 3-2",
    )


def test_numbers_are_spelt_by_rule() -> None:
    french = {
        word.english["form"]: word.french["form"] for word in WORDS["numeral"]
    }
    assert len(french) == 99
    assert french["seventy-one"] == "soixante_et_onze"
    assert french["eighty-one"] == "quatre-vingt-un"
    assert french["ninety-seven"] == "quatre-vingt-dix-sept"
    tens = ["vingt", "trente", "quarante", "cinquante", "soixante"]
    for ten, name in zip(
        ("twenty", "thirty", "forty", "fifty", "sixty"), tens, strict=True
    ):
        assert french[ten] == name
        assert french[f"{ten}-one"] == f"{name}_et_un"
        for unit in ("two", "five", "nine"):
            assert french[f"{ten}-{unit}"] == f"{name}-{french[unit]}"
    for ten, base in (("seventy", "soixante"), ("ninety", "quatre-vingt")):
        teens = {"two": "twelve", "six": "sixteen", "nine": "nineteen"}
        for unit, teen in teens.items():
            assert french[f"{ten}-{unit}"] == f"{base}-{french[teen]}"


def test_french_does_not_elide_before_a_number() -> None:
    months = [_word("month:August/août"), _word("month:May/mai")]
    days = [_word("ordinal:eleventh/onze"), _word("ordinal:eighth/huit")]
    said = []
    for day, month in zip(days, months, strict=True):
        date = _phrase("date", "date", D=day, M=month)
        said.append(
            write(date.sides["en"].tokens, date.sides["fr"].tokens, date.links)
        )
    assert [pair.french for pair in said] == ["Le onze août", "Le huit mai"]
    assert said[0].english == "The eleventh of August"
    assert said[0].alignment == "0-0 1-1 2p2 3-2"


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
            for tense in ("present", "imperfect", "future"):
                assert f"{tense}.{person}" in verb.french, verb.lemma
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
                assert slot.kinds <= {"complement", "pronouns"}, slot
            else:
                assert slot.source in RULES, slot
    for verb in WORDS["verb"]:
        for column in ("complement", "pronouns"):
            assert verb.sense.columns[column] <= set(RULES), verb.lemma


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
    assert len(named) >= 80
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
    lemmas = {word.lemma for word in chain(*WORDS.values())}
    assert len(lemmas) >= 500
    assert f"{len(lemmas)} lemmas" in text
    for name, size in SIZES.items():
        assert f"| `{name}` | {size:,} |" in text, name
