"""Hypotheses know all that there is to show of them."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.alignment import POSTERIOR, READINGS
from app.inference import Hypothesis, Translator
from data import GlimpseError
from tests.app.conftest import SOURCES, TARGETS

ROOT = Path(__file__).parents[3]
SHOWN = {"hypothesis", "hypotheses", "translation", "translations"}


@pytest.fixture
def hypothesis(translator: Translator) -> Hypothesis:
    (forced,) = translator.force(SOURCES[:1], TARGETS[:1])
    return forced.hypotheses[0]


def test_a_view_is_made_once(hypothesis: Hypothesis) -> None:
    views = [
        hypothesis.view(by, reading)
        for by in ("words", "pieces")
        for reading in READINGS
    ]
    assert hypothesis.view() is views[0]
    assert hypothesis.view("words", "before") is views[0]
    assert hypothesis.view(reading="after") is views[1]
    assert hypothesis.view("pieces") is views[2]
    assert len({id(view) for view in views}) == 4
    # A hypothesis made of it has views of its own.
    assert replace(hypothesis).view() is not views[0]


def test_pieces_have_the_weights_and_words_have_them_merged(
    hypothesis: Hypothesis,
) -> None:
    words, pieces = hypothesis.view("words"), hypothesis.view("pieces")
    assert pieces.weights is hypothesis.attention
    assert pieces.target == hypothesis.target.pieces
    assert len(pieces.target) == len(hypothesis.ids)
    assert words.weights is not None
    assert words.weights.shape == (len(words.target), len(words.source))
    assert len(words.target) < len(pieces.target)


def test_nothing_reads_a_posterior_that_nobody_asked_for(
    hypothesis: Hypothesis, translator: Translator
) -> None:
    with pytest.raises(GlimpseError, match="posterior=True"):
        hypothesis.view(reading=POSTERIOR)
    (forced,) = translator.force(SOURCES[:1], TARGETS[:1], posterior=True)
    known = forced.hypotheses[0]
    assert known.view("pieces", POSTERIOR).weights is known.posterior


def takers(root: Path) -> Iterator[str]:
    """Functions of a translator and of what it has made: "file: name"."""
    for path in sorted((root / "app").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = {
                    each.arg
                    for each in ast.walk(node.args)
                    if isinstance(each, ast.arg)
                }
                if "translator" in names and names & SHOWN:
                    yield f"{path.relative_to(root)}: {node.name}"


def test_no_function_takes_a_translator_beside_what_it_made() -> None:
    assert list(takers(ROOT)) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(translator, translation): ...", ["app/planted.py: f"]),
        ("def f(hypothesis, *, translator=None): ...", ["app/planted.py: f"]),
        ("async def f(translator, hypotheses): ...", ["app/planted.py: f"]),
        ("def f(translator, sentences): ...", []),
        ("def f(translation, title): ...", []),
    ],
)
def test_a_function_that_does_is_found(
    code: str, found: list[str], tmp_path: Path
) -> None:
    planted = tmp_path / "app" / "planted.py"
    planted.parent.mkdir()
    planted.write_text(code)
    assert list(takers(tmp_path)) == found
