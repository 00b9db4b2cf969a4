"""Cells, directions, depths, attentions, windows and decoders go together.

`make test` runs rows in which any two choices meet at least once; `make
test-all` runs every combination.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from allpairspy import AllPairs

from app.config import load_config
from data import GlimpseError
from models import SearchOptions, search
from models.architecture import ModelOptions, build_model
from models.attention import ATTENTIONS
from models.attention.windows import WINDOWS
from models.cells import CELLS
from models.decoder import DecoderState
from models.encoder import DIRECTIONS
from models.seq2seq import Seq2Seq
from models.sources import Encoded
from tests.models.tiny import (
    BOS,
    EOS,
    PAD,
    SOURCE_VOCABULARY,
    SYMBOLS,
    TARGET_VOCABULARY,
    batch,
    randomise,
)

LONGEST = 3  # tokens of a translation
UNITS = 6  # of a decoder, and of both directions of an encoder


class Combination(NamedTuple):
    decoder: str
    attention: str
    window: str
    cell: str
    direction: str
    layers: int

    def options(self) -> ModelOptions:
        directions = 2 if self.direction == "bidirectional" else 1
        return ModelOptions(
            cell=self.cell,
            embedding_units=5,
            encoder_units=UNITS // directions,
            encoder_layers=self.layers,
            direction=self.direction,
            decoder=self.decoder.partition("-")[0],
            decoder_units=UNITS,
            decoder_layers=self.layers,
            attention=self.attention,
            attention_units=4,
            num_heads=2,
            window=self.window,
            window_half_width=2,
            input_feeding=self.decoder == "luong-feeding",
        )


ATTENDING: list[Sequence[Any]] = [
    ["bahdanau", "luong", "luong-feeding", "conditional"],
    list(ATTENTIONS),
    ["none", *WINDOWS],
]
NOT_ATTENDING: list[Sequence[Any]] = [["plain"], ["bahdanau"], ["none"]]
OTHERS: list[Sequence[Any]] = [list(CELLS), list(DIRECTIONS), [1, 2]]
ALL = [
    Combination(*row)
    for axes in (ATTENDING, NOT_ATTENDING)
    for row in itertools.product(*axes, *OTHERS)
]
PAIRWISE = [
    Combination(*row)
    for axes in (ATTENDING, NOT_ATTENDING)
    for row in AllPairs([*axes, *OTHERS])
]


def _name(row: Combination) -> str:
    return "-".join(str(choice) for choice in row)


def check(row: Combination) -> None:
    """Trains a step, searches, and is forced to the training logits."""
    model = build_model(row.options(), SOURCE_VOCABULARY, TARGET_VOCABULARY)
    assert isinstance(model, Seq2Seq)
    model.build()
    randomise(model)
    model.compile("sgd")  # which costs the least of all
    data = batch([[5, 9, EOS], [6, EOS]], [[4, 7, EOS], [8, EOS]])
    assert np.isfinite(model.train_step(data)["loss"])
    start = model.encode(data[0]["source"], data[0]["source_length"])
    _check_forced(model, data[0], *start)
    _check_search(model, data[0], *start)


def _check_forced(
    model: Seq2Seq,
    inputs: dict[str, tf.Tensor],
    encoded: Encoded,
    state: DecoderState,
) -> None:
    logits = model(inputs)["logits"]
    assert np.all(np.isfinite(logits))
    expected = tf.nn.log_softmax(logits)
    for t in range(logits.shape[1]):
        tokens = inputs["target_in"][:, t : t + 1]
        found, _, state = model.step(tokens, state, encoded)
        np.testing.assert_allclose(found[:, 0], expected[:, t], atol=1e-4)


def _check_search(
    model: Seq2Seq,
    inputs: dict[str, tf.Tensor],
    encoded: Encoded,
    state: DecoderState,
) -> None:
    """Forced, the best hypothesis has the log-probability it was found with."""
    step, memory = model.stepper(encoded)
    sources = {name: inputs[name] for name in ("source", "source_length")}
    greedy, beam = (
        search(
            lambda tokens, state: step(tokens, state, memory),
            state,
            limits=tf.fill([sources["source"].shape[0]], LONGEST),
            symbols=SYMBOLS,
            options=SearchOptions(beam_size=size, max_length=LONGEST),
        )
        for size in (1, 2)
    )
    found = [greedy.tokens[:, 0], beam.tokens[:, 0]]
    best = tf.concat(found, 0)
    begin = tf.fill([best.shape[0], 1], BOS)
    target_in = tf.concat([begin, best[:, :-1]], 1)
    twice = {name: tf.concat([one, one], 0) for name, one in sources.items()}
    logits = model({**twice, "target_in": target_in})["logits"]
    gained = tf.gather(tf.nn.log_softmax(logits), best, batch_dims=2)
    np.testing.assert_allclose(
        tf.reduce_sum(gained * tf.cast(best != PAD, tf.float32), 1),
        tf.concat([greedy.log_probs[:, 0], beam.log_probs[:, 0]], 0),
        atol=1e-3,
    )


@pytest.mark.parametrize("row", PAIRWISE, ids=_name)
def test_any_two_choices_go_together(row: Combination) -> None:
    check(row)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """To collect thousands of rows takes seconds: where they are run alone."""
    if metafunc.function is test_all_choices_go_together:
        left_out = metafunc.config.option.markexpr == "not slow"
        metafunc.parametrize("row", [] if left_out else ALL, ids=_name)


@pytest.mark.slow
def test_all_choices_go_together(row: Combination) -> None:
    check(row)


def test_every_possible_pair_is_in_some_row() -> None:
    def pairs(rows: list[Combination]) -> set[Any]:
        return {
            (i, row[i], j, row[j])
            for row in rows
            for i, j in itertools.combinations(range(len(row)), 2)
        }

    assert pairs(PAIRWISE) == pairs(ALL)
    assert len(PAIRWISE) < len(ALL) / 20


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            ["decoder=plain", "window=local-m"],
            "model.window=local-m does not go with model.decoder=plain, which "
            "has no attention to narrow: set model.window=none, or",
        ),
        (
            ["attention=luong-dot"],
            "model.attention=luong-dot does not go with an encoder of 256 "
            "units, both directions together, and a decoder of 128 units; they "
            "need equal numbers: set model.decoder_units=256",
        ),
        (
            ["decoder=conditional", "input_feeding=true"],
            "model.input_feeding is true with model.decoder=conditional; only "
            "the decoder luong has input feeding: set model.decoder=luong",
        ),
        (
            ["decoder=luong", "readout=maxout"],
            "model.readout=maxout does not go with model.decoder=luong, whose "
            "readout is the attentional vector, a tanh: set model.readout=tanh",
        ),
        (
            ["attention=multi-head", "num_heads=7"],
            "model.num_heads=7 does not go with model.attention_units=128; the "
            "heads share the units equally: set a number of heads that divides "
            "the number of units",
        ),
        (
            ["bridge=last"],
            "model.bridge=last does not go with an encoder of 256 units, both "
            "directions together, and a decoder of 128 units; they need equal "
            "numbers: set",
        ),
        (
            ["bridge=last", "decoder_units=256", "decoder_layers=2"],
            "model.bridge=last does not go with model.encoder_layers=1 and "
            "model.decoder_layers=2; each decoder layer starts from an encoder "
            "layer: set",
        ),
        (
            ["variational_dropout=true"],
            "model.variational_dropout is true with model.encoder_dropout=0; "
            "it says how model.encoder_dropout is applied: set "
            "model.encoder_dropout",
        ),
        (
            ["kind=starting-example", "window=local-p"],
            "model.window=local-p: no effect with model.kind=starting-example, "
            "which is "
            "always the same network: leave out",
        ),
        (
            ["kind=starting-example", "cell=lstm", "tied_embeddings=false"],
            "model.cell=lstm, model.tied_embeddings=False: no effect with",
        ),
        (
            # Of which a decoder without attention would be another.
            ["kind=starting-example", "decoder=plain", "residual=true"],
            "model.decoder=plain, model.residual=True: no effect with",
        ),
        (
            ["attention=luong"],
            "model.attention: Unknown name 'luong': expected one of bahdanau",
        ),
    ],
)
def test_an_impossible_combination_is_refused(
    changes: list[str], message: str
) -> None:
    overrides = [f"model.{change}" for change in changes]
    with pytest.raises(GlimpseError) as caught:
        load_config("phrasebook", overrides)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["coverage_loss", "guided_alignment"])
def test_the_starting_example_has_attention_that_is_not_taught(
    name: str,
) -> None:
    example = "model.kind=starting-example"
    with pytest.raises(GlimpseError, match="whose attention learns without"):
        load_config("phrasebook", [example, f"training.{name}=0.5"])
    config = load_config("phrasebook", [example, "model.cell=gru"])
    assert config.model == ModelOptions(kind="starting-example")


def test_a_coverage_loss_without_attention_is_refused() -> None:
    with pytest.raises(GlimpseError, match=r"coverage_loss=1\.0 does not go"):
        load_config(
            "phrasebook", ["model.decoder=plain", "training.coverage_loss=1.0"]
        )
