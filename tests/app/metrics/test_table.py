"""The table of metrics: which way each is better, and what it counts."""

import json
import math
from dataclasses import replace

import pytest

from app.metrics import (
    EVALUATED,
    METRICS,
    TRAINED_BY,
    WATCHED,
    Outcome,
    metric,
)
from data import GlimpseError

BETTER_WHEN_SMALL = {"ter", "perplexity", "loss"}
REFERENCES = [("The cat sat on the mat.",), ("A dog ran away from us.",)]
GOOD = Outcome(
    hypotheses=["The cat sat on the mat.", "A dog ran away from it."],
    references=REFERENCES,
    language="en",
    tokens=10,
    nll=10 * math.log(2),
    loss=8.0,
    correct=7,
)
BAD = Outcome(
    hypotheses=["The mat is a cat, is it?", "Nothing."],
    references=REFERENCES,
    language="en",
    tokens=10,
    nll=10 * math.log(50),
    loss=40.0,
    correct=2,
)


@pytest.mark.parametrize("name", METRICS)
def test_the_better_of_two_has_the_better_score(name: str) -> None:
    each = METRICS[name]
    good, bad = (each.score(outcome).score for outcome in (GOOD, BAD))
    is_small = name in BETTER_WHEN_SMALL
    assert (good < bad) == is_small
    assert (each.best, each.sign) == (("min", -1) if is_small else ("max", 1))
    assert each.sign * good > each.sign * bad
    assert each.is_reached(good, bad)
    assert each.is_reached(good, good)
    assert not each.is_reached(bad, good)


def test_figures_of_tokens_by_hand() -> None:
    found = {
        name: METRICS[name].score(GOOD)
        for name, each in METRICS.items()
        if each.needs == "losses"
    }
    assert {name: each.score for name, each in found.items()} == {
        "perplexity": pytest.approx(2),
        "token_accuracy": 0.7,
        "loss": 0.8,
    }
    assert {each.signature for each in found.values()} == {""}


def test_a_hopeless_perplexity_is_still_a_number() -> None:
    found = METRICS["perplexity"].score(Outcome(tokens=1, nll=1e6)).score
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_an_old_name_is_known() -> None:
    assert metric("accuracy") is METRICS["token_accuracy"]
    assert metric("bleu") is METRICS["bleu"]
    assert {*TRAINED_BY} == {*METRICS, "accuracy"}
    with pytest.raises(GlimpseError, match="did you mean 'bleu'"):
        metric("blue")


def test_a_history_calls_its_columns_as_ever() -> None:
    assert [METRICS[name].column for name in WATCHED] == [
        f"validation_{name}"
        for name in ("loss", "perplexity", "accuracy", "bleu")
    ]
    assert {*WATCHED, *EVALUATED} <= METRICS.keys()
    assert all(name == each.name for name, each in METRICS.items())


def test_references_are_processed_unless_they_came_so() -> None:
    assert GOOD.processed_references[0] == ("the cat sat on the mat .",)
    supplied = Outcome(references=REFERENCES, supplied=["one", "two"])
    assert supplied.processed_references == [("one",), ("two",)]


def test_sentences_have_scores_where_the_metric_says_so() -> None:
    (of_sentence,) = [
        each.of_sentence for each in METRICS.values() if each.of_sentence
    ]
    assert of_sentence is METRICS["bleu"].of_sentence
    assert of_sentence("a b c d", ["a b c d"], "13a") == pytest.approx(100)


@pytest.mark.parametrize("is_final", [True, False])
def test_of_an_unfinished_model_nobody_is_warned(
    is_final: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """sacreBLEU takes a hundred such ends for tokenized text."""
    outcome = Outcome(["a b ."] * 100, [("a b.",)] * 100, is_final=is_final)
    score = METRICS["bleu"].score(outcome)
    assert score == METRICS["bleu"].score(replace(outcome, is_final=False))
    assert ("tokenized period" in caplog.text) == is_final
