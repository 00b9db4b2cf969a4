"""A foresight is fitted to a run, saved in it, and read when aligning."""

from pathlib import Path

import numpy as np
import pytest

from app.alignment import FORESIGHT
from app.inference import Translator
from app.inference.aligning import Aligner
from app.runs import Run
from app.training.foresight import FitOptions, fit
from data import Example, GlimpseError, Places
from tests.app.commands.test_main import invoke
from tests.app.tiny import ONE_PART, PAIRS, TinyCorpus, make_trainer

EXAMPLES = [Example(source, (target,)) for source, target in PAIRS[:7]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foresight") / "run"
    make_trainer(folder, ONE_PART).train()
    return folder


@pytest.fixture(autouse=True)
def corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.runs.folder.open_corpus", lambda *_: TinyCorpus())


def test_fitting_lowers_the_loss_and_leaves_the_model(trained: Path) -> None:
    run = Run.open(trained)
    best = trained / "best.weights.h5"
    before = best.read_bytes()
    with pytest.raises(GlimpseError, match="--fit"):
        Aligner.load(trained, reading=FORESIGHT)
    plain = Translator.load(trained).translate([PAIRS[0][0]])

    options = FitOptions(epochs=4, learning_rate=0.02, dropout=0.1)
    losses = fit(run, Places(), options)

    assert losses[-1] < losses[0]
    assert best.read_bytes() == before
    translator = Translator.load(trained)
    assert translator.translate([PAIRS[0][0]])[0].text == plain[0].text
    (forced,) = translator.force(*zip(PAIRS[0]), foresight=True)
    hypothesis = forced.hypotheses[0]
    assert hypothesis.foresight is not None
    assert hypothesis.foresight.shape == hypothesis.attention.shape
    np.testing.assert_allclose(hypothesis.foresight.sum(1), 1, 1e-5)
    assert np.abs(hypothesis.foresight - hypothesis.attention).max() > 1e-3
    view = hypothesis.view("pieces", FORESIGHT)
    assert view.weights is hypothesis.foresight
    pairs = list(Aligner(translator, reading=FORESIGHT).align(EXAMPLES))
    assert len(pairs) == len(EXAMPLES)
    assert Aligner(translator).readings == [
        *("before", "after", "posterior", "foresight")
    ]
    # The same options give the same foresight.
    path = trained / "foresight.weights.h5"
    first = translator.foresight.get_weights()
    assert fit(run, Places(), options) == losses
    again = Translator.load(trained).foresight.get_weights()
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    path.write_bytes(b"damaged")
    with pytest.raises(GlimpseError, match=r"fit it again with: .*--fit"):
        Translator.load(trained)
    path.unlink()


def test_the_command_fits(trained: Path) -> None:
    code, _, _ = invoke("align", trained, "--fit")
    assert code == 0
    assert (trained / "foresight.weights.h5").is_file()


def test_a_model_without_attention_has_no_foresight(plain_run: Path) -> None:
    with pytest.raises(GlimpseError, match="no attention that could be fitted"):
        fit(Run.open(plain_run), Places())
