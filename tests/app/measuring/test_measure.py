"""Measuring alone: nothing is read or written, and all figures are there."""

import math
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.inference import Translator
from app.measuring.evaluation import evaluate
from app.measuring.measure import measure
from app.measuring.sets import EvaluationSet, Files, from_files
from app.measuring.tables import to_json
from app.metrics import EVALUATED, METRICS, WATCHED
from app.metrics.text import corpus_bleu, sentence_bleu
from data import Example
from tests.app.conftest import PAIRS, SOURCES, TARGETS

GIVEN = EvaluationSet(
    "made up", "test", [Example(source, (target,)) for source, target in PAIRS]
)
FILE_EVENTS = ("open", "os.listdir", "os.mkdir", "os.remove", "os.rename")


class Listener:
    """What is done to files in this process, while somebody listens."""

    heard: list[tuple[Any, ...]] | None = None

    @classmethod
    def hear(cls, event: str, details: tuple[Any, ...]) -> None:
        if cls.heard is not None and event in FILE_EVENTS:
            cls.heard.append((event, *details))


@pytest.fixture(scope="module")
def listener() -> type[Listener]:
    """A hook that stays as long as the process does, and keeps quiet."""
    sys.addaudithook(Listener.hear)
    return Listener


@contextmanager
def listening(listener: type[Listener]) -> Iterator[list[tuple[Any, ...]]]:
    heard: list[tuple[Any, ...]] = []
    listener.heard = heard
    try:
        yield heard
    finally:
        listener.heard = None


def test_the_listener_hears(listener: type[Listener], tmp_path: Path) -> None:
    with listening(listener) as heard:
        (tmp_path / "file").write_text("")
        (tmp_path / "file").unlink()
    (tmp_path / "other").write_text("")
    assert [event for event, *_ in heard] == ["open", "os.remove"]


def test_it_is_what_evaluate_finds_and_touches_no_file(
    tiny_run: Path, tmp_path: Path, listener: type[Listener]
) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    files = Files(*(tmp_path / name for name in ("a.en", "a.fr", "gold")))
    for path, lines in zip(files, (SOURCES, TARGETS, ["0-0"] * 8), strict=True):
        assert path is not None
        path.write_text("\n".join(lines) + "\n", "utf-8")
    expected = evaluate(run, files=files, beam_size=2)
    translator, given = Translator.load(run), from_files(files)
    shutil.rmtree(run)
    measure(translator, given, beam=2)  # the first time imports some modules
    with listening(listener) as heard:
        measured = measure(translator, given, beam=2)
        found = to_json(measured)
    assert heard == []
    assert not run.exists()
    wanted = to_json(expected)
    assert wanted["aer"]["sentences"] == 8
    for values in (found, wanted):
        assert values.pop("sentences_per_second") > 0
    assert found == wanted
    assert measured.hypotheses == expected.hypotheses
    for one, other in zip(measured.forced, expected.forced, strict=True):
        np.testing.assert_array_equal(
            one.hypotheses[0].attention, other.hypotheses[0].attention
        )


def test_what_is_asked_for_is_computed(translator: Translator) -> None:
    beam = translator.config.search.beam_size
    whole = measure(translator, GIVEN, ["bleu", "chrf"])
    assert list(whole.scores) == ["bleu", "chrf"]
    assert whole.beam == beam == 5
    hypotheses = [each.text for each in translator.translate(SOURCES)]
    assert whole.hypotheses == hypotheses
    references = [(target,) for target in TARGETS]
    assert whole.scores["bleu"] == corpus_bleu(hypotheses, references)
    assert whole.aer is None  # there is no gold
    assert list(measure(translator, GIVEN, beam=1).scores) == list(EVALUATED)


def test_an_unfinished_model_is_not_timed_and_shows_no_progress(
    translator: Translator, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    found = measure(translator, GIVEN, WATCHED, beam=1, is_final=False)
    assert capsys.readouterr().err == ""
    assert found.sentences_per_second is None
    assert list(found.scores) == list(WATCHED)
    # Without smoothing what training minimises is the log-likelihood.
    loss = found.scores["loss"].score
    assert found.scores["perplexity"].score == pytest.approx(math.exp(loss))
    for each in found.forced:
        (hypothesis,) = each.hypotheses
        assert hypothesis.loss == pytest.approx(-hypothesis.log_prob, rel=1e-4)
    final = measure(translator, GIVEN, WATCHED, beam=1)
    assert final.scores == found.scores
    assert final.sentences_per_second is not None
    assert "Translating" in capsys.readouterr().err


def test_scores_of_sentences_are_the_larger_the_better(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = measure(translator, GIVEN, ["bleu"], beam=1)
    pairs = list(zip(measured.hypotheses, TARGETS, strict=True))
    assert measured.sentence_scores("bleu") == [
        sentence_bleu(hypothesis, [target]) for hypothesis, target in pairs
    ]
    longest = replace(
        METRICS["ter"], of_sentence=lambda hypothesis, *_: len(hypothesis)
    )
    monkeypatch.setitem(METRICS, "ter", longest)
    assert measured.sentence_scores("ter") == [-len(text) for text, _ in pairs]
