"""Beginnings, phrases, drawn words, ensembles and settings of translations."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.inference import Translator
from app.inference.wishes import NO_WISHES, Wishes
from app.runs import Run
from data import GlimpseError, Tokenizer
from data.sides import Sides
from tests.app.commands.test_main import invoke
from tests.app.conftest import SOURCES, make_run


@pytest.mark.parametrize("beam_size", [1, 3])
def test_each_sentence_has_its_own_beginning(
    translator: Translator, beam_size: int
) -> None:
    beginnings = ["Je vo", "", "Ünis 3", "Le chat ", "N", "", "vous", "elle a"]
    found = translator.translate(
        SOURCES,
        beam_size=beam_size,
        wishes=[Wishes(each) for each in beginnings],
    )
    for each, beginning in zip(found, beginnings, strict=True):
        assert f"{each.text} ".startswith(beginning)
    free = translator.translate([SOURCES[1]], beam_size=beam_size)[0]
    assert found[1].text == free.text


def test_phrases_are_always_there(translator: Translator) -> None:
    """As words of their own, also with a beginning; the beam is widened."""
    wishes = [
        NO_WISHES,
        Wishes(phrases=("pomme",)),
        Wishes(phrases=("de l'eau", "chat")),
        Wishes("Nous ", ("clé", "")),
    ]
    found = translator.translate(SOURCES[:4], beam_size=2, wishes=wishes)
    for translation, wished in zip(found, wishes, strict=True):
        words = f" {translation.text} "
        for phrase in wished.phrases:
            place = words.find(phrase)
            assert place >= 0
            after = words[place + len(phrase)] if phrase else " "
            assert not after.isalnum()
        assert translation.text.startswith(wished.beginning)


def test_wishes_that_cannot_come_true(translator: Translator) -> None:
    options = translator.config.search
    wishes = [Wishes(phrases=("chat",))]
    for changed, message in (
        ({"sampling": True}, "leave out one of the two"),
        ({"forbidden_words": ("Chat",)}, "leave it out of one of the two"),
    ):
        with pytest.raises(GlimpseError, match=message):
            translator.translate(
                SOURCES[:1],
                options=replace(options, **changed),  # type: ignore[arg-type]
                wishes=wishes,
            )


def test_drawn_translations_depend_on_seed_and_sentence_alone(
    translator: Translator,
) -> None:
    options = replace(translator.config.search, sampling=True, beam_size=3)
    found = translator.translate(SOURCES, nbest=3, options=options)
    texts = [[h.text for h in each.hypotheses] for each in found]
    assert len({text for each in texts for text in each}) > len(SOURCES)
    alone = translator.translate(SOURCES[3:4], nbest=3, options=options)
    assert [h.text for h in alone[0].hypotheses] == texts[3]
    other = translator.translate(
        SOURCES, nbest=3, options=replace(options, seed=2)
    )
    assert [[h.text for h in each.hypotheses] for each in other] != texts


def test_confidences_are_probabilities_of_words(
    translator: Translator,
) -> None:
    for translation in translator.translate(SOURCES, nbest=2):
        for each in translation.hypotheses:
            assert each.token_log_probs is not None
            np.testing.assert_allclose(
                each.token_log_probs.sum(), each.log_prob, rtol=1e-4
            )
            mean = np.exp(each.token_log_probs.mean())
            assert each.confidence == pytest.approx(mean, rel=1e-4)
            pieces = each.confidences("pieces")
            np.testing.assert_allclose(
                pieces, np.exp(each.token_log_probs), 1e-5
            )
            words = each.confidences()
            assert len(words) == len(each.view("words").target)
            assert np.prod(words) == pytest.approx(np.prod(pieces), rel=1e-3)


def test_two_runs_translate_together(tiny_run: Path, tmp_path: Path) -> None:
    """Also in evaluation, whose results then have a name of their own."""
    run = Run.open(make_run(tmp_path / "second"))
    model = run.build_model(run.load_sides())
    run.load_weights(model)
    for weight in model.weights:
        weight.assign(-weight.numpy())
    run.save_weights(model, "best")
    alone = Translator.load(tiny_run).translate(SOURCES)
    same = Translator.load(tiny_run, [tiny_run]).translate(SOURCES)
    both = Translator.load(tiny_run, [run.folder]).translate(SOURCES)
    assert [each.text for each in same] == [each.text for each in alone]
    assert [each.text for each in both] != [each.text for each in alone]
    run.save_sides(
        Sides.of([Tokenizer.train(SOURCES, 330)], run.config.languages)
    )
    with pytest.raises(GlimpseError, match="second has other tokenizers"):
        Translator.load(tiny_run, [run.folder])


def test_the_options_of_search_change_for_one_translator(
    tiny_run: Path,
) -> None:
    changed = Translator.load(
        tiny_run, search=["search.beam_size=2", "search.min_length=9"]
    )
    assert changed.config.search.beam_size == 2
    for translation in changed.translate(SOURCES):
        assert len(translation.hypotheses[0].ids) >= 9
    for wrong, message in (
        ("training.epochs=3", "only options of search"),
        ("search.beams=3", "beam_size"),
        ("search.top_p=2", "top_p"),
    ):
        with pytest.raises(GlimpseError, match=message):
            Translator.load(tiny_run, search=[wrong])


def test_the_command_has_them_all(
    tiny_run: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    glossary = tmp_path / "terms.tsv"
    glossary.write_text("red car\tBOLIDE\n\n", "utf-8")
    stdin = f"{SOURCES[0]}\nThe {{name}} sleeps.\n"
    code, found, _ = invoke(
        *("translate", tiny_run, "--prefix", "Je ", "--force", "pomme"),
        *("--forbid", "chat", "--ensemble", tiny_run, "--glossary", glossary),
        *("--set", "search.no_repeated_words=1", "--set", "search.beam_size=9"),
        stdin=stdin.encode(),
    )
    assert code == 0
    first, second = found.splitlines()
    for line in (first, second):
        assert line.startswith("Je ")
        assert "pomme" in line
    assert "BOLIDE" in first
    assert "{name}" in second
    assert f"Translating with {tiny_run}, {tiny_run}" in caplog.text
    drawn = [
        invoke(
            *("translate", tiny_run, "--sample", "--seed", seed, "--nbest", 2),
            stdin=SOURCES[0].encode(),
        )[1]
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
