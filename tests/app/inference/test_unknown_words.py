"""Unknown words of word-level models: replaced by what attention says."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from app.alignment import links
from app.config import load_config
from app.inference import Translator
from app.runs import Run
from data import Tokenizer
from data.sides import Sides
from models.sources import Encoded
from models.targets import Seen
from tests.app.commands.test_main import invoke

SOURCE = Tokenizer.train(["sees ."], 99, model_type="word")
TARGET = Tokenizer.train(["voit et ."], 99, model_type="word")
SENTENCE = "Karl sees Oslo"  # three columns and that of the end
SEES, OSLO = [0.2, 0.5, 0.3, 0.0], [0.1, 0.1, 0.3, 0.5]  # END has most of this
KARL, NOTHING = [0.9, 0.0, 0.1, 0.0], [0.0] * 4
UNSURE = [0.0, 0.0, 0.0, 1.0]


class Planted:
    """Says the same words whatever the source, and looks where it is told.

    Args:
        steps: for each step the next words with their probabilities.
        rows: for each step its weights; None for no attention.
    """

    def __init__(
        self,
        steps: Sequence[dict[str, float]],
        rows: Sequence[Sequence[float]] | None,
    ) -> None:
        pieces = TARGET.pieces(range(self.size))
        ids = {piece: id_ for id_, piece in enumerate(pieces)}
        table = np.full((len(steps) + 1, self.size), 1e-9, "float32")
        table[-1, Tokenizer.EOS] = 1
        for row, step in zip(table, steps, strict=False):
            for word, probability in step.items():
                row[ids.get(f"▁{word}", Tokenizer.UNK)] = probability
        self.log_probs = np.log(table)
        self.rows = rows and np.array([*rows, [0.0] * len(rows[0])], "float32")

    size = TARGET.vocabulary_size
    label_smoothing = 0.0

    def encode(
        self, source: tf.Tensor, lengths: tf.Tensor
    ) -> tuple[Encoded, tf.Tensor]:
        return Encoded(source), tf.zeros([tf.shape(source)[0], 1], tf.int32)

    @property
    def attends(self) -> bool:
        return self.rows is not None

    def stepper(self, encoded: Encoded) -> tuple[Any, Any]:
        return self.step, encoded

    def step(self, tokens: Any, time: Any, encoded: Any) -> tuple[Any, ...]:
        row = tf.minimum(time, len(self.log_probs) - 1)
        weights = () if self.rows is None else tf.gather(self.rows, row)
        return tf.gather(self.log_probs, row), Seen(weights), time + 1

    def attention_losses(self, weights: Any) -> list[tf.Tensor]:
        return []

    def __call__(self, inputs: dict[str, tf.Tensor]) -> dict[str, Any]:
        shape = tf.shape(inputs["target_in"])
        time = tf.tile(tf.range(shape[1])[None], [shape[0], 1])
        log_probs, seen, _ = self.step(None, time, None)
        return {"logits": log_probs, "attention_weights": seen.attention}


def make_translator(
    steps: Sequence[dict[str, float]],
    rows: Sequence[Sequence[float]] | None,
    source: Tokenizer = SOURCE,
    *overrides: str,
) -> Translator:
    config = load_config(
        "phrasebook", ["tokenizer.model_type=word", *overrides]
    )
    return Translator(
        Planted(steps, rows),  # type: ignore[arg-type]
        Sides.of([source, TARGET], config.languages),
        config,
    )


def say(text: str) -> list[dict[str, float]]:
    return [{word: 0.9} for word in text.split(" ")]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([OSLO, SEES, KARL], "Oslo voit Karl"),
        ([KARL, OSLO, SEES], "Karl voit sees"),
        ([NOTHING, SEES, OSLO], "<unk> voit Oslo"),
        ([KARL, KARL, UNSURE], "Karl voit <unk>"),
        (None, "<unk> voit <unk>"),
    ],
)
@pytest.mark.parametrize("beam_size", [1, 3])
def test_each_unknown_word_is_the_one_most_looked_at(
    rows: list[list[float]] | None, expected: str, beam_size: int
) -> None:
    translator = make_translator(say("? voit ?"), rows)
    (found,) = translator.translate([SENTENCE], beam_size=beam_size)
    hypothesis = found.hypotheses[0]
    assert found.text == expected
    assert hypothesis.ids == (1, *TARGET.encode("voit"), 1, Tokenizer.EOS)
    translator.keep_unknown = True
    (kept,) = translator.translate([SENTENCE], beam_size=beam_size)
    assert kept.text == "<unk> voit <unk>"
    assert kept.hypotheses[0].ids == hypothesis.ids
    assert kept.hypotheses[0].score == hypothesis.score
    if rows is None:
        assert hypothesis.attention is None
    else:
        np.testing.assert_allclose(hypothesis.attention[:3], rows)


def test_every_one_of_the_n_best_is_replaced() -> None:
    steps = [{"?": 0.6, "et": 0.39}, {"voit": 0.9}, {"?": 0.7, ".": 0.29}]
    translator = make_translator(steps, [KARL, SEES, OSLO])
    (found,) = translator.translate([SENTENCE], beam_size=6, nbest=4)
    assert [each.text for each in found.hypotheses] == [
        "Karl voit Oslo",
        "et voit Oslo",
        "Karl voit .",
        "et voit .",
    ]


def test_neighbours_and_sentences_of_a_batch_do_not_mix() -> None:
    translator = make_translator(say("? ?"), [KARL, OSLO])
    found = translator.translate(["Ann sees Rome", "", "Bob Eve Max"])
    assert [each.text for each in found] == ["Ann Rome", "", "Bob Max"]


def test_a_source_of_sub_words_gives_whole_words() -> None:
    sub_words = Tokenizer.train(["a"], 300)
    pieces = sub_words.pieces(sub_words.encode("x yz"))
    assert pieces == ["▁", "<0x78>", "▁", "<0x79>", "<0x7A>"]
    # Both pieces of "yz" together have more than "x", which has most alone.
    row = [0.0, 0.4, 0.0, 0.3, 0.3, 0.0]
    translator = make_translator(say("?"), [row], sub_words)
    assert translator.translate(["x yz"])[0].text == "yz"


def test_an_over_long_source_keeps_its_unknown_words() -> None:
    translator = make_translator(
        say("?"), [OSLO], SOURCE, "search.max_source_length=4"
    )
    (found,) = translator.translate([f"{SENTENCE} twice"])
    assert found.truncated
    assert found.read.text == SENTENCE
    assert found.text == "Oslo"


def test_views_show_what_stands_for_the_unknown() -> None:
    translator = make_translator(say("? voit ?"), [KARL, SEES, NOTHING])
    (found,) = translator.translate([SENTENCE])
    view = found.hypotheses[0].view()
    assert view.source == ("Karl", "sees", "Oslo", "</s>")
    assert view.target == ("Karl", "voit", "<unk>", "</s>")
    np.testing.assert_allclose(view.weights, [KARL, SEES, NOTHING, NOTHING])
    assert links(view.weights) == [(0, 0), (1, 1)]
    pieces = found.hypotheses[0].view("pieces")
    assert pieces.source == ("<unk>", "▁sees", "<unk>", "</s>")
    assert pieces.target == ("<unk>", "▁voit", "<unk>", "</s>")


def test_a_given_translation_stays_what_it_is() -> None:
    translator = make_translator(say("a b c"), [KARL, SEES, OSLO])
    (forced,) = translator.force([SENTENCE], ["Karl  voit Paris."])
    hypothesis = forced.hypotheses[0]
    assert hypothesis.text == "Karl voit Paris."
    assert hypothesis.ids == (1, *TARGET.encode("voit"), 1, Tokenizer.EOS)
    # Words are what stands between spaces, as the model has them.
    view = hypothesis.view()
    assert view.target == ("Karl", "voit", "Paris.", "</s>")
    np.testing.assert_allclose(
        view.weights, [KARL, SEES, OSLO, NOTHING], rtol=1e-6
    )


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run folder holds the same planted translator."""
    translator = make_translator(say("? voit ?"), [KARL, SEES, OSLO])

    def load(*_: Any, keep_unknown: bool = False, **__: Any) -> Translator:
        translator.keep_unknown = keep_unknown
        return translator

    monkeypatch.setattr(Translator, "load", load)
    for command in ("evaluate", "translate"):
        monkeypatch.setattr(
            f"app.commands.{command}.pick_device_for", lambda run: None
        )


@pytest.mark.usefixtures("loaded")
def test_translate_can_keep_the_marks() -> None:
    stdin = f"{SENTENCE}\n".encode()
    _, out, _ = invoke("translate", "run", stdin=stdin)
    assert out == "Karl voit Oslo\n"
    _, out, _ = invoke("translate", "run", "--keep-unknown", stdin=stdin)
    assert out == "<unk> voit <unk>\n"
    options = ("--json", "--words", "--alignments", "--nbest", 2)
    _, out, _ = invoke("translate", "run", *options, stdin=stdin)
    found = json.loads(out)
    assert found["translation"] == "Karl voit Oslo"
    assert found["target_tokens"] == ["Karl", "voit", "Oslo", "</s>"]
    assert found["alignments"] == "0-0 1-1 2-2"
    assert len(found["nbest"]) == 2


@pytest.mark.usefixtures("loaded")
def test_evaluate_can_keep_the_marks(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", load_config("phrasebook"))
    paths = tmp_path / "mine.en", tmp_path / "mine.fr"
    for path, text in zip(paths, (SENTENCE, "Karl voit Oslo"), strict=True):
        path.write_text(f"{text}\n")
    files = ("--source", paths[0], "--reference", paths[1], "--json")
    for options, ending, expected in (
        ((), "", "Karl voit Oslo\n"),
        (("--keep-unknown",), ".keep-unknown", "<unk> voit <unk>\n"),
    ):
        code, _, error = invoke("evaluate", run.folder, *files, *options)
        assert not code, error
        name = f"mine.en-????????{ending}.hypotheses.txt"
        (path,) = (run.evaluation / "files").glob(name)
        assert path.read_text() == expected
