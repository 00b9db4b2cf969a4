"""What is typed, in the forms that training had."""

import random
from pathlib import Path

import pytest

from data import GlimpseError, Tokenizer, normalise
from data.inventory import Inventory

CASES = Path(__file__).parents[1] / "cases"
STRAIGHT = [
    "I don't see the red car or the fish of the man.",
    "I see the red car.",
    "The teacher's dog is here...",
    'He says "no" - and a NASA man laughs!',
    "The car is red; I see a car?",
] * 120
CURLY = ["L’eau – “x” ça… ne l’aime pas."] * 300
CAPITALS = ["Das Haus ist groß. Die Straße.", "Έχω ένα σπίτι. Το σπίτι."] * 2


@pytest.fixture(scope="module")
def straight() -> Inventory:
    return Inventory.of(STRAIGHT)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        *(
            (f"I don{mark}t see the red car.", "I don't see the red car.")
            for mark in "’‘ʼ′´`＇"
        ),
        ("“no” „no‟ ″no″", '"no" "no" "no"'),
        ("here… ", "here..."),
        ("a – b — c ‑ d", "a - b - c - d"),
        ("a—b", "a - b"),
        ("ｒｅｄ　ｃａｒ！", "red car!"),
        ("the ﬁsh", "the fish"),
        ("I DON'T SEE THE RED CAR.", "I don't see the red car."),
        ("THE RED CAR.", "The red car."),
        ("I see the RED car and NASA.", "I see the red car and NASA."),
        ("NASA", "NASA"),
    ],
)
def test_other_forms_become_those_of_training(
    straight: Inventory, typed: str, expected: str
) -> None:
    found = straight.adapt(normalise(typed))
    assert found.text == expected
    assert len(found.origins) == len(found.text)


@pytest.mark.parametrize(
    ("training", "typed", "expected"),
    [
        # A model that knows the curly form gets it.
        (CURLY, "l'eau", "l’eau"),
        (CURLY, 'ne "x"...', "ne “x”…"),
        (CURLY, "l’eau – “x”…", "l’eau – “x”…"),
        # One in ninety is known well enough; one in a hundred is not.
        ([*["don't"] * 90, "don’t"], "don’t", "don’t"),
        ([*["don't"] * 100, "don’t"], "don’t", "don't"),
        # Capitals may lack accents, and are longer than what they stand for.
        (CAPITALS, "DIE STRASSE", "Die Straße"),
        (CAPITALS, "DAS HAUS IST GROSS", "Das Haus ist groß"),
        (CAPITALS, "ΤΟ ΣΠΙΤΙ", "Το σπίτι"),
        # Text without any capitals.
        (["the red car"], "The Red Car", "the red car"),
        # Keyboards, kana of half width, digits of other scripts.
        (["کتاب یک"], "كتاب يك", "کتاب یک"),
        (["ガード ハ"], "ｶﾞｰﾄﾞ", "ガード"),
        (["ガード", *["ｶﾞｰﾄﾞ"] * 9], "ｶﾞｰﾄﾞ", "ｶﾞｰﾄﾞ"),
        (["și țara"], "şi ţara", "și țara"),
        (["room 12"], "room ١٢", "room 12"),
        (["room 12"], "room １２", "room 12"),
    ],
)
def test_which_form_it_is_the_training_text_says(
    training: list[str], typed: str, expected: str
) -> None:
    found = Inventory.of(training).adapt(normalise(typed))
    assert found.text == normalise(expected)


@pytest.mark.parametrize(
    ("typed", "part", "expected"),
    [
        ("I don’t see", "don't", "don’t"),
        ("here… I see", "...", "…"),
        ("a—b I see", "I see", "I see"),
        ("THE RED CAR", "red", "RED"),
    ],
)
def test_places_are_those_of_the_text_as_typed(
    straight: Inventory, typed: str, part: str, expected: str
) -> None:
    found = straight.adapt(typed)
    start = found.text.index(part)
    begin, end = found.typed((start, start + len(part)))
    assert typed[begin:end] == expected
    assert found.typed((len(found.text),) * 2) == (len(typed),) * 2


def test_longer_capitals_have_their_places() -> None:
    found = Inventory.of(CAPITALS).adapt("DIE STRASSE IST")
    start = found.text.index("Straße")
    assert found.typed((start, start + 6)) == (4, 11)


def test_text_of_known_forms_stays_as_it_is(straight: Inventory) -> None:
    for text in {*STRAIGHT, "zebra — ß 😀".replace("—", ""), "I see 5 men."}:
        found = straight.adapt(normalise(text))
        assert found.text == normalise(text)
        assert found.origins == tuple(
            (i, i + 1) for i in range(len(found.text))
        )


def test_adapted_text_is_normalised_and_has_its_places() -> None:
    random.seed(4)
    letters = "aAß'’“\"…. -—ﬁｶﾞİıeé\u0301\u200cΣς漢あไ😀"
    inventory = Inventory.of(["a ß ' \" ... - i é σ 漢 ガ"] * 3)
    for _ in range(2000):
        text = normalise("".join(random.choices(letters, k=9)))
        found = inventory.adapt(text)
        assert normalise(found.text) == found.text
        assert len(found.origins) == len(found.text)
        assert list(found.origins) == sorted(found.origins)
        assert all(0 <= a < b <= len(text) for a, b in found.origins)


def test_what_training_never_had_is_told() -> None:
    inventory = Inventory.of(["The Zoë sees 5 €.", "der große Hund"])
    text = "ZOË sees a zebra, große 7 $ 😀 €"
    assert inventory.unseen_words(text) == ["a", "zebra", "7"]
    assert inventory.unseen_characters(text) == [",", "$", "😀"]
    assert inventory.unseen_words("漢字 the") == ["漢", "字"]
    assert inventory.unseen_characters("漢字 the") == []


def test_it_is_written_and_read(straight: Inventory) -> None:
    assert Inventory.from_json(straight.to_json()) == straight
    for damaged in ("", "{}", "[1]", straight.to_json()[:-9]):
        with pytest.raises(GlimpseError, match="inventory"):
            Inventory.from_json(damaged)


def test_an_older_run_is_read_off_its_words_and_its_tokenizer() -> None:
    tokenizer = Tokenizer.train(STRAIGHT[:4], 300)
    words = ["i", "don", "t", "see", "the", "red", "car", "nasa"]
    inventory = Inventory.of_older_run([*words, ""], tokenizer)
    assert inventory.adapt("I don’t see").text == "I don't see"
    assert inventory.adapt("SEE THE RED CAR").text == "see the red car"
    assert inventory.adapt("the NASA car").text == "the NASA car"
    assert inventory.unseen_words("the Blue CAR") == ["blue"]
    assert inventory.unseen_characters("the € car") == []


def test_the_typed_cases_are_all_the_same_sentence() -> None:
    apos = (CASES / "apos.en").read_text("utf-8").splitlines()
    inventory = Inventory.of(normalise(line) for line in apos)
    curly = (CASES / "curly.en").read_text("utf-8").splitlines()
    for line, other in zip(apos, curly, strict=True):
        assert inventory.adapt(normalise(other)).text == line
        assert inventory.adapt(normalise(line)).text == line


def test_even_text_has_one_form_and_the_same_words() -> None:
    mixed = ["l’eau", "l’été", "l'eau", "“x” “w”", "“y”", '"z"', "ça…", "a–b"]
    inventory = Inventory.of(mixed)
    assert [inventory.even(text) for text in mixed] == [
        *("l’eau", "l’été", "l’eau", "“x” “w”", "“y”", "“z”", "ça…", "a–b")
    ]
