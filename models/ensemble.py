"""Ensemble: several models of the same vocabulary that translate together."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from models.search import StepFunction, Unnormalised
from models.sequence_model import SequenceModel
from models.targets import Seen


@keras.saving.register_keras_serializable("glimpse")
class Ensemble(SequenceModel):
    """Models whose probabilities are averaged at each step.

    The probability of a word is the mean of its probabilities in all models,
    and its attention the mean of the attention of the models that have some. An
    ensemble only translates; it is not trained or saved.

    Args:
        members: built models, which have the same source and target ids.
    """

    def __init__(self, members: Sequence[SequenceModel]) -> None:
        super().__init__()
        self.members = list(members)

    def call(
        self, inputs: dict[str, tf.Tensor], training: bool = False
    ) -> dict[str, Any]:
        """Return the mean; see `Seq2Seq`. The logits are log-probabilities."""
        every = [each(inputs, training=training) for each in self.members]
        log_probs = [
            tf.nn.log_softmax(tf.cast(each["logits"], tf.float32))
            for each in every
        ]
        return {
            "logits": _mean_of_probabilities(log_probs),
            "attention_weights": _mean(
                [each["attention_weights"] for each in every]
            ),
        }

    @property
    def attends(self) -> bool:
        return any(each.attends for each in self.members)

    def encode(
        self, values: tf.Tensor, lengths: tf.Tensor | None = None
    ) -> tuple[Any, Any]:
        """Return the encoded sources and the initial states of all models."""
        encoded, states = zip(
            *(each.encode(values, lengths) for each in self.members),
            strict=True,
        )
        return encoded, states

    def stepper(self, encoded: Any) -> tuple[StepFunction, Any]:
        steps, memories = zip(
            *(
                member.stepper(each)
                for member, each in zip(self.members, encoded, strict=True)
            ),
            strict=True,
        )

        def step(
            tokens: tf.Tensor, states: Any, memories: Any
        ) -> tuple[tf.Tensor, Any, Any]:
            said, seen, after = zip(
                *(
                    one(tokens, state, memory)
                    for one, state, memory in zip(
                        steps, states, memories, strict=True
                    )
                ),
                strict=True,
            )
            log_probs = [
                each.log_probs() if isinstance(each, Unnormalised) else each
                for each in said
            ]
            attention = _mean([each.attention for each in seen])
            return _mean_of_probabilities(log_probs), Seen(attention), after

        return step, memories


def _mean_of_probabilities(log_probs: Sequence[tf.Tensor]) -> tf.Tensor:
    """Return the logarithm of the mean of probabilities."""
    if len(log_probs) == 1:
        return log_probs[0]
    total = tf.reduce_logsumexp(tf.stack(log_probs), 0)
    mean = total - tf.math.log(float(len(log_probs)))
    return tf.ensure_shape(mean, log_probs[0].shape)


def _mean(weights: Sequence[Any]) -> Any:
    """Return the mean of tensors, leaving out each (); () if all are ()."""
    some = [
        tf.cast(each, tf.float32)
        for each in weights
        if not isinstance(each, tuple)
    ]
    return tf.add_n(some) / len(some) if some else ()
