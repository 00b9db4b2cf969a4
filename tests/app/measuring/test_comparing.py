"""Two runs beside each other: is one better, and where."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.measuring.comparing import compare, described
from app.metrics.paired import paired_bootstrap
from app.metrics.text import corpus_bleu
from data import GlimpseError
from data.corpora import Example
from tests.app.commands.test_main import invoke
from tests.app.conftest import SOURCES, TARGETS, make_run

GOOD = [*TARGETS[:6], "Vous êtes là.", TARGETS[7]] * 5
BAD = ["Je vois.", "Le", TARGETS[2], "Elle", *TARGETS[4:]] * 5


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Two runs that were measured on 40 made-up sentences."""
    corpus = SimpleNamespace(
        name="made up",
        examples=lambda split: [
            Example(source, (target,))
            for source, target in zip(SOURCES * 5, TARGETS * 5, strict=True)
        ],
        processed_references=lambda split: None,
    )
    monkeypatch.setattr("app.runs.folder.open_corpus", lambda *_: corpus)
    found = []
    for name, lines in (("bad", BAD), ("good", GOOD)):
        folder = make_run(tmp_path / name)
        (folder / "evaluation").mkdir()
        path = folder / "evaluation" / "test.hypotheses.txt"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        found.append(folder)
    return found[0], found[1]


def test_the_better_run_is_found_and_where(runs: tuple[Path, Path]) -> None:
    found = compare(runs)
    references = [(target,) for target in TARGETS * 5]
    bleu = found.tests[0]
    for score, lines in zip(bleu.scores, (BAD, GOOD), strict=True):
        assert score == corpus_bleu(lines, references).score
    assert bleu.scores[0] < bleu.scores[1]
    assert bleu.p_value < 0.05
    assert found.equal == 20
    assert found.better == (5, 15)
    assert found.differences[0].translations[1] in TARGETS
    text = described(found, 1)
    assert "20 have the same translation; A is better in 5, B in 15" in text
    assert text.count("source ") == 1
    assert described(found, 0).count("source ") == 0
    assert compare(runs) == found  # the samples are the same


def test_a_run_is_as_good_as_itself() -> None:
    references = [(target,) for target in TARGETS * 5]
    for test in paired_bootstrap(BAD, BAD, references):
        assert test.scores[0] == test.scores[1]
        assert test.p_value == 1


def test_what_cannot_be_compared(runs: tuple[Path, Path]) -> None:
    with pytest.raises(GlimpseError, match="not measured on 'validation'"):
        compare(runs, "validation")
    path = runs[1] / "evaluation" / "test.hypotheses.txt"
    path.write_text("one\n", "utf-8")
    with pytest.raises(GlimpseError, match=r"1 translations .* 40 sentences"):
        compare(runs)


def test_the_command_prints_a_table_or_json(runs: tuple[Path, Path]) -> None:
    code, out, _ = invoke("compare", *runs, "--show", 2)
    assert code == 0
    assert out.count("reference  ") == 2
    assert f"B: {runs[1]}" in out
    code, out, _ = invoke("compare", *runs, "--json")
    found = json.loads(out)
    assert found["better"] == [5, 15]
    assert {"p_value", "signature"} <= found["tests"][0].keys()
