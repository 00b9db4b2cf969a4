"""Tiny models and batches, every axis a different prime."""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from data.modalities import Symbols
from models import (
    Attention,
    BahdanauDecoder,
    ConditionalDecoder,
    Encoder,
    LuongDecoder,
    PlainDecoder,
    Seq2Seq,
    SequenceModel,
    StartingExample,
)
from models import attention as attentions
from models.attention.windows import Window
from models.decoder import Decoder

Batch = tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]

SOURCE_VOCABULARY, TARGET_VOCABULARY = 23, 29
EMBEDDING, ENCODER, DECODER, READOUT, HIDDEN = 11, 2, 13, 19, 17
PAD, BOS, EOS = 0, 2, 3
SYMBOLS = Symbols(PAD, BOS, EOS)

# B = 3, S = 5, T = 7; each row of another length, one of EOS alone.
SOURCES = [[5, 9, 22, 8, EOS], [6, 4, EOS], [EOS]]
TARGETS = [[7, 28, 5, 7, 4, 11, EOS], [EOS], [9, 1, 13, EOS]]


def randomise(layer: layers.Layer, seed: int = 0, scale: float = 0.6) -> Any:
    """Give every weight, biases too, a value that is not symmetric."""
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(scale * rng.normal(size=weight.shape))
    return layer


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def pad(rows: list[list[int]], extra: int = 0) -> np.ndarray:
    """Rows of ids as one int32 array, `extra` columns longer than needed."""
    array = np.zeros((len(rows), max(map(len, rows)) + extra), np.int32)
    for index, row in enumerate(rows):
        array[index, : len(row)] = row
    return array


def lengths(rows: list[list[int]]) -> tf.Tensor:
    """How many places of each row are real."""
    return tf.constant([len(row) for row in rows])


def batch(
    sources: list[list[int]] = SOURCES,
    targets: list[list[int]] = TARGETS,
    *,
    more_source: int = 0,
    more_target: int = 0,
    filler: int = 0,
) -> Batch:
    """A batch as the pipeline gives it, with `filler` copies of row 0."""
    sources = sources + sources[:1] * filler
    targets = targets + targets[:1] * filler
    weights = [1.0] * (len(sources) - filler) + [0.0] * filler
    inputs = {
        "source": tf.constant(pad(sources, more_source)),
        "source_length": lengths(sources),
        "target_in": tf.constant(
            pad([[BOS, *row[:-1]] for row in targets], more_target)
        ),
        "target_length": lengths(targets),
    }
    return inputs, tf.constant(pad(targets, more_target)), tf.constant(weights)


def attention(name: str, /, **kwargs: Any) -> Attention:
    return attentions.get(name, HIDDEN, **kwargs)


def decoder(
    kind: str,
    score: str = "luong-general",
    *,
    window: Window | None = None,
    units: int = DECODER,
    readout_units: int = READOUT,
    **kwargs: Any,
) -> Decoder:
    """`kind` is a decoder's name, or "feeding"."""
    if kind == "plain":
        return PlainDecoder(units, readout_units, **kwargs)
    options = {"window": window, "dtype": kwargs.get("dtype")}
    if kind in ("bahdanau", "conditional"):
        layer = attention("bahdanau", **options)
        new = BahdanauDecoder if kind == "bahdanau" else ConditionalDecoder
        return new(units, readout_units, layer, **kwargs)
    layer = attention(score, **options)
    return LuongDecoder(
        units, readout_units, layer, input_feeding=kind == "feeding", **kwargs
    )


MODELS: dict[str, dict[str, Any]] = {
    "bahdanau": {"kind": "bahdanau"},
    "bahdanau-lstm-2": {
        "kind": "bahdanau",
        "cell": "lstm",
        "num_layers": 2,
        "residual": True,
        "activation": "maxout",
        "bridge": "mean",
    },
    "bahdanau-tied": {
        "kind": "bahdanau",
        "readout_units": EMBEDDING,
        "tied_embeddings": True,
        "shared_embeddings": True,
        "source_vocabulary_size": TARGET_VOCABULARY,
    },
    "conditional": {"kind": "conditional"},
    "luong-rnn": {"kind": "luong", "cell": "rnn"},
    "luong-dot-2": {
        "kind": "luong",
        "score": "luong-dot",
        "num_layers": 2,
        "encoder_units": DECODER,
        "direction": "forward",
        "bridge": "last",
    },
    "feeding-concat-lstm-2": {
        "kind": "feeding",
        "score": "luong-concat",
        "cell": "lstm",
        "num_layers": 2,
    },
    "plain-2": {"kind": "plain", "num_layers": 2},
    "plain-lstm": {"kind": "plain", "cell": "lstm"},
}
EVERY = [*MODELS, "starting-example"]
# One for each decoder, each cell, tied and not: for what is slow.
SOME = [
    "bahdanau-tied",
    "conditional",
    "luong-rnn",
    "feeding-concat-lstm-2",
    "plain-2",
]


def new(name: str, seed: int = 0, **changes: Any) -> SequenceModel:
    """The model of that name, built, with random weights."""
    if name == "starting-example":
        sizes = (SOURCE_VOCABULARY, TARGET_VOCABULARY, EMBEDDING, DECODER)
        built = StartingExample(*sizes, **changes)
    else:
        built = _seq2seq(**{**MODELS[name], **changes})
    built.build()
    return randomise(built, seed)


_made = functools.cache(new)


def model(name: str, seed: int = 0, **changes: Any) -> SequenceModel:
    """As `new`, but one object for all who ask, as it was when new.

    Building a model takes longer than most of what is done with it.
    """
    made = _made(name, **changes)
    made.reset_metrics()
    return randomise(made, seed)


def _seq2seq(
    source_vocabulary_size: int = SOURCE_VOCABULARY,
    target_vocabulary_size: int = TARGET_VOCABULARY,
    tied_embeddings: bool = False,
    shared_embeddings: bool = False,
    encoder_units: int = ENCODER,
    direction: str = "bidirectional",
    cell: str = "gru",
    num_layers: int = 1,
    dropout: float = 0.0,
    word_dropout: float = 0.0,
    dtype: str = "float32",
    **kwargs: Any,
) -> Seq2Seq:
    alike: dict[str, Any] = {
        "cell": cell,
        "num_layers": num_layers,
        "dropout": dropout,
        "dtype": dtype,
    }
    return Seq2Seq.of_tokens(
        source_vocabulary_size,
        target_vocabulary_size,
        EMBEDDING,
        Encoder(encoder_units, direction=direction, **alike),
        decoder(**kwargs, **alike),
        tied_embeddings=tied_embeddings,
        shared_embeddings=shared_embeddings,
        dropout=dropout,
        word_dropout=word_dropout,
        dtype=dtype,
    )


def copies(layer: keras.Model) -> list[np.ndarray]:
    """The weights as they are now."""
    return [weight.numpy() for weight in layer.weights]
