"""Given translations aligned, in one direction or in two."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from app.alignment import (
    Gold,
    View,
    links,
    parse_pharaoh,
    save_npz,
    scores_table,
)
from app.config import Config
from app.inference.aligning import Aligner, write
from app.inference.translator import Translator
from data import Example, GlimpseError, words
from data.options import CorpusOptions
from data.sides import Sides
from models import StartingExample
from tests.app.commands.test_main import invoke
from tests.app.conftest import PAIRS, SOURCES, TARGETS

EXAMPLES = [Example(source, (target,)) for source, target in PAIRS]


@pytest.fixture(scope="module")
def backward(translator: Translator) -> Translator:
    """The same made-up weights, said to translate French."""
    corpus = CorpusOptions(source="fr", target="en")
    config = Config(**{**vars(translator.config), "corpus": corpus})
    sides = Sides.of(translator.sides.tokenizers, config.languages)
    return Translator(translator.model, sides, config)


def test_one_direction_links_by_its_attention(translator: Translator) -> None:
    pairs = list(Aligner(translator).align(EXAMPLES))
    assert [(each.source, each.target) for each in pairs] == PAIRS
    for pair, forced in zip(
        pairs, translator.force(SOURCES, TARGETS), strict=True
    ):
        view = forced.hypotheses[0].view()
        assert list(pair.links) == links(view.weights)
        assert len(pair.view.source) == len(words(pair.source, "en")) + 1


def test_a_reading_and_a_threshold_are_heeded(translator: Translator) -> None:
    (forced,) = translator.force(SOURCES[:1], TARGETS[:1])
    view = forced.hypotheses[0].view(reading="after")
    aligner = Aligner(translator, reading="after", threshold=0.1)
    (pair,) = aligner.align(EXAMPLES[:1])
    assert list(pair.links) == links(view.weights, 0.1)
    assert list(pair.links) != links(view.weights)


def test_the_posterior_knows_the_words(translator: Translator) -> None:
    forced = translator.force(SOURCES, TARGETS, posterior=True)
    pairs = list(Aligner(translator, reading="posterior").align(EXAMPLES))
    for pair, each in zip(pairs, forced, strict=True):
        (hypothesis,) = each.hypotheses
        shape = len(hypothesis.ids), len(each.source_ids)
        assert hypothesis.posterior is not None
        assert hypothesis.attention is not None
        assert hypothesis.posterior.shape == shape
        np.testing.assert_allclose(hypothesis.posterior.sum(1), 1, atol=1e-5)
        view = hypothesis.view(reading="posterior")
        assert list(pair.links) == links(view.weights)
        assert np.abs(hypothesis.posterior - hypothesis.attention).max() > 1e-3
    (plain, *_) = translator.force(SOURCES, TARGETS)
    assert plain.hypotheses[0].posterior is None


def test_the_starting_example_has_no_posterior(translator: Translator) -> None:
    other = StartingExample(360, 360, 4, 4)
    other.build()
    example = Translator(other, translator.sides, translator.config)
    with pytest.raises(GlimpseError, match="have no posterior"):
        Aligner(example, reading="posterior")
    link = frozenset({(0, 0)})
    gold = {0: Gold(link, link)}
    (readings,) = Aligner(example).score(EXAMPLES[:1], gold).values()
    assert list(readings) == ["before", "after"]


@pytest.mark.parametrize("heuristic", ["intersection", "union"])
def test_two_directions_are_joined(
    heuristic: str, translator: Translator, backward: Translator
) -> None:
    there = [set(each.links) for each in Aligner(translator).align(EXAMPLES)]
    turned = [Example(target, (source,)) for source, target in PAIRS]
    back = [
        {(i, j) for j, i in each.links}
        for each in Aligner(backward).align(turned)
    ]
    assert there != back
    both = Aligner(translator, backward, heuristic=heuristic)
    join = set.__and__ if heuristic == "intersection" else set.__or__
    assert [set(each.links) for each in both.align(EXAMPLES)] == [
        join(one, other) for one, other in zip(there, back, strict=True)
    ]


def test_scores_are_those_of_the_links(
    translator: Translator, backward: Translator
) -> None:
    aligner = Aligner(translator, backward)
    gold = {
        place: Gold(frozenset(pair.links), frozenset(pair.links))
        for place, pair in enumerate(aligner.align(EXAMPLES))
        if place in (2, 5)
    }
    scores = aligner.score(EXAMPLES, gold)
    assert list(scores) == [
        *("forward", "reverse", "grow-diag-final-and", "intersection", "union")
    ]
    perfect = scores["grow-diag-final-and"]["before"]
    assert (perfect.aer, perfect.sentences) == (0, 2)
    assert scores["union"]["before"].recall == 1
    assert scores["intersection"]["before"].precision == 1
    assert scores["forward"]["before"].aer > 0
    assert scores["grow-diag-final-and"]["after"].aer > 0
    (line,) = (
        line.split()
        for line in scores_table(scores).split("\n")
        if line.startswith("grow-diag-final-and  before ")
    )
    assert line[2] == "0.00%"
    assert list(Aligner(translator).score(EXAMPLES, gold)) == ["forward"]


def test_what_cannot_be_aligned_is_refused(
    translator: Translator, backward: Translator, plain_run: Path
) -> None:
    with pytest.raises(
        GlimpseError, match="translates en→fr and the other model en"
    ):
        Aligner(translator, translator)
    with pytest.raises(GlimpseError, match="without attention"):
        list(Aligner(Translator.load(plain_run)).align(EXAMPLES))
    with pytest.raises(GlimpseError, match="no gold alignments"):
        Aligner(translator).score(EXAMPLES, {})
    with pytest.raises(ValueError, match="did you mean 'union'"):
        Aligner(translator, backward, heuristic="onion")


def test_attention_is_saved_for_numpy(
    translator: Translator, tmp_path: Path
) -> None:
    pairs = list(Aligner(translator).align(EXAMPLES))
    views = [pair.view for pair in pairs]
    save_npz(tmp_path / "a.npz", views, [pair.links for pair in pairs])
    with np.load(tmp_path / "a.npz") as arrays:
        saved = dict(arrays)
    starts = np.cumsum([0, *saved["shapes"].prod(1)])
    for place, pair in enumerate(pairs):
        part = saved["weights"][starts[place] : starts[place + 1]]
        np.testing.assert_array_equal(
            part.reshape(saved["shapes"][place]), pair.view.weights
        )
    labels = [word for pair in pairs for word in pair.view.source]
    assert saved["source_tokens"].tolist() == labels
    assert parse_pharaoh(saved["links"][3]).sure == set(pairs[3].links)
    save_npz(tmp_path / "none.npz", [], [])
    assert np.load(tmp_path / "none.npz")["shapes"].shape == (0, 2)
    with pytest.raises(GlimpseError, match="no weights to save"):
        save_npz(tmp_path / "a.npz", [View(("a",), ("b",), None)], [[]])


@pytest.mark.parametrize("merged", [True, False])
def test_translate_saves_every_hypothesis(
    merged: bool, translator: Translator, tiny_run: Path, tmp_path: Path
) -> None:
    npz = tmp_path / "t.npz"
    stdin = f"{SOURCES[0]}\n\n{SOURCES[1]}\n".encode()
    options = ("--beam", 3, "--nbest", 2, "--npz", npz)
    words = ("--words",) if merged else ()
    code, _, error = invoke(
        "translate", tiny_run, *options, *words, stdin=stdin
    )
    assert code == 0, error
    expected = [
        hypothesis.view("words" if merged else "pieces")
        for each in translator.translate(
            [SOURCES[0], "", SOURCES[1]], beam_size=3, nbest=2
        )
        for hypothesis in each.hypotheses
    ]
    with np.load(npz) as arrays:
        saved = dict(arrays)
    assert saved["shapes"].tolist() == [
        [len(each.target), len(each.source)] for each in expected
    ]
    weights = [each.weights for each in expected if each.weights is not None]
    assert len(weights) == 4
    np.testing.assert_allclose(
        saved["weights"], np.concatenate([each.ravel() for each in weights])
    )
    target = [token for each in expected for token in each.target]
    assert saved["target_tokens"].tolist() == target
    assert len(saved["links"]) == len(expected)


def test_json_has_words_links_and_entropy(translator: Translator) -> None:
    output = io.StringIO()
    write(Aligner(translator), EXAMPLES, output, as_json=True)
    found = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [each["source"] for each in found] == SOURCES
    for each in found:
        weights = np.array(each["attention"])
        shape = len(each["target_tokens"]), len(each["source_tokens"])
        assert weights.shape == shape
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-4)
        assert len(each["entropy"]) == shape[0]
        assert max(each["entropy"]) <= np.log2(shape[1])


def test_the_command_aligns_files(tiny_run: Path, tmp_path: Path) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    paths = tmp_path / "a.en", tmp_path / "a.fr"
    for path, lines in zip(paths, (SOURCES, TARGETS), strict=True):
        path.write_text("\n".join(lines) + "\n", "utf-8")
    files = ("--source", paths[0], "--reference", paths[1])
    npz = tmp_path / "a.npz"
    code, out, error = invoke("align", run, *files, "--npz", npz)
    assert code == 0, error
    lines = out.splitlines()
    assert len(lines) == len(PAIRS)
    with np.load(npz) as arrays:
        assert arrays["links"].tolist() == lines
    gold = tmp_path / "gold"
    gold.write_text(out)
    scored = ("--score", "--alignments", gold)
    code, out, _ = invoke("align", run, *files, *scored, "--json")
    assert code == 0
    scores = json.loads(out)["forward"]
    assert (scores["before"]["aer"], scores["before"]["sentences"]) == (0, 8)
    assert scores["after"]["aer"] > 0
    code, out, _ = invoke("align", run, *files, *scored)
    assert out.startswith("links")
    code, _, error = invoke("align", run, *files, "--score")
    assert code == 1
    assert "no gold alignments" in error
    code, _, error = invoke("align", run, "--source", paths[0])
    assert code == 2
    assert "go together" in error
    for command in ("align", "evaluate"):
        code, _, error = invoke(command, run, "--alignments", gold)
        assert code == 2
        assert "goes with --source" in " ".join(error.split())


def test_views_without_attention_have_no_links() -> None:
    assert links(View(("a",), ("b",), None).weights) == []
