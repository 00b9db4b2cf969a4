"""Measuring a run, on a split and on files."""

import json
import logging
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.alignment import (
    AlignmentScore,
    AttentionSummary,
    View,
    parse_pharaoh,
    warn_if_from_one,
)
from app.inference import Hypothesis, Translator
from app.measuring.evaluation import evaluate
from app.measuring.keeping import result_name
from app.measuring.measure import LengthScore, Measured
from app.measuring.saving import load_attention
from app.measuring.sets import EvaluationSet, Files, from_files, read_gold
from app.measuring.tables import table, to_json
from app.metrics import Score
from app.metrics.text import corpus_bleu, process
from data import CleaningOptions, Example, GlimpseError, Language, Places
from data.options import CorpusOptions
from tests.app.conftest import PAIRS, SOURCES, TARGETS

LANGUAGES = (Language("en"), Language("fr"))
EXAMPLES = [Example(source, (target,)) for source, target in PAIRS]
BEAM_2 = {"beam2": True}
KEYS = {
    *("corpus", "split", "sentences", "beam", "bleu", "bleu_lc_norm_tok"),
    *("chrf", "ter", "perplexity", "token_accuracy", "by_source_length"),
    *("aer", "attention", "sentences_per_second"),
}


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy to write into."""
    return shutil.copytree(tiny_run, tmp_path / "run")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    paths = Files(tmp_path / "mine.en", tmp_path / "mine.fr")
    for path, lines in zip(paths[:2], (SOURCES, TARGETS), strict=True):
        path.write_text("\n".join(lines) + "\n", "utf-8")
    return paths


def test_evaluating_files(
    run: Path, files: Files, translator: Translator
) -> None:
    result = evaluate(run, files=files, beam_size=2)
    values = to_json(result)
    assert set(values) == KEYS
    assert values == json.loads(json.dumps(values, allow_nan=False))
    assert (values["corpus"], values["split"]) == ("files", "mine.en")
    assert (values["sentences"], result.beam) == (len(PAIRS), 2)
    assert values["sentences_per_second"] > 0
    assert result.aer is None
    translations = translator.translate(SOURCES, beam_size=2)
    hypotheses = [each.text for each in translations]
    references = [(target,) for target in TARGETS]
    assert result.scores["bleu"] == corpus_bleu(hypotheses, references)

    saved = run / "evaluation" / result_name("mine.en", files, BEAM_2)
    text = Path(f"{saved}.hypotheses.txt").read_bytes().decode()
    assert text == "".join(f"{line}\n" for line in hypotheses)
    assert json.loads(Path(f"{saved}.json").read_text()) == values
    attention = load_attention(Path(f"{saved}.attention.npz"))
    for weights, translation in zip(attention, translations, strict=True):
        expected = translation.hypotheses[0].attention
        np.testing.assert_allclose(weights, expected, atol=1e-3)


def test_perplexity_and_accuracy_are_of_all_tokens(
    run: Path, files: Files, translator: Translator
) -> None:
    result = evaluate(run, files=files, beam_size=1)
    forced = translator.force(SOURCES, TARGETS)
    best = [each.hypotheses[0] for each in forced]
    tokens = sum(len(translator.sides.target.ids(target)) for target in TARGETS)
    log_prob = sum(each.log_prob for each in best)
    perplexity, accuracy = (
        result.scores[name].score for name in ("perplexity", "token_accuracy")
    )
    assert perplexity == pytest.approx(math.exp(-log_prob / tokens))
    correct = sum(each.correct or 0 for each in best)
    assert accuracy == pytest.approx(correct / tokens)


def test_empty_lines_are_evaluated_too(run: Path, tmp_path: Path) -> None:
    source, reference = tmp_path / "a", tmp_path / "b"
    source.write_text("\nI see.\n\n")
    reference.write_text("Rien.\nJe vois.\n\n")
    result = evaluate(run, files=Files(source, reference), beam_size=1)
    assert to_json(result)["sentences"] == 3
    (path,) = run.glob("evaluation/files/a-*.hypotheses.txt")
    lines = path.read_text().split("\n")
    assert len(lines) == 4
    assert lines[0] == lines[2] == ""
    (path,) = run.glob("evaluation/files/a-*.attention.npz")
    attention = load_attention(path)
    assert [len(weights) > 0 for weights in attention] == [False, True, False]


def test_rows_by_source_length(run: Path, tmp_path: Path) -> None:
    source, reference = tmp_path / "a", tmp_path / "b"
    lines = ["one", "a b c d e", "a b c d e f", "", " ".join("abcdefghijk")]
    source.write_text("\n".join(lines) + "\n")
    reference.write_text("x\n" * 5)
    result = evaluate(run, files=Files(source, reference), beam_size=1)
    rows = to_json(result)["by_source_length"]
    assert [(row["from"], row["to"], row["sentences"]) for row in rows] == [
        (1, 5, 3),
        (6, 10, 1),
        (11, 15, 1),
    ]
    assert set(rows[0]) == {"from", "to", "sentences", "bleu"}


def test_a_split_with_gold_and_supplied_references(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[CorpusOptions, CleaningOptions, Places]] = []
    gold = {2: "0-0 1-1 2p2", 5: "0-0"}
    examples = [
        replace(example, alignment=gold.get(place))
        for place, example in enumerate(EXAMPLES)
    ]

    # What the model says: the references of the examples would score less.
    said = Translator.load(run).translate(
        [example.source for example in examples], beam_size=1
    )
    supplied = [process(each.text, "fr") for each in said]

    def open_corpus(*given: Any) -> SimpleNamespace:
        asked.append(given)
        return SimpleNamespace(
            name=given[0].name,
            examples=lambda split: examples,
            processed_references=lambda split: supplied,
        )

    monkeypatch.setattr("app.runs.folder.open_corpus", open_corpus)
    places = Places(data_dir=run)
    result = evaluate(run, places, split="unseen", beam_size=1)
    assert asked == [
        (CorpusOptions("phrasebook", "en", "fr"), CleaningOptions(), places)
    ]
    assert asked[0][0].held_out == 2000
    values = to_json(result)
    assert (values["corpus"], values["split"]) == ("phrasebook", "unseen")
    assert result.scores["bleu_lc_norm_tok"].score == pytest.approx(100)
    assert result.scores["bleu"].score < 50
    aer = values["aer"]
    assert set(aer) == {
        *("score", "reading", "sentences", "precision", "recall", "f1"),
        "other_reading",
    }
    assert (aer["reading"], aer["sentences"]) == ("before", 2)
    assert aer["other_reading"]["reading"] == "after"
    assert set(aer["other_reading"]) == set(aer) - {"other_reading"}


def test_aer_is_of_the_forced_references(
    run: Path,
    files: Files,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A model that is made to look at the k-th word for the k-th word."""

    def planted(
        hypothesis: Hypothesis, by: str = "words", reading: str = "before"
    ) -> View:
        assert by == "words"
        shift = {"before": 0, "after": 1}[reading]
        return View((), (), np.eye(9, 9, shift))

    monkeypatch.setattr(Hypothesis, "view", planted)
    monkeypatch.setattr("app.measuring.saving.save_extremes", lambda *_: [])
    gold = tmp_path / "gold"
    gold.write_text("0\t0-0 1-1 2p2 3p3\n2\t0-0 1-1 2-2 3-3 4-4\n")
    result = evaluate(run, files=files._replace(alignments=gold), beam_size=1)
    assert result.aer is not None
    # 16 links made; 7 sure, of which 7 found; 9 possible, of which 9 found.
    assert result.aer["before"].aer == pytest.approx(1 - (7 + 9) / (16 + 7))
    assert result.aer["after"].aer == 1
    assert result.attention is not None
    assert result.attention.entropy == 0
    assert result.attention.diagonality == 1


def test_without_attention_there_is_no_aer(
    plain_run: Path, files: Files, tmp_path: Path
) -> None:
    run = shutil.copytree(plain_run, tmp_path / "run")
    gold = tmp_path / "gold"
    gold.write_text("0\t0-0\n")
    given = files._replace(alignments=gold)
    name = result_name("mine.en", given, {"beam1": True})
    stale = run / "evaluation" / f"{name}.attention.npz"
    stale.parent.mkdir(parents=True)
    stale.write_text("of another model")
    result = evaluate(run, files=given, beam_size=1)
    assert to_json(result)["aer"] is None
    assert to_json(result)["attention"] is None
    assert not stale.exists()


@pytest.mark.parametrize(
    ("source", "reference", "message"),
    [
        (b"a\nb\n", b"a\n", "has 2 lines and .* has 1"),
        (b"", b"", "at least one"),
        (b"a\n", b"caf\xe9\n", "not UTF-8: line 1"),
        (b"a\n", None, "cannot be read"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    tmp_path: Path, source: bytes, reference: bytes | None, message: str
) -> None:
    paths = tmp_path / "source", tmp_path / "reference"
    for path, content in zip(paths, (source, reference), strict=True):
        if content is not None:
            path.write_bytes(content)
    with pytest.raises(GlimpseError, match=message) as caught:
        from_files(Files(*paths))
    assert "\n" not in str(caught.value)


def test_only_a_newline_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes("a\u2028b\r\nc\x0bd".encode())
    examples = from_files(Files(path, path)).examples
    assert [example.source for example in examples] == ["a b", "c d"]


def test_gold_of_some_lines_and_of_all(tmp_path: Path) -> None:
    path = tmp_path / "gold"
    path.write_text("2\t0-0 1p1\n\n0\t\n")
    gold = read_gold(path, EXAMPLES, LANGUAGES)
    assert list(gold) == [2, 0]
    assert gold[2].sure == {(0, 0)}
    assert gold[2].possible == {(0, 0), (1, 1)}
    path.write_text("0-0\n\n1-1\n")
    gold = read_gold(path, EXAMPLES[:3], LANGUAGES)
    assert [each.sure for each in gold.values()] == [{(0, 0)}, set(), {(1, 1)}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0-0\n", "has 1 lines of links for 8"),
        ("8\t0-0\n", "line 1: the sentence has the number '8'; .* 0 to 7"),
        ("first\t0-0\n", "line 1: the sentence has the number 'first'"),
        ("1\t0-0\n1\t1-1\n", "line 2: sentence 1 is aligned twice"),
        ("1\t0:0\n", "line 1: .* the link '0:0'"),
        ("0\t6-0\n", "line 1: word 6 of the source .* the source has 6"),
        ("0\t0-6\n", "line 1: word 6 of the target .* the target has 6"),
    ],
)
def test_gold_that_does_not_fit_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "gold"
    path.write_text(text)
    with pytest.raises(GlimpseError, match=message):
        read_gold(path, EXAMPLES, LANGUAGES)


def test_the_table_is_aligned_and_complete() -> None:
    score = Score(12.345, "a:signature")
    alignment = AlignmentScore(0.164, 0.8, 0.9, 0.85, 100)
    result = Measured(
        EvaluationSet("phrasebook", "test", []),
        5,
        translations=[None] * 1234,  # type: ignore[list-item]
        forced=[],
        scores={
            **dict.fromkeys(("bleu", "bleu_lc_norm_tok", "chrf"), score),
            "ter": Score(102.5, "another"),
            "perplexity": Score(1.5, ""),
            "token_accuracy": Score(0.975, ""),
        },
        sentences_per_second=55.5,
        tokenizer="13a",
    )
    vars(result).update(  # which are computed where nobody knows them
        aer={"before": alignment, "after": alignment},
        attention=AttentionSummary(1.238, 0.9, 0.876, 1.05),
        by_source_length=(LengthScore(1, 5, 1200, 99.5),),
    )
    shown = table(result)
    for text in ("1,234", "beam 5", "12.35", "102.50", "a:signature", "1–5"):
        assert text in shown
    for text in ("16.40%", "97.50%", "80.0%", "55.5", "1,200", "99.50", "88%"):
        assert text in shown
    assert "1.24  bits a target word" in shown
    numbers = re.findall(r"^.+?  +[\d.%]+(?=  )", shown, flags=re.MULTILINE)
    first = [line for line in numbers if "–" not in line]
    assert len(first) >= 9
    assert len({len(line) for line in first}) == 1  # they end in one column


GOLD = {
    "g0.gold": ["0-0 3-2 4-4 5-6 6-5 7-7", "0-0 1-1 2-2 3-3 4-4"],
    "g0b.gold": ["0-0 3-2 4-4 5-6 6-5", "0-0 1-1 2-2 3-3"],
    "g1b.gold": ["1-1 4-3 5-5 6-7 7-6", "1-1 2-2 3-3 4-4"],
}
CARS = [
    Example("I don't see the red car.", ("Je ne vois pas la voiture rouge.",)),
    Example("I see the car.", ("Je vois la voiture.",)),
]


@pytest.mark.parametrize(
    ("name", "warned"), [("g0.gold", 0), ("g0b.gold", 0), ("g1b.gold", 1)]
)
def test_gold_counted_from_1_is_told(
    name: str,
    warned: int,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / name
    path.write_text("\n".join(GOLD[name]) + "\n")
    gold = list(read_gold(path, CARS, LANGUAGES).values())
    made = [parse_pharaoh(line).sure for line in GOLD["g0.gold"]]
    with caplog.at_level(logging.WARNING):
        warn_if_from_one(made, gold)
        # Nor is it told where all numbers one less do not fit much better.
        warn_if_from_one([{(1, 1), (2, 2)}], [parse_pharaoh("1-1 2-2 3-3")])
    told = [each for each in caplog.messages if "counted from 1?" in each]
    assert len(told) == warned


def test_gold_from_1_that_links_last_words_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gold"
    path.write_text("1-1 4-3 5-5 6-7 7-6 8-8\n1-1 2-2\n")
    with pytest.raises(GlimpseError, match=r"line 1: .*from 0, not from 1"):
        read_gold(path, CARS, LANGUAGES)


@pytest.mark.parametrize(
    "text",
    [
        "1 1 1 S\n1 4 3 S\n2 1 1 P\n",
        "0001 1 1 S\n0001 4 3 S\n0002 1 1 P\n",
        "2 1 1 P\n1 4 3\n1 1 1\n1 2 0 S\n",
        "1\t1\t1\tS\t1.0\n1\t4\t3\tS\t0.5\n2\t1\t1\tP\t1\n",
    ],
)
def test_gold_of_the_naacl_layout(text: str, tmp_path: Path) -> None:
    path = tmp_path / "gold"
    path.write_text(text)
    gold = read_gold(path, CARS, LANGUAGES)
    assert gold[0].sure == {(0, 0), (3, 2)}
    assert (gold[1].sure, gold[1].possible) == (set(), {(0, 0)})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 1 1 S\n3 1 1 S\n", "line 2: the sentence has the number '2'"),
        ("1 9 1 S\n", "line 1: word 8 of the source .* the source has 8"),
        ("0 1 1 S\n", "line 1: the sentence has the number '-1'"),
    ],
)
def test_gold_of_the_naacl_layout_that_does_not_fit(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "gold"
    path.write_text(text)
    with pytest.raises(GlimpseError, match=message):
        read_gold(path, CARS, LANGUAGES)


def test_gold_of_tokens_is_refused_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "gold"
    path.write_text("0-0 2-1\n" * 4)
    examples = [Example("well @-@ known", ("bien connu",))] * 4
    with pytest.raises(GlimpseError, match=r"corpus\.tokenised=true"):
        read_gold(path, examples, LANGUAGES)
    tokenised = (Language("en", True), Language("fr", True))
    assert read_gold(path, examples, tokenised)[0].sure == {(0, 0), (2, 1)}
