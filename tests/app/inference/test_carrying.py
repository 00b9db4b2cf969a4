"""Placeholders, tags and glossary entries, carried over by attention."""

import random
from pathlib import Path

import numpy as np
import pytest

from app.inference import Translator
from app.inference.carrying import (
    Prepared,
    frequent_name,
    prepare,
    read_glossary,
    with_marks,
)
from app.inference.hypotheses import Hypothesis, Item
from data import GlimpseError, Language, Tokenizer
from data.inventory import Inventory
from data.modalities import Text
from tests.app.conftest import SOURCES, TARGETS

WORDS = Text(
    Tokenizer.train(
        [*SOURCES, *TARGETS, "Tom ! ,"] * 3, 200, model_type="word"
    ),
    Language("en", tokenised=True),
)


def item(text: str) -> Item:
    return Item(text, WORDS.ids(text), WORDS)


def translated(
    prepared: Prepared, target: str, looks: list[int], weight: float = 0.9
) -> str:
    """The text with marks, if target word t looks at source word looks[t]."""
    source, target_item = item(prepared.text), item(target)
    attention = np.full((len(target_item.ids), len(source.ids)), 0.01)
    for place, look in enumerate(looks):
        attention[place, look] = weight
    hypothesis = Hypothesis(0.0, 0.0, attention, source, target_item)
    found = with_marks(hypothesis, prepared)
    assert found.target.text == target
    return found.text


TERMS = (("Red  car", "bolide"), ("car", "voiture"))


@pytest.mark.parametrize(
    ("source", "read", "target", "looks", "expected"),
    [
        (
            "{name} sees it",
            "Tom sees it",
            "Tom le voit",
            [0, 2, 1],
            "{name} le voit",
        ),
        (
            "it sees %1$s and %2$s",
            "it sees Tom and Tom",
            "il voit Tom et Jim",
            [0, 1, 4, 3, 2],
            "il voit %2$s et %1$s",
        ),
        (  # nothing looks at the name
            "it sees {{ a name }} today",
            "it sees Tom today",
            "il voit maintenant",
            [0, 1, 3],
            "il voit {{ a name }} maintenant",
        ),
        (
            "the <b>old cat</b> sleeps",
            "the old cat sleeps",
            "le chat vieux dort",
            [0, 2, 1, 3],
            "le <b>chat vieux</b> dort",
        ),
        (  # one tag in another, and a term in both
            "a <i>big <b>red car</b></i> !",
            "a big red car !",
            "une rouge auto grande !",
            [0, 2, 3, 1, 4],
            "une <i><b>bolide</b> grande</i> !",
        ),
        (
            "Red Car ,<br/> {x}",
            "Red Car , Tom",
            "auto , Tom",
            [0, 2, 3],
            "bolide ,<br/> {x}",
        ),
        (
            "5% {} of <3",
            "5% Tom of <3",
            "5% Tom de <3",
            [0, 1, 2, 3],
            "5% {} de <3",
        ),
        ("it sees", "it sees", "il voit", [0, 1], "il voit"),
    ],
)
def test_marks_go_where_attention_shows(
    source: str, read: str, target: str, looks: list[int], expected: str
) -> None:
    prepared = prepare(source, "Tom", TERMS)
    assert prepared.text == read
    assert prepared.typed == source
    assert translated(prepared, target, looks) == expected


def test_every_placeholder_and_tag_is_there_once(
    translator: Translator,
) -> None:
    """In 200 of 200 sentences, by a model that nobody has trained."""
    draw = random.Random(3)
    marks = [
        "{name}",
        "%1$s",
        "{{ count }}",
        "<b>",
        "</b>",
        "<br/>",
        "%d",
        "${x}",
    ]
    planted = []
    for _ in range(200):
        words = draw.choice(SOURCES).split()
        chosen = draw.sample(marks, draw.randint(1, 4))
        for mark in chosen:
            words.insert(draw.randint(0, len(words)), mark)
        planted.append((" ".join(words), chosen))
    found = translator.translate([text for text, _ in planted], beam_size=1)
    for translation, (text, chosen) in zip(found, planted, strict=True):
        assert translation.source == text
        for mark in marks:
            expected = int(mark in chosen)
            assert translation.text.count(mark) == expected, translation.text


def test_the_stand_in_is_a_name_that_training_had() -> None:
    texts = ["The cat sees the Marie."] * 7 + ["Cats see a Jim."] * 2
    assert frequent_name(Inventory.of(texts)) == "Marie"
    assert frequent_name(Inventory.of(["a cat"] * 9)) is None
    assert frequent_name(None) is None
    assert prepare("a {x}").text == "a {x}"


def test_a_model_without_attention_reads_the_marks_as_they_are(
    plain_run: Path,
) -> None:
    (found,) = Translator.load(plain_run).translate(["The {name} sings."])
    assert found.read.text == "The {name} sings."
    assert found.hypotheses[0].carried is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"one\ttwo\nthree\n", "Line 2 of the glossary .*'three'"),
        (b"a\tb\tc\n", "a term, a tab and its translation"),
        (b"a\t \n", "write it so"),
        (b"\xff\n", "cannot be read"),
    ],
)
def test_a_glossary_that_is_none(
    text: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "terms.tsv"
    path.write_bytes(text)
    with pytest.raises(GlimpseError, match=message):
        read_glossary(path)
    with pytest.raises(GlimpseError, match="cannot be read"):
        read_glossary(tmp_path / "nowhere")
    path.write_text("\ufeffCar\tauto\r\n\r\nred  car\tbolide\n", "utf-8")
    assert read_glossary(path) == (("Car", "auto"), ("red car", "bolide"))
