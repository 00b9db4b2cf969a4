"""The whole model: forced decoding, padding, training, saving."""

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import Attention, Encoder, PlainDecoder, Seq2Seq, SequenceModel
from models.losses import token_losses, token_mask
from models.search import Unnormalised
from models.targets import Seen
from tests.models import matrices, reference, tiny
from tests.models.tiny import (
    EVERY,
    MODELS,
    SOME,
    SOURCES,
    TARGETS,
    Batch,
    batch,
    copies,
)

every_model = pytest.mark.parametrize("name", EVERY)
each_seq2seq = pytest.mark.parametrize("name", MODELS)
some_models = pytest.mark.parametrize("name", [*SOME, "starting-example"])
has_attention = {name: "plain" not in name for name in EVERY}


def train_once(
    model: SequenceModel, data: Batch, **options: Any
) -> dict[str, float]:
    """One step of plain gradient descent, so that it shows the gradients."""
    options = {"clip_norm": None, **options}
    model.compile(keras.optimizers.SGD(1.0), **options)
    model.reset_metrics()
    logs = model.train_step(data)
    return {name: float(value) for name, value in logs.items()}


def moves(model: SequenceModel, data: Batch, **options: Any) -> list[Any]:
    """What one step adds to each weight; the weights stay as they were."""
    before = copies(model)
    train_once(model, data, **options)
    after = copies(model)
    model.set_weights(before)
    return [b - a for a, b in zip(before, after, strict=True)]


def norm(arrays: list[np.ndarray]) -> float:
    return float(np.sqrt(sum(np.sum(array**2) for array in arrays)))


def assert_close(a: list[Any], b: list[Any], **kwargs: Any) -> None:
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, **{"atol": 1e-5, **kwargs})


# --- what it computes


@each_seq2seq
def test_logits_and_weights_are_those_of_the_papers(name: str) -> None:
    model = tiny.model(name)
    inputs, _, _ = batch()

    outputs = model(inputs)

    values = matrices.Values(model)
    for b, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        target_in = [tiny.BOS, *target[:-1]]
        logits, weights = matrices.translate(values, model, source, target_in)
        found = outputs["logits"][b, : len(target)]
        np.testing.assert_allclose(found, logits, atol=1e-5)
        if has_attention[name]:
            rows = outputs["attention_weights"][b, : len(target)]
            np.testing.assert_allclose(
                rows[:, : len(source)], weights, atol=1e-5
            )
            assert not np.any(rows[:, len(source) :])


def _only(
    place: int, step: int, size: int, score: reference.Score
) -> reference.Score:
    """The score, until at `step` nothing but one of `size` places is seen."""
    calls = itertools.count()

    def new_score(query: np.ndarray, value: np.ndarray) -> float:
        at_step, at_place = divmod(next(calls), size)
        if at_step != step:
            return score(query, value)
        return 0.0 if at_place == place else -np.inf

    return new_score


@pytest.mark.parametrize(
    "name", [name for name in MODELS if has_attention[name]]
)
def test_posterior_attention_is_bayes_rule(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny.model(name)
    inputs, target, _ = batch(more_source=2, more_target=1)

    encoded, state = model.encode(inputs["source"], inputs["source_length"])
    found = model.posterior(encoded, state, inputs["target_in"], target)

    values = matrices.Values(model)
    plain = matrices.score
    for b, (source, words) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        target_in = [tiny.BOS, *words[:-1]]
        monkeypatch.setattr(matrices, "score", plain)
        _, prior = matrices.translate(values, model, source, target_in)
        for t, word in enumerate(words):
            likely = []
            for place in range(len(source)):
                at = (place, t, len(source))
                monkeypatch.setattr(
                    matrices,
                    "score",
                    lambda *args, at=at: _only(*at, plain(*args)),
                )
                logits, _ = matrices.translate(
                    values, model, source, target_in[: t + 1]
                )
                given = np.exp(logits[t] - logits[t].max())
                likely.append(given[word] / given.sum())
            joint = prior[t] * likely
            row = found[b, t].numpy()
            np.testing.assert_allclose(
                row[: len(source)], joint / joint.sum(), atol=1e-5
            )
            np.testing.assert_array_equal(row[len(source) :], 0)


@pytest.mark.parametrize(
    "attention",
    [
        tiny.attention("multi-head", num_heads=17),
        tiny.attention("scaled-dot-product"),
        tiny.attention("coverage"),
    ],
)
def test_what_is_in_a_place_is_what_is_seen_there(attention: Attention) -> None:
    """A memory of that place alone gives it whole, by whatever score."""
    values = tf.constant(tiny.normal(2, 5, 6))
    query = tf.constant(tiny.normal(2, 1, 7))
    attention([query, values])
    tiny.randomise(attention)

    found = attention.place_contexts(attention.remember(values)).contexts

    for place in range(5):
        seen = attention([query, values[:, place : place + 1]])
        np.testing.assert_allclose(found[:, place : place + 1], seen, atol=1e-5)


@each_seq2seq
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    """Of the loss of train_step, by every weight, along random directions."""
    smoothing = 0.1
    model = tiny.model(name)
    data = batch(filler=1)
    values = matrices.Values(model)
    moved = moves(model, data, label_smoothing=smoothing)

    def loss() -> float:
        total = 0.0
        for source, target in zip(SOURCES, TARGETS, strict=True):
            target_in = [tiny.BOS, *target[:-1]]
            logits, _ = matrices.translate(values, model, source, target_in)
            total += sum(
                reference.smoothed_loss(row, word, smoothing)
                for row, word in zip(logits, target, strict=True)
            )
        return total / sum(map(len, TARGETS))

    rng = np.random.default_rng(7)
    for weight, move in zip(model.weights, moved, strict=True):
        direction = rng.normal(size=move.shape)
        expected = reference.slope(loss, values(weight), direction, 1e-5)
        got = -float(np.sum(move * direction))
        assert got == pytest.approx(expected, rel=1e-3, abs=1e-4)


@every_model
def test_fed_the_reference_the_step_gives_the_training_logits(
    name: str,
) -> None:
    model = tiny.model(name)
    inputs, _, _ = batch()
    outputs = model(inputs)
    expected = tf.nn.log_softmax(outputs["logits"])

    encoded, state = model.encode(inputs["source"], inputs["source_length"])
    for t in range(expected.shape[1]):
        tokens = inputs["target_in"][:, t : t + 1]
        log_probs, seen, state = model.step(tokens, state, encoded)

        np.testing.assert_allclose(
            log_probs[:, 0], expected[:, t], atol=1e-5, rtol=1e-5
        )
        if has_attention[name]:
            np.testing.assert_allclose(
                seen.attention[:, 0],
                outputs["attention_weights"][:, t],
                atol=1e-6,
            )
            assert seen.copied == ()
        else:
            assert seen == Seen()
            assert outputs["attention_weights"] == ()


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *((name, {}) for name in tiny.EVERY),
        ("bahdanau", {"dtype": "mixed_float16"}),
        ("conditional", {"dtype": "mixed_float16", "activation": "maxout"}),
        ("luong-rnn", {"dtype": "mixed_bfloat16"}),
        ("luong-rnn", {"kind": "feeding", "score": "luong-scaled"}),
        ("luong-dot-2", {"num_layers": 1, "cell": "lstm"}),
    ],
)
def test_the_step_of_search_is_the_step(
    name: str, changes: dict[str, Any]
) -> None:
    """For several words a sentence, from states that differ."""
    model = tiny.model(name, **changes)
    inputs, _, _ = batch()
    encoded, state = model.encode(inputs["source"], inputs["source_length"])
    rng = np.random.default_rng(7)

    def several(x: tf.Tensor) -> tf.Tensor:
        noise = rng.normal(size=(3, 2, *x.shape[2:]))
        return tf.repeat(x, 2, axis=1) + tf.cast(noise, x.dtype)

    state = tf.nest.map_structure(several, state)
    tokens = tf.constant([[4, 9], [7, 1], [28, 5]])
    expected = model.step(tokens, state, encoded)

    step, memory = model.stepper(encoded)
    said, seen, state = step(tokens, state, memory)

    if isinstance(said, Unnormalised):
        said = said.log_probs()
    assert said.shape[-1] == tiny.TARGET_VOCABULARY
    atol = 0.05 if "dtype" in changes else 1e-5
    tf.nest.map_structure(
        lambda got, wanted: np.testing.assert_allclose(
            tf.cast(got, tf.float32), tf.cast(wanted, tf.float32), atol=atol
        ),
        (said, seen, state),
        expected,
    )


# --- padding and filler


@every_model
def test_padding_changes_no_state_and_no_output(name: str) -> None:
    model = tiny.model(name)
    inputs, _, _ = batch()
    longer, _, _ = batch(more_source=4, more_target=6)

    _, state = model.encode(inputs["source"], inputs["source_length"])
    _, same_state = model.encode(longer["source"], longer["source_length"])
    outputs, more = model(inputs), model(longer)

    leaves, same_leaves = map(tf.nest.flatten, (state, same_state))
    assert_close(leaves, same_leaves, atol=1e-6)
    t, s = inputs["target_in"].shape[1], inputs["source"].shape[1]
    assert_close([more["logits"][:, :t]], [outputs["logits"]], atol=1e-5)
    if has_attention[name]:
        rows = more["attention_weights"]
        assert_close([rows[:, :t, :s]], [outputs["attention_weights"]])
        assert not np.any(rows[:, :, s:])


@every_model
def test_padding_and_filler_change_no_loss_and_no_gradient(name: str) -> None:
    model = tiny.model(name)
    logs = train_once(model, batch(), label_smoothing=0.1)
    weights = copies(model)

    for other in (batch(more_source=4, more_target=6), batch(filler=2)):
        model = tiny.model(name)
        same_logs = train_once(model, other, label_smoothing=0.1)

        assert same_logs == pytest.approx(logs, rel=1e-5)
        assert_close(copies(model), weights)


# The starting example's stock attention warns of a source of one token.
@pytest.mark.filterwarnings("ignore:You are using a softmax over axis -1")
@every_model
def test_other_sentences_of_the_batch_change_nothing(name: str) -> None:
    model = tiny.model(name)
    together = model(batch()[0])["logits"]

    for b, (source, target) in enumerate(zip(SOURCES, TARGETS, strict=True)):
        alone = model(batch([source], [target])[0])["logits"]
        assert_close([together[b, : len(target)]], [alone[0]], atol=1e-5)


# --- training


def test_the_logs_are_averages_over_tokens() -> None:
    model = tiny.model("bahdanau")
    data = batch(filler=1)
    inputs, target, weights = data
    logits = model(inputs)["logits"]
    losses, nll = token_losses(target, logits, 0.2)
    mask = token_mask(target, inputs["target_length"], weights).numpy() > 0
    likeliest = np.argmax(logits, -1)
    expected = {
        "loss": np.mean(losses.numpy()[mask]),
        "perplexity": np.exp(np.mean(nll.numpy()[mask])),
        "accuracy": np.mean((likeliest == target.numpy())[mask]),
    }
    assert mask.sum() == sum(map(len, TARGETS))

    trained = train_once(model, data, label_smoothing=0.2)

    assert trained.pop("gradient_norm") > 0
    assert trained == pytest.approx(expected, rel=1e-5)
    model = tiny.model("bahdanau")
    model.compile(label_smoothing=0.2)
    tested = {k: float(v) for k, v in model.test_step(data).items()}
    assert tested == pytest.approx(expected, rel=1e-5)


def test_a_token_weighs_the_same_in_a_short_sentence_and_a_long_one() -> None:
    """The loss is over the tokens of the batch, not the sentences."""
    model = tiny.model("luong-rnn")
    moved = moves(model, batch())

    total = [np.zeros_like(weight) for weight in moved]
    for source, target in zip(SOURCES, TARGETS, strict=True):
        one = moves(model, batch([source], [target]))
        total = [t + len(target) * m for t, m in zip(total, one, strict=True)]

    tokens = sum(map(len, TARGETS))
    assert_close([t / tokens for t in total], moved)


def test_gradients_above_the_limit_are_cut_to_it() -> None:
    model, limit = tiny.model("bahdanau"), 0.01
    free = moves(model, batch())
    assert norm(free) > 10 * limit

    cut = moves(model, batch(), clip_norm=limit)

    assert norm(cut) == pytest.approx(limit, rel=1e-3)
    scale = limit / norm(free)
    assert_close(cut, [scale * move for move in free], atol=1e-6)


def test_gradients_below_the_limit_are_left_alone() -> None:
    model = tiny.model("bahdanau")
    free = moves(model, batch())

    same = moves(model, batch(), clip_norm=2 * norm(free))

    assert_close(same, free, atol=1e-7)


def test_the_norm_of_the_gradients_is_logged_before_they_are_clipped() -> None:
    model = tiny.model("bahdanau")
    free = norm(moves(model, batch()))

    logs = train_once(model, batch(), clip_norm=free / 3)

    assert logs["gradient_norm"] == pytest.approx(free, rel=1e-4)


def test_attention_learns_an_alignment_where_one_is_given() -> None:
    model = tiny.model("bahdanau")
    inputs, target, weights = batch()
    shape = (*target.shape, inputs["source"].shape[1])
    first = np.zeros(shape, "float32")
    first[:, :, 0] = 1
    guided = ({**inputs, "alignment": tf.constant(first)}, target, weights)
    mask = token_mask(target, inputs["target_length"], weights).numpy() > 0
    before = model(inputs)["attention_weights"].numpy()[mask][:, 0]
    free = train_once(tiny.model("bahdanau"), batch())["loss"]
    loss = train_once(tiny.model("bahdanau"), guided, guided_alignment=0.3)

    assert loss["loss"] == pytest.approx(
        free - 0.3 * np.log(before).mean(), rel=1e-5
    )
    # Without its weight the alignment is no part of the loss.
    assert train_once(tiny.model("bahdanau"), guided)["loss"] == pytest.approx(
        free, rel=1e-6
    )
    model.compile(keras.optimizers.Adam(0.05), guided_alignment=1.0)
    for _ in range(30):
        model.train_step(guided)
    after = model(inputs)["attention_weights"].numpy()[mask][:, 0]
    assert before.mean() < 0.6 < 0.95 < after.mean()


def test_clipping_is_on_unless_told() -> None:
    model = tiny.model("bahdanau")
    model.compile()

    assert model.clip_norm == 5.0


@pytest.mark.parametrize("name", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_an_optimizer_that_clips_is_refused(name: str) -> None:
    model = tiny.model("bahdanau")
    message = f"came with {name} set; it must not clip: give compile clip_norm"

    with pytest.raises(ValueError, match=message):
        model.compile(keras.optimizers.Adam(**{name: 1.0}))


@pytest.mark.parametrize("name", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_nor_may_it_clip_under_loss_scaling(name: str) -> None:
    inner = keras.optimizers.Adam(**{name: 1.0})

    with pytest.raises(ValueError, match=f"came with {name} set"):
        tiny.model("bahdanau").compile(
            keras.optimizers.LossScaleOptimizer(inner)
        )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@some_models
def test_mixed_precision_trains_alike(name: str, policy: str) -> None:
    """Clipped alike too, whatever the loss is scaled by."""
    exact = moves(tiny.model(name), batch(), clip_norm=0.1)

    model = tiny.model(name, dtype=policy)
    outputs = model(batch()[0])
    rough = moves(model, batch(), clip_norm=0.1)

    assert outputs["logits"].dtype.name == model.compute_dtype
    assert norm(rough) == pytest.approx(norm(exact), rel=1e-2)
    assert norm(exact) < 0.11  # slower weights count less in what is limited
    along = sum(np.sum(a * b) for a, b in zip(exact, rough, strict=True))
    assert along / norm(exact) / norm(rough) > 0.97


def test_dropout_is_for_training() -> None:
    model = tiny.model("bahdanau", dropout=0.5)
    data = batch()

    plain = model(data[0])["logits"]
    same = model(data[0], training=False)["logits"]
    dropped = [model(data[0], training=True)["logits"] for _ in range(2)]

    np.testing.assert_array_equal(plain, same)
    assert np.max(np.abs(dropped[0] - plain)) > 1e-2
    assert np.max(np.abs(dropped[0] - dropped[1])) > 1e-2


def test_words_values_and_readout_are_what_drops_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shapes, call = [], keras.layers.Dropout.call

    def spy(
        self: keras.layers.Dropout, inputs: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        if training and self.rate:
            shapes.append(tuple(inputs.shape))
        return call(self, inputs, training=training)

    monkeypatch.setattr(keras.layers.Dropout, "call", spy)
    model = tiny.new("bahdanau", dropout=0.5, word_dropout=0.5)
    model(batch()[0], training=True)

    b, s, t = 3, 5, 7
    assert sorted(shapes) == [
        (b, s, 2 * tiny.ENCODER),
        (b, s, tiny.EMBEDDING),
        (b, s, tiny.EMBEDDING),  # once by unit, once by word
        (b, t, tiny.EMBEDDING),
        (b, t, tiny.EMBEDDING),
        (b, t, tiny.READOUT),
    ]


def test_words_drop_out_whole_and_for_training_alone() -> None:
    model = tiny.new("bahdanau", word_dropout=0.5)
    tokens = tf.random.uniform([7, 41], 4, 23, "int32")
    whole = model.target.embed(tokens).numpy()

    dropped = model.target.dropout(whole, training=True).numpy()

    assert model.target.dropout.rates == {"units": 0.0, "words": 0.5}
    gone = np.all(dropped == 0, axis=-1)
    assert 0.3 < np.mean(gone) < 0.7
    np.testing.assert_allclose(dropped[~gone], 2 * whole[~gone], rtol=1e-6)


def copy_task(rows: int, seed: int) -> Batch:
    """Sentences of three words; the translation is the sentence."""
    words = np.random.default_rng(seed).integers(4, 9, (rows, 3)).tolist()
    sentences = [[*row, tiny.EOS] for row in words]
    return batch(sentences, sentences)


def endless(data: Batch) -> tf.data.Dataset:
    """One batch over and over, its shapes unknown to the graph."""
    signature = tf.nest.map_structure(
        lambda x: tf.TensorSpec([None] * x.shape.rank, x.dtype), data
    )
    return tf.data.Dataset.from_generator(
        lambda: itertools.repeat(data), output_signature=signature
    )


def test_fit_learns_to_copy() -> None:
    keras.utils.set_random_seed(1)
    model = tiny.model("luong-dot-2", cell="rnn", num_layers=1, bridge="dense")
    for weight in model.weights:
        weight.assign(0.3 * weight)
    data = endless(copy_task(64, seed=1))
    unseen = endless(copy_task(64, seed=2))
    model.compile(keras.optimizers.Adam(0.02))

    history = model.fit(
        data,
        steps_per_epoch=40,
        epochs=2,
        validation_data=unseen,
        validation_steps=1,
        shuffle=False,
        verbose=0,
    )

    assert set(history.history) == {"gradient_norm"} | {
        f"{prefix}{name}"
        for prefix in ("", "val_")
        for name in ("loss", "perplexity", "accuracy")
    }
    assert history.history["loss"][1] < history.history["loss"][0]
    assert history.history["val_accuracy"][1] > 0.9


def test_a_compiled_step_trains_alike() -> None:
    """XLA needs every shape, and a loop whose length it knows."""
    options: dict[str, Any] = {"cell": "rnn", "direction": "forward"}
    data, limit = batch(), 0.5
    model = tiny.model("bahdanau", **options)
    logs = train_once(model, data, clip_norm=limit)
    again = tiny.new("bahdanau", **options)
    again.compile(keras.optimizers.SGD(1.0), clip_norm=limit)

    compiled = tf.function(again.train_step, jit_compile=True)(data)

    found = {name: float(value) for name, value in compiled.items()}
    assert found == pytest.approx(logs, rel=1e-4)
    assert_close(copies(model), copies(again))


def test_two_replicas_train_like_one_device() -> None:
    """In a process of its own: devices are split before TensorFlow starts."""
    root = Path(__file__).parents[2]
    run = subprocess.run(
        [sys.executable, "-m", "tests.models.two_replicas"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.endswith("alike\n")


# --- saving


@some_models
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_model_survives_saving(
    name: str, policy: str, tmp_path: Path
) -> None:
    model = tiny.model(name, dtype=policy)
    inputs, _, _ = batch()
    outputs = model(inputs)

    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")

    assert type(again) is type(model)
    tf.nest.map_structure(np.testing.assert_array_equal, again(inputs), outputs)


@some_models
def test_weights_alone_survive_saving(name: str, tmp_path: Path) -> None:
    """As a run folder keeps them: into a model made anew."""
    model, again = tiny.model(name, seed=1), tiny.new(name, seed=2)

    model.save_weights(tmp_path / "best.weights.h5")
    again.load_weights(tmp_path / "best.weights.h5")

    assert_close(copies(again), copies(model), atol=0)


def test_a_trained_model_is_saved_without_its_optimizer(
    tmp_path: Path,
) -> None:
    model = tiny.model("luong-rnn")
    train_once(model, batch())

    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")

    assert not again.compiled
    assert_close(copies(again), copies(model), atol=0)
    train_once(again, batch())


# --- embeddings


def test_embeddings_are_tied_and_shared_when_asked() -> None:
    model = tiny.model("bahdanau-tied")
    others = tiny.model("bahdanau", readout_units=tiny.EMBEDDING)

    tables = [w for w in model.weights if w.shape == (29, tiny.EMBEDDING)]
    assert len(tables) == 1
    assert model.source.embedding is model.target.embedding
    # The source's table, and the softmax layer's matrix and bias.
    assert len(others.weights) == len(model.weights) + 3


def parts(**kwargs: int) -> tuple[Encoder, PlainDecoder]:
    return Encoder(2), PlainDecoder(3, **kwargs)


def test_tying_needs_a_readout_as_wide_as_the_embedding() -> None:
    message = "units=5 and a decoder of readout_units=7; they must be equal"
    with pytest.raises(ValueError, match=message):
        Seq2Seq.of_tokens(
            11, 13, 5, *parts(readout_units=7), tied_embeddings=True
        )


def test_sharing_needs_one_vocabulary() -> None:
    message = (
        r"vocabularies and units of \(11, 5\) and \(13, 5\); they must be one: "
        "train a joint"
    )
    with pytest.raises(ValueError, match=message):
        Seq2Seq.of_tokens(
            11, 13, 5, *parts(readout_units=7), shared_embeddings=True
        )
