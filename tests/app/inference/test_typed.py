"""Text as phones and word processors type it, through a translator."""

import logging
from pathlib import Path

import numpy as np
import pytest

from app.inference.cautions import cautions
from app.inference.translator import Translator
from app.runs import Run
from data.inventory import Inventory
from tests.app.commands.test_main import invoke
from tests.app.conftest import SOURCES, make_run

STRAIGHT = "The old baker doesn't sleep."
TYPED = {
    "The old baker doesn’t sleep.": "doesn|’t",
    "The old baker doesnʼt sleep.": "doesn|ʼt",
    "The old\u200b baker doesn't sl\u00adeep.": "doesn|'t",
    "\ufeffThe old baker doesn‘t\u200e sleep.": "doesn|‘|t",
    "The ＯＬＤ baker doesn't sleep．": "doesn|'t",
    "THE OLD BAKER DOESN'T SLEEP.": "DOESN|'T",
}


@pytest.mark.parametrize("typed", TYPED)
def test_what_is_typed_is_the_same_sentence(
    typed: str, translator: Translator
) -> None:
    expected, found = translator.translate([STRAIGHT, typed])
    assert found.source_ids == expected.source_ids
    assert found.text == expected.text
    np.testing.assert_allclose(
        found.hypotheses[0].attention,
        expected.hypotheses[0].attention,
        atol=1e-5,
    )
    assert found.source == typed
    view = found.hypotheses[0].view()
    assert TYPED[typed] in "|".join(view.source)
    pieces = found.hypotheses[0].view("pieces")
    assert found.read.spans is not None
    assert len(found.read.spans) == len(pieces.source)
    assert cautions(found) == []


def test_what_has_none_of_them_stays_bit_for_bit(
    translator: Translator, tmp_path: Path
) -> None:
    without = Translator(translator.model, translator.sides, translator.config)
    given = [*SOURCES, "The zebra, isn't she?", ""]
    for one, other in zip(
        translator.translate(given), without.translate(given), strict=True
    ):
        assert one.read.spans == other.read.spans
        assert one.hypotheses[0].ids == other.hypotheses[0].ids
        assert one.hypotheses[0].score == other.hypotheses[0].score


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("The zebra sees.", ["words never seen in training: zebra"]),
        ("The OLD Key sings.", []),
        ("I see € 3.", ["words .*: 3", "characters .*: €"]),
        ("I see 😀\u0e31.", ["characters .*: 😀, U\\+0E31"]),
        ("猫が", ["words never seen in training: 猫, が"]),
    ],
)
def test_what_training_never_had_is_told(
    sentence: str, told: list[str], translator: Translator
) -> None:
    import re

    (found,) = translator.translate([sentence], beam_size=1)
    said = cautions(found, "Line 7")
    assert len(said) == len(told)
    for pattern, line in zip(told, said, strict=True):
        assert re.search(f"Line 7 has {pattern}", line)


def test_an_older_run_has_its_words(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    words = sorted(Inventory.of(SOURCES).plain_words)
    (folder / "source_inventory.json").unlink()
    (folder / "source_words.txt").write_text("\n".join(words), "utf-8")
    translator = Translator.load(folder)
    straight, curly = translator.translate(
        [STRAIGHT, STRAIGHT.replace("'", "’")], beam_size=1
    )
    assert curly.source_ids == straight.source_ids
    assert translator.encode("the zebra").unseen["words"] == ["zebra"]
    assert translator.encode("the €").unseen["characters"] == []
    (folder / "source_words.txt").unlink()
    assert Run.open(folder).load_inventory() is None
    unseen = Translator.load(folder).encode("zebra").unseen
    assert unseen == {"words": [], "characters": []}


def test_lines_of_nothing_visible_are_empty_lines(
    tiny_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = ["I see.", "\u200b", "\ufeff\u00ad", "\u200d", "I see € and €."]
    stdin = "".join(f"{line}\n" for line in lines).encode()
    with caplog.at_level(logging.WARNING):
        code, out, _ = invoke("translate", tiny_run, stdin=stdin)
    assert code == 0
    first, *nothing, last = out.split("\n")[:-1]
    assert first
    assert last
    assert nothing == ["", "", ""]
    told = [each for each in caplog.messages if "characters never" in each]
    assert told == ["Line 5 has characters never seen in training: €"]
