"""Strings in, translations and attention out."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.inference import Translation, Translator
from data import GlimpseError, Tokenizer, normalise
from data.sides import Sides
from models import SearchOptions
from tests.app.conftest import SOURCES, TARGETS


def same(one: Translation, other: Translation) -> bool:
    """Equal texts and ids; scores and attention but for rounding."""
    pairs = list(zip(one.hypotheses, other.hypotheses, strict=True))
    return all(
        left.ids == right.ids
        and left.text == right.text
        and abs(left.score - right.score) < 1e-4
        and np.allclose(left.attention, right.attention, atol=1e-4)
        for left, right in pairs
    )


def test_order_is_kept_and_batches_change_nothing(
    translator: Translator,
) -> None:
    together = translator.translate(SOURCES, nbest=3)
    assert [each.source for each in together] == SOURCES
    assert len({each.text for each in together}) == len(SOURCES)
    backwards = translator.translate(SOURCES[::-1], nbest=3)[::-1]
    alone = [translator.translate([one], nbest=3)[0] for one in SOURCES]
    for one, other, third in zip(together, backwards, alone, strict=True):
        assert same(one, other)
        assert same(one, third)


def test_more_than_one_batch(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = translator.translate(SOURCES)
    monkeypatch.setattr("app.inference.batching.BATCH_SIZE", 3)
    counts: list[int] = []
    parts = translator.translate(SOURCES, progress=counts.append)
    assert counts == [3, 3, 2]
    assert all(map(same, together, parts))


def test_parts_of_a_batch_side_by_side_change_nothing(
    translator: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def results() -> list[Translation]:
        found = translator.translate(SOURCES, nbest=3)
        return found + translator.force(SOURCES, TARGETS, posterior=True)

    assert translator.config.training.parts == 2
    whole = results()
    monkeypatch.setattr("app.inference.translator.LEAST_DIVIDED", 1)
    monkeypatch.setattr(
        "app.inference.batching.BATCH_SIZE", 7
    )  # the last: 1 and none
    parted = results()
    assert all(map(same, whole, parted))
    for one, other in zip(whole, parted, strict=True):
        origins = [each.hypotheses[0].posterior for each in (one, other)]
        if origins[0] is not None:
            np.testing.assert_allclose(*origins, atol=1e-4)


def test_an_empty_sentence_has_an_empty_translation(
    translator: Translator,
) -> None:
    first, empty, spaces, last = translator.translate(
        [SOURCES[0], "", " \t\u2028 ", SOURCES[1]]
    )
    assert same(first, translator.translate(SOURCES[:1])[0])
    assert same(last, translator.translate(SOURCES[1:2])[0])
    for each in (empty, spaces):
        assert each.text == ""
        assert each.hypotheses[0].ids == ()
        assert each.hypotheses[0].attention is None
    assert translator.translate([]) == []


def test_nbest_are_different_and_in_order(translator: Translator) -> None:
    translation = translator.translate(SOURCES[:1], beam_size=5, nbest=4)[0]
    scores = [each.score for each in translation.hypotheses]
    assert len({each.ids for each in translation.hypotheses}) == 4
    assert scores == sorted(scores, reverse=True)
    best = translator.translate(SOURCES[:1], beam_size=5)[0]
    assert best.hypotheses == (best.hypotheses[0],)
    assert best.text == translation.text


def test_attention_has_a_row_a_token_and_rows_sum_to_one(
    translator: Translator,
) -> None:
    forced = translator.force(SOURCES, TARGETS)
    for each in [*translator.translate(SOURCES, nbest=2), *forced]:
        for hypothesis in each.hypotheses:
            assert hypothesis.ids[-1] == Tokenizer.EOS
            assert each.source_ids[-1] == Tokenizer.EOS
            assert hypothesis.attention is not None
            assert hypothesis.attention.shape == (
                len(hypothesis.ids),
                len(each.source_ids),
            )
            np.testing.assert_allclose(
                hypothesis.attention.sum(1), 1, atol=1e-5
            )


def test_nbest_needs_a_beam_as_large(translator: Translator) -> None:
    with pytest.raises(GlimpseError, match="--beam 4"):
        translator.translate(SOURCES[:1], beam_size=3, nbest=4)


def test_an_over_long_sentence_is_cut(translator: Translator) -> None:
    config = replace(
        translator.config, search=SearchOptions(max_source_length=7)
    )
    short = Translator(translator.model, translator.sides, config)
    cut, whole = short.translate([SOURCES[0], "a"])
    assert cut.truncated
    assert not whole.truncated
    assert len(cut.source_ids) == 7
    assert cut.source == SOURCES[0]
    assert SOURCES[0].startswith(cut.read.text)
    assert same(cut, translator.translate([cut.read.text])[0])


class Recalling(Tokenizer):
    """Gives back the ids it decoded a text from, wherever it did."""

    def __init__(self, model: bytes) -> None:
        super().__init__(model)
        self.ids: dict[str, list[int]] = {}

    def decode(self, ids: Iterable[int]) -> str:
        ids = list(ids)
        text = super().decode(ids)
        self.ids[normalise(text)] = ids[:-1]  # without the end mark
        return text

    def encode(self, text: str) -> list[int]:
        return self.ids[normalise(text)]


@pytest.fixture
def recalling(translator: Translator) -> Translator:
    source, target = (side.tokenizer for side in translator.sides)
    tokenizers = [source, Recalling(target.model)]
    sides = Sides.of(tokenizers, translator.sides.languages)
    return Translator(translator.model, sides, translator.config)


def test_forcing_a_hypothesis_gives_what_the_search_gave(
    recalling: Translator,
) -> None:
    searched = recalling.translate(SOURCES)
    forced = recalling.force(SOURCES, [each.text for each in searched])
    for one, other in zip(searched, forced, strict=True):
        found, scored = one.hypotheses[0], other.hypotheses[0]
        assert scored.ids == found.ids
        assert scored.log_prob == pytest.approx(found.log_prob, abs=1e-3)
        np.testing.assert_allclose(scored.attention, found.attention, atol=1e-4)


def test_correct_counts_the_tokens_a_greedy_search_would_take(
    recalling: Translator,
) -> None:
    greedy = recalling.translate(SOURCES, beam_size=1)
    forced = recalling.force(SOURCES, [each.text for each in greedy])
    for each in forced:
        ids = each.hypotheses[0].ids
        limit = recalling.config.search.limits([len(each.source_ids)])[0]
        # The end mark at the limit is not the model's choice.
        wrong = 1 if len(ids) == limit else 0
        assert each.hypotheses[0].correct == len(ids) - wrong


def test_a_run_folder_may_move(
    tiny_run: Path, translator: Translator, tmp_path: Path
) -> None:
    moved = shutil.copytree(tiny_run, tmp_path / "else" / "where")
    translations = Translator.load(str(moved)).translate(SOURCES)
    assert all(map(same, translations, translator.translate(SOURCES)))


def test_without_attention(plain_run: Path) -> None:
    plain = Translator.load(plain_run)
    translations = [*plain.translate(SOURCES), *plain.force(SOURCES, TARGETS)]
    assert all(each.hypotheses[0].attention is None for each in translations)
    assert all(each.hypotheses[0].ids for each in translations)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GlimpseError, match="is not a run folder"):
        Translator.load(tmp_path)


@pytest.mark.parametrize("damage", ["missing", "cut", "noise"])
def test_missing_or_damaged_weights_are_refused(
    tiny_run: Path, tmp_path: Path, damage: str
) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    weights = run / "best.weights.h5"
    content = weights.read_bytes()
    if damage == "missing":
        weights.unlink()
        message = "holds no weights yet"
    else:
        weights.write_bytes(content[:999] if damage == "cut" else b"noise" * 99)
        message = "cannot be read as weights"
    with pytest.raises(GlimpseError, match=message) as caught:
        Translator.load(run)
    assert str(run) in str(caught.value)
    assert not re.search(r"\n", str(caught.value))


def test_a_missing_tokenizer_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    (run / "tokenizer.model").unlink()
    with pytest.raises(GlimpseError, match="tokenizer"):
        Translator.load(run)
