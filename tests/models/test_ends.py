"""The ends of a network by themselves, and how a network shares them."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import (
    EmbeddingDropout,
    Encoded,
    Encoder,
    PlainDecoder,
    Seq2Seq,
    Source,
    Target,
    TokenSource,
    TokenTarget,
)
from models.compatibility import is_old_config, old_layers, old_variables
from models.decoder import Step
from models.softmax import SoftmaxLayer
from tests.models import reference, tiny
from tests.models.tiny import copies, normal

V, E, R = 13, 5, 7
IDS = np.array([[4, 0, 9, 12], [0, 7, 0, 0], [5, 0, 0, 0]], np.int32)
LENGTHS = [4, 3, 1]
REAL = np.arange(4) < np.array(LENGTHS)[:, None]
STEP, ENCODED = Step((), (), ()), Encoded(())
DROPPING = {"dropout": 0.3, "word_dropout": 0.2}


def source(**kwargs: Any) -> TokenSource:
    end = TokenSource(V, E, **kwargs)
    end.build()
    return tiny.randomise(end)


def target(tied: bool = False, **kwargs: Any) -> TokenTarget:
    end = TokenTarget(V, E, tied=tied, **kwargs)
    end.build((None, None, E if tied else R))
    return tiny.randomise(end)


# --- sources


def test_a_source_embeds_ids_and_masks_by_lengths() -> None:
    """Whatever the ids are: 0 is one like any other."""
    end = source()

    embedded, mask = end(tf.constant(IDS), tf.constant(LENGTHS))

    table = end.embedding.embeddings.numpy()
    np.testing.assert_array_equal(embedded, table[IDS])
    assert mask.dtype == tf.bool
    np.testing.assert_array_equal(mask, REAL)


def test_without_lengths_every_place_of_a_source_is_real() -> None:
    _, mask = source()(tf.constant(IDS))

    assert mask.dtype == tf.bool
    assert mask.shape == IDS.shape
    assert np.all(mask)


def test_more_padding_changes_nothing_of_a_source() -> None:
    end, lengths = source(), tf.constant(LENGTHS)
    embedded, mask = end(tf.constant(IDS), lengths)

    more, longer = end(tf.pad(IDS, [[0, 0], [0, 3]]), lengths)

    np.testing.assert_array_equal(more[:, :4], embedded)
    np.testing.assert_array_equal(longer[:, :4], mask)
    assert not np.any(longer[:, 4:])


def test_a_source_in_a_graph_of_any_size() -> None:
    end = source()
    graph = tf.function(
        end,
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None], tf.int32),
        ],
    )

    found = graph(tf.constant(IDS), tf.constant(LENGTHS))

    expected = end(tf.constant(IDS), tf.constant(LENGTHS))
    tf.nest.map_structure(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize(
    ("stride", "expected"), [(1, [0, 1, 4, 5, 9]), (4, [0, 1, 1, 2, 3])]
)
def test_places_after_a_stride_are_rounded_up(
    stride: int, expected: list[int]
) -> None:
    end = Source()
    end.stride = stride

    assert end.places(tf.constant([0, 1, 4, 5, 9])).numpy().tolist() == expected


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_ends_follow_their_dtype_policy(policy: str) -> None:
    first, last = source(dtype=policy), target(dtype=policy)
    readout = tf.cast(normal(3, 4, R), first.compute_dtype)

    embedded, _ = first(tf.constant(IDS))

    dtypes = {embedded.dtype, last.embed(IDS).dtype, last.logits(readout).dtype}
    assert {each.name for each in dtypes} == {first.compute_dtype}
    log_probs, _ = last.log_probs(readout, STEP, embedded, ENCODED)
    assert log_probs.dtype == tf.float32


# --- dropout


def test_dropout_of_ends_is_for_training_alone() -> None:
    words = tf.ones([7, 41, 11])
    layer = EmbeddingDropout(units=0.0, words=0.5)

    np.testing.assert_array_equal(layer(words), words)
    np.testing.assert_array_equal(layer(words, training=False), words)
    dropped = layer(words, training=True).numpy()
    assert set(np.unique(dropped)) == {0.0, 2.0}
    by_word = dropped.mean(-1)
    assert set(np.unique(by_word)) == {0.0, 2.0}  # each whole, or gone


def test_units_drop_out_each_by_itself() -> None:
    dropped = EmbeddingDropout(units=0.5)(tf.ones([7, 41, 11]), training=True)

    by_word = np.mean(dropped, -1)
    assert 0.8 < by_word.mean() < 1.2
    assert len(np.unique(by_word)) > 3


def test_both_ends_drop_what_they_embed() -> None:
    layer = EmbeddingDropout(words=0.5)
    first, last = source(dropout=layer), target(dropout=layer)
    ids = np.full((9, 31), 4)

    # A call of the layer, as a model gives it, tells those inside.
    embedded, mask = first(tf.constant(ids), training=True)

    gone = np.all(embedded == 0, axis=-1)
    assert 0.3 < gone.mean() < 0.7
    assert np.all(mask)  # a word that dropped out has its place
    table = last.embedding.embeddings.numpy()
    np.testing.assert_array_equal(last.embed(ids), table[ids])


# --- targets


@pytest.mark.parametrize("tied", [False, True])
def test_a_target_says_by_its_softmax_layer(tied: bool) -> None:
    end = target(tied)
    readout = normal(3, 4, E if tied else R)
    table = end.embedding.embeddings.numpy()
    kernel, bias = table.T, 0.0
    if not tied:
        kernel, bias = end.projection.get_weights()

    logits = end.logits(tf.constant(readout))
    log_probs, copied = end.log_probs(
        tf.constant(readout), STEP, tf.constant(0.0), ENCODED
    )

    assert (end.projection is None) is tied
    assert copied == ()
    np.testing.assert_array_equal(end.embed(IDS), table[IDS])
    expected = readout @ kernel + bias
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    for place in np.ndindex(3, 4):
        one = reference.log_softmax(expected[place].astype(float))
        np.testing.assert_allclose(log_probs[place], one, atol=1e-5)


@pytest.mark.parametrize("real_only", [True, False])
@pytest.mark.parametrize("tied", [False, True])
def test_losses_of_a_target_are_those_of_its_log_probs(
    tied: bool, real_only: bool
) -> None:
    end = target(tied)
    readout = tf.constant(normal(3, 4, E if tied else R))
    log_probs = end.log_probs(readout, STEP, readout, ENCODED)[0].numpy()
    smoothing = 0.1

    found = end.losses(
        tf.constant(IDS),
        tf.constant(REAL, tf.float32),
        readout,
        STEP,
        readout,
        ENCODED,
        label_smoothing=smoothing,
        real_only=real_only,
    )

    nll = -np.take_along_axis(log_probs, IDS[..., None], -1)[..., 0]
    mixed = (1 - smoothing) * nll - smoothing * log_probs.mean(-1)
    correct = log_probs.argmax(-1) == IDS
    for got, expected in zip(found, (mixed, nll, correct), strict=True):
        np.testing.assert_allclose(got, expected * REAL, atol=1e-5)


@pytest.mark.parametrize("real_only", [True, False])
def test_padding_changes_no_losses_of_a_target(real_only: bool) -> None:
    """Nor does what stands there."""
    end = target()
    readout = normal(3, 4, R)
    ids, mask = tf.constant(IDS), tf.constant(REAL, tf.float32)
    found = end.losses(ids, mask, tf.constant(readout), STEP, readout, ENCODED)

    more = np.pad(readout, [(0, 0), (0, 3), (0, 0)], constant_values=9.0)
    longer = end.losses(
        tf.pad(ids, [[0, 0], [0, 3]], constant_values=V - 1),
        tf.pad(mask, [[0, 0], [0, 3]]),
        tf.constant(more),
        STEP,
        more,
        ENCODED,
        real_only=real_only,
    )

    for each, same in zip(longer, found, strict=True):
        np.testing.assert_allclose(each[:, :4], same, atol=1e-5)
        assert not np.any(each[:, 4:])


@pytest.mark.parametrize("tied", [False, True])
def test_a_speaker_says_what_its_target_says(tied: bool) -> None:
    """In blocks, which hold words that are none: those are never said."""
    end = target(tied)
    readout = tf.constant(normal(3, 4, E if tied else R))

    speaker = end.speaker()
    said = speaker.say(readout)

    expected, _ = end.log_probs(readout, STEP, readout, ENCODED)
    assert said.words == V < said.logits.shape[-1]
    np.testing.assert_allclose(said.log_probs(), expected, atol=1e-5)
    assert np.all(np.exp(said.logits[..., V:]) == 0)
    np.testing.assert_array_equal(speaker.embed(IDS), end.embed(IDS))
    # Such a word is in hypotheses that are impossible.
    last = speaker.embed(tf.constant([[V + 3]]))
    np.testing.assert_array_equal(last, end.embed(tf.constant([[V - 1]])))


def test_a_tied_target_is_the_embedding_the_other_way_round() -> None:
    tied, free = target(tied=True), target()

    assert len(tied.weights) == 1
    assert len(free.weights) == 3
    layer = tied.softmax_layer()
    assert isinstance(layer, SoftmaxLayer)
    assert layer.by_row
    assert layer.bias is None
    np.testing.assert_array_equal(layer.matrix, tied.embedding.embeddings)


@pytest.mark.parametrize(
    ("part", "count"),
    [("embed", 1), ("logits", 1), ("log_probs", 4), ("losses", 6)],
)
def test_an_unfinished_target_names_the_part_that_it_lacks(
    part: str, count: int
) -> None:
    class Mute(Target):
        pass

    with pytest.raises(TypeError, match=f"Mute has no {part}: subclass Target"):
        getattr(Mute(), part)(*[None] * count)


# --- alone and together


@pytest.mark.parametrize("kind", ["source", "target", "dropout"])
def test_an_end_survives_its_config(kind: str) -> None:
    drop = EmbeddingDropout(0.3, 0.2)
    end: Any = {
        "source": lambda: TokenSource(V, E, drop, name="ears"),
        "target": lambda: TokenTarget(V, E, drop, tied=True, name="mouth"),
        "dropout": lambda: drop,
    }[kind]()

    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(end)
    )

    assert type(again) is type(end)
    assert again.name == end.name
    assert again.get_config() == end.get_config()
    dropout = again if kind == "dropout" else again.dropout
    assert dropout.rates == {"units": 0.3, "words": 0.2}
    if kind == "target":
        assert again.tied


def parts() -> tuple[Encoder, PlainDecoder]:
    return Encoder(2, dropout=0.1), PlainDecoder(3, readout_units=E)


def by_hand(shared: bool, tied: bool) -> Seq2Seq:
    """In the order in which `of_tokens` makes its ends."""
    encoder, decoder = parts()
    drop = EmbeddingDropout(0.3, 0.2)
    last = TokenTarget(V, E, drop, tied)
    first = TokenSource(V, E, drop)
    return Seq2Seq(first, encoder, decoder, last, shared_embeddings=shared)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_of_tokens_is_the_ends_put_together_by_hand(
    shared: bool, tied: bool
) -> None:
    """From the same seed: weights, and what drops out."""
    inputs = {"source": tf.constant(IDS), "target_in": tf.constant(IDS)}
    models, outputs = [], []
    for is_short in (True, False):
        keras.utils.set_random_seed(3)
        if is_short:
            encoder, decoder = parts()
            model = Seq2Seq.of_tokens(
                V,
                V,
                E,
                encoder,
                decoder,
                tied_embeddings=tied,
                shared_embeddings=shared,
                **DROPPING,
            )
        else:
            model = by_hand(shared, tied)
        model.build()
        models.append(model)
        outputs.append([model(inputs), model(inputs, training=True)])

    one, other = models
    assert len(one.variables) == len(other.variables)
    for a, b in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(*outputs, strict=True):
        np.testing.assert_array_equal(a["logits"], b["logits"])
    plain, dropped = outputs[0]
    assert np.any(plain["logits"] != dropped["logits"])


def test_a_network_takes_its_masks_from_lengths() -> None:
    """A source of zeros is read like any other; without lengths, whole."""
    model = tiny.model("bahdanau")
    (inputs, _, _) = tiny.batch(more_source=2)
    padded = inputs["source"]
    fields = {"source": padded, "target_in": inputs["target_in"]}

    whole = model(fields)["attention_weights"].numpy()
    assert np.all(whole > 0)
    full = tf.fill([3], padded.shape[1])
    same = model({**fields, "source_length": full})["attention_weights"]
    np.testing.assert_array_equal(same, whole)
    cut = tf.constant([2, 1, 4])
    rows = model({**fields, "source_length": cut})["attention_weights"].numpy()
    real = np.arange(padded.shape[1]) < cut.numpy()[:, None, None]
    assert np.all((rows > 0) == real)


# --- saving


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_saving_keeps_what_the_ends_share(
    shared: bool, tied: bool, tmp_path: Path
) -> None:
    model = by_hand(shared, tied)
    model.build()
    tiny.randomise(model)
    assert (model.source.embedding is model.target.embedding) is shared

    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")

    assert again.source.dropout is again.target.dropout
    assert (again.source.embedding is again.target.embedding) is shared
    assert len(again.variables) == len(model.variables)
    for a, b in zip(copies(again), copies(model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.target.dropout.rates == {"units": 0.3, "words": 0.2}


def test_saving_keeps_dropouts_of_different_rates_apart(tmp_path: Path) -> None:
    first = TokenSource(V, E, EmbeddingDropout(0.4))
    last = TokenTarget(V, E, EmbeddingDropout(0.1, 0.2))
    model = Seq2Seq(first, *parts(), last)
    model.build()

    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")

    assert again.source.dropout.rates == {"units": 0.4, "words": 0.0}
    assert again.target.dropout.rates == {"units": 0.1, "words": 0.2}
    assert len(again.variables) == len(model.variables)


# --- files of old


class OldModel(keras.Model):
    """A network as versions before 0.2 had it, of the layers of a new one."""

    def __init__(self, model: Seq2Seq) -> None:
        super().__init__()
        target = model.target
        self.encoder = model.encoder
        self.decoder = model.decoder
        self.dropout = target.dropout.units
        self.word_dropout = target.dropout.words
        self.target_embedding = target.embedding
        self.source_embedding = model.source.embedding
        self.softmax_projection = target.projection
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs


def old_config(model: Seq2Seq) -> dict[str, Any]:
    """The configuration that it would have had."""
    serialize = keras.saving.serialize_keras_object
    return {
        "name": "seq2_seq",
        "trainable": True,
        "dtype": serialize(model.dtype_policy),
        "source_vocabulary_size": model.source.vocabulary_size,
        "target_vocabulary_size": model.target.vocabulary_size,
        "embedding_units": model.target.units,
        "encoder": serialize(model.encoder),
        "decoder": serialize(model.decoder),
        "tied_embeddings": model.target.tied,
        "shared_embeddings": model.shared_embeddings,
        "dropout": model.target.dropout.units.rate,
        "word_dropout": model.target.dropout.words.rate,
    }


def save_as_old(model: Seq2Seq, folder: Path) -> tuple[Path, Path]:
    """Write a model and its weights as versions before 0.2 did."""
    new, old = folder / "new.keras", folder / "old.keras"
    weights = folder / "old.weights.h5"
    model.save(new)
    OldModel(model).save_weights(weights)
    with zipfile.ZipFile(new) as given, zipfile.ZipFile(old, "w") as written:
        config = json.loads(given.read("config.json"))
        config["config"] = old_config(model)
        written.writestr("config.json", json.dumps(config))
        written.writestr("metadata.json", given.read("metadata.json"))
        written.write(weights, "model.weights.h5")
    return old, weights


every_sharing = pytest.mark.parametrize("name", ["bahdanau", "bahdanau-tied"])


@every_sharing
def test_a_saved_model_of_old_loads(name: str, tmp_path: Path) -> None:
    model = tiny.new(name, **DROPPING)
    path, _ = save_as_old(model, tmp_path)

    again = keras.models.load_model(path)

    assert type(again) is Seq2Seq
    assert len(again.variables) == len(model.variables)
    for a, b in zip(copies(again), copies(model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.target.dropout.rates == {"units": 0.3, "words": 0.2}
    assert again.shared_embeddings is model.shared_embeddings
    inputs, _, _ = tiny.batch()
    tf.nest.map_structure(
        np.testing.assert_array_equal, again(inputs), model(inputs)
    )


@every_sharing
def test_weights_of_old_load_into_a_new_model(
    name: str, tmp_path: Path
) -> None:
    model, again = tiny.new(name, seed=1), tiny.new(name, seed=2)
    _, weights = save_as_old(model, tmp_path)

    again.load_weights(weights)

    for a, b in zip(copies(again), copies(model), strict=True):
        np.testing.assert_array_equal(a, b)
    # And those of now, after those of old.
    newer = tiny.new(name, seed=3)
    newer.save_weights(tmp_path / "new.weights.h5")
    again.load_weights(tmp_path / "new.weights.h5")
    for a, b in zip(copies(again), copies(newer), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_configuration_of_old_is_known_from_one_of_now() -> None:
    model = tiny.model("bahdanau")

    assert is_old_config(old_config(model))
    assert not is_old_config(model.get_config())


@every_sharing
def test_old_variables_are_all_there_are_in_the_order_of_old(
    name: str,
) -> None:
    model = tiny.new(name, **DROPPING)

    found = old_variables(model)

    assert {id(v) for v in found} == {id(v) for v in model.variables}
    assert len(found) == len(model.variables)
    expected = OldModel(model).variables
    assert [id(v) for v in found] == [id(v) for v in expected]
    layers = old_layers(model)
    assert layers[:2] == [model.encoder, model.decoder]
    assert len(layers) == len({id(layer) for layer in layers})


def test_old_variables_of_what_had_no_ends_are_its_own() -> None:
    model = tiny.model("starting-example")

    assert old_variables(model) == model.variables
