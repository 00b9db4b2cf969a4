"""Target foresight: attention whose queries know the next word.

Ordinary attention is computed before the next word is known, so it says where
the model looked to *choose* the word, not where the word comes from. Where the
translation is given, the word itself can help. Peter, Nix and Ney 2017,
"Generating alignments using target foresight in attention-based neural machine
translation", section 3, train a whole model with the target word in the query
of attention. Here the translator stays as it is: only the part of the query
that comes from the word is learnt, by the translator's own likelihood.
"""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.attention import Foreseen
from models.building import Shape, build_once
from models.parts import Dropout
from models.recurrence import scan
from models.seq2seq import Seq2Seq
from models.sources import Encoded


class Foresight(keras.Model):
    """Model that turns target words into shifts of attention's queries.

    The shift of a word y is `W2 tanh(W1 E y)`, where E y is the word's
    embedding in the translator. W2 starts at 0, so that attention starts as it
    is without foresight. In training, whole words are dropped at random: what
    the query has learnt of them cannot replace what the source says, so that
    the word is not smuggled into its own prediction.

    Args:
        units: dimension H of queries.
        dropout: rate at which words are dropped.

    Call arguments:
        embedded: (B, T, E), the embedded target words.

    Output:
        The shifts, (B, T, H).
    """

    def __init__(self, units: int, dropout: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = Dropout(dropout, (None, None, 1))
        self.hidden = layers.Dense(units, "tanh")
        self.shift = layers.Dense(
            units, use_bias=False, kernel_initializer="zeros"
        )

    @classmethod
    def of(cls, model: Seq2Seq, **options: Any) -> "Foresight":
        """Return a built foresight for a translator with attention."""
        foresight = cls(model.decoder.units, **options)
        build_once(foresight, (None, None, model.target.units))
        return foresight

    def build(self, embedded_shape: Shape) -> None:
        build_once(self.hidden, embedded_shape)
        build_once(self.shift, (None, None, self.hidden.units))

    def call(self, embedded: tf.Tensor, training: bool = False) -> tf.Tensor:
        shift = self.shift(self.hidden(embedded))
        return self.words(shift, training=training)


def look(
    model: Seq2Seq,
    foresight: Foresight,
    source: tf.Tensor,
    lengths: tf.Tensor,
    target_in: tf.Tensor,
    target: tf.Tensor,
    training: bool = False,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Compute attention that knows the target words.

    The decoder's states are those of the translator without foresight, so
    that only the attention of each step changes.

    Args:
        model: the translator, which has attention.
        foresight: what turns target words into shifts of queries.
        source: (B, S), ids of the sources.
        lengths: (B,), number of real positions of each source.
        target_in: (B, T), ids of the word before each target word.
        target: (B, T), ids of the target words.
        training: whether words are dropped.

    Returns:
        Attention weights (B, T, S), and the log-probabilities (B, T) of the
        target words with the contexts of this attention.
    """
    encoded, state = model.encode(source, lengths)
    decoder, memory = model.decoder, encoded.memory

    def before(word: tf.Tensor, state: Any) -> tuple[Any, Any]:
        _, after = decoder.step(word[:, None], state, memory)
        return tf.nest.map_structure(lambda x: x[:, 0], state), after

    words = decoder.project(model.target.embed(target_in))
    states, _ = scan(before, words, state)
    embedded = tf.stop_gradient(model.target.embed(target))
    shift = foresight(embedded, training=training)
    memory, states = tf.nest.map_structure(tf.stop_gradient, (memory, states))
    log_probs, seen, _ = model.step(
        target_in, states, Encoded(Foreseen(memory, shift))
    )
    said = tf.gather(log_probs, target, batch_dims=2)
    return ops.cast(seen.attention, "float32"), said


def fit_step(
    model: Seq2Seq,
    foresight: Foresight,
    optimizer: keras.optimizers.Optimizer,
) -> Callable[[Any], tuple[tf.Tensor, tf.Tensor]]:
    """Return a function that trains a foresight on a batch.

    The loss is the mean negative log-likelihood of the target words. The
    function takes a batch as `data.steps.shift` makes it, and returns the sum
    of the losses and the number of words.

    Args:
        model: the translator, which is not trained.
        foresight: what is trained.
        optimizer: optimizer, built for the foresight's weights.
    """
    weights = foresight.trainable_variables

    def step(batch: Any) -> tuple[tf.Tensor, tf.Tensor]:
        inputs, target, rows = batch
        real = tf.sequence_mask(
            inputs["target_length"], tf.shape(target)[1], tf.float32
        )
        mask = real * rows[:, None]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([weight.value for weight in weights])
            _, said = look(
                model,
                foresight,
                inputs["source"],
                inputs["source_length"],
                inputs["target_in"],
                target,
                training=True,
            )
            loss = -tf.reduce_sum(said * mask)
            count = tf.reduce_sum(mask)
            mean = loss / count
        gradients = tape.gradient(mean, [each.value for each in weights])
        optimizer.apply(gradients, weights)
        return loss, count

    return step
