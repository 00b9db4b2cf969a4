"""Scores of texts, worked out by hand."""

from pathlib import Path

import pytest

from app.metrics.text import (
    corpus_bleu,
    process,
    processed_bleu,
    sentence_bleu,
)
from data import normalise
from data.corpora.files import read_lines
from tests.app.metrics.texts import text_scores


def test_text_scores_by_hand() -> None:
    references = [("the cat sat on the mat .",), ("a dog ran",)]
    perfect = text_scores([text for (text,) in references], references)
    assert perfect["bleu"].score == pytest.approx(100)
    assert perfect["chrf"].score == pytest.approx(100)
    assert perfect["ter"].score == 0
    assert "tok:13a" in perfect["bleu"].signature
    assert "case:mixed" in perfect["bleu"].signature
    # One substitution in ten words.
    scores = text_scores(["the cat sat on a mat .", "a dog ran"], references)
    assert scores["ter"].score == pytest.approx(10)
    # 9/10 words, 6/8 pairs, 3/6 triples, 1/4 quadruples; no brevity penalty.
    bleu = 100 * (9 / 10 * 6 / 8 * 3 / 6 * 1 / 4) ** 0.25
    assert scores["bleu"].score == pytest.approx(bleu)
    hypotheses = ["the cat sat on a mat .", "a dog ran"]
    found = corpus_bleu(hypotheses, references)
    assert found.score == pytest.approx(bleu)


def test_any_of_several_references_will_do() -> None:
    hypotheses = ["the cat sat on the mat .", "a dog ran away from us"]
    references = [("no", hypotheses[0], "never"), (hypotheses[1],)]
    scores = text_scores(hypotheses, references)
    assert scores["bleu"].score == pytest.approx(100)
    assert scores["ter"].score == 0


@pytest.mark.parametrize(
    ("language", "text", "processed"),
    [
        (
            "en",
            "It's “Fine” & 3-D.",
            "it &apos;s &quot; fine &quot; &amp; 3-d .",
        ),
        (
            "fr",
            "L'eau, c’est «bon».",
            "l&apos; eau , c&apos; est &quot; bon &quot; .",
        ),
    ],
)
def test_processing(language: str, text: str, processed: str) -> None:
    assert process(text, language) == processed
    score = processed_bleu([text], [(processed,)], language)
    assert score.score == pytest.approx(100)
    assert "tok:none" in score.signature


@pytest.mark.parametrize(
    ("language", "equal"), [("en", 1000), ("fr", 999), ("de", 1000)]
)
def test_processing_gives_the_supplied_references(
    data_dir: Path, language: str, equal: int
) -> None:
    stem = data_dir / "multi30k" / "test_2016_flickr"
    raw = read_lines(Path(f"{stem}.{language}.gz"))
    supplied = read_lines(Path(f"{stem}.lc.norm.tok.{language}.gz"))
    made = [process(normalise(line), language) for line in raw]
    same = [one == other for one, other in zip(made, supplied, strict=True)]
    assert sum(same) == equal


def test_bleu_of_one_sentence_by_hand() -> None:
    assert sentence_bleu("a b c d", ["a b c d"]) == pytest.approx(100)
    # Two words have no triples: 2/2 words and 1/1 pairs, not 0 in all.
    assert sentence_bleu("a b", ["a b"]) == pytest.approx(100)
    # 3/4 words, 2/3 pairs, 1/2 triples, 0/1 quadruple smoothed to 1/2.
    found = sentence_bleu("a b c x", ["no", "a b c d"])
    expected = 100 * (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** 0.25
    assert found == pytest.approx(expected)
