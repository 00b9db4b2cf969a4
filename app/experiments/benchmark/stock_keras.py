"""Reference model made only of Keras's own layers, and trained by `fit`.

Its sizes are those of Glimpse's model, with which the benchmark compares it.
`keras.layers.Attention` reads the outputs of the decoder's recurrence, since
Keras has no layer for attention inside a recurrence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import tensorflow as tf
from keras import layers

from app.experiments.benchmark.work import Batch

CLIP_NORM = 5.0
IDS = tf.TensorSpec((None, None), tf.int32)


class StockKeras:
    """Model of Keras's own layers, as a `System` that cannot translate.

    Args:
        vocabulary: size of the source and of the target vocabulary.
        units: size of the states of encoder and decoder.
        embedding: size of word embeddings.
    """

    def __init__(self, vocabulary: int, units: int, embedding: int) -> None:
        keras.utils.set_random_seed(1)
        self.model = _model(vocabulary, units, embedding)
        self.model.compile(
            keras.optimizers.Adam(global_clipnorm=CLIP_NORM),
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=0
            ),
            jit_compile=False,
        )
        self.parameters = self.model.count_params()

    def train(self, batches: Sequence[Batch]) -> None:
        def examples() -> Iterator[tuple]:
            for each in batches:
                yield (each.source, each.target_in), each.target_out

        data = tf.data.Dataset.from_generator(
            examples, output_signature=((IDS, IDS), IDS)
        )
        counted = tf.data.experimental.assert_cardinality(len(batches))
        self.model.fit(
            data.apply(counted).prefetch(2), epochs=1, verbose=0, shuffle=False
        )


def _model(vocabulary: int, units: int, embedding: int) -> keras.Model:
    source = keras.Input((None,), dtype="int32")
    target = keras.Input((None,), dtype="int32")
    read = layers.Embedding(vocabulary, embedding, mask_zero=True)(source)
    values, forward, backward = layers.Bidirectional(
        layers.GRU(units, return_sequences=True, return_state=True)
    )(read)
    state = layers.Dense(units, "tanh")(
        layers.Concatenate()([forward, backward])
    )
    words = layers.Embedding(vocabulary, embedding, mask_zero=True)(target)
    states = layers.GRU(units, return_sequences=True)(
        words, initial_state=state
    )
    keys = layers.Dense(units, use_bias=False)(values)
    context = layers.Attention()([states, values, keys])
    readout = layers.Dense(embedding, "tanh")(
        layers.Concatenate()([context, states])
    )
    return keras.Model([source, target], layers.Dense(vocabulary)(readout))
