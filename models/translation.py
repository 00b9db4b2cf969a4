"""The training step that every translation model has."""

from typing import Any

import keras
import tensorflow as tf

from models.losses import (
    coverage_loss,
    guided_alignment_loss,
    token_losses,
    token_mask,
)
from models.metrics import Perplexity, TokenMean, correct_tokens

Batch = tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]


class TranslationModel(keras.Model):
    """Training and validation on `({source, target_in}, target_out, weights)`.

    The inputs may hold an "alignment" too, (B, T, S), for attention to learn.

    A subclass gives `call`, `encode` and `step`. The loss is the sum of token
    losses over the number of target tokens in the global batch; gradients are
    summed over replicas, then clipped, then applied, so that any number of
    replicas trains like one.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.label_smoothing = 0.0
        self.coverage_loss = 0.0
        self.guided_alignment = 0.0
        self.clip_norm: float | None = None
        self.loss_mean = TokenMean("loss")
        self.perplexity = Perplexity()
        self.accuracy = TokenMean("accuracy")
        self.gradient_norm = keras.metrics.Mean("gradient_norm")

    def compile(
        self,
        optimizer: Any = "adam",
        *,
        label_smoothing: float = 0.0,
        coverage_loss: float = 0.0,
        guided_alignment: float = 0.0,
        clip_norm: float | None = 5.0,
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Choose how to train.

        Args:
            optimizer: a Keras optimizer without clipping of its own.
            label_smoothing: see `models.losses.token_losses`.
            coverage_loss: what `models.losses.coverage_loss` counts in the
                loss of a token; 0 for nothing.
            guided_alignment: the same for
                `models.losses.guided_alignment_loss`, on inputs that have an
                alignment.
            clip_norm: largest global norm of the gradients; None for any.
            jit_compile: compile with XLA; worth it on GPU and TPU, not on CPU.
            **kwargs: as `keras.Model.compile`.

        Raises:
            ValueError: if the optimizer clips, since Keras would clip each
                replica's gradients before they are summed.
        """
        optimizer = keras.optimizers.get(optimizer)
        # A loss-scaling optimizer leaves clipping to the one inside it.
        inner = getattr(optimizer, "inner_optimizer", optimizer)
        for name in ("clipnorm", "global_clipnorm", "clipvalue"):
            if getattr(inner, name) is not None:
                raise ValueError(
                    f"The optimizer came with {name} set; it must not clip: "
                    "give compile clip_norm instead"
                )
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)
        self.label_smoothing = label_smoothing
        self.coverage_loss = coverage_loss
        self.guided_alignment = guided_alignment
        self.clip_norm = clip_norm

    def get_compile_config(self) -> None:
        """A saved model is for use; compile it again to train it further."""
        return

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*self.token_metrics, self.gradient_norm]

    @property
    def token_metrics(self) -> list[keras.metrics.Metric]:
        """Those that validation has too."""
        return [self.loss_mean, self.perplexity, self.accuracy]

    def train_step(self, data: Batch) -> dict[str, tf.Tensor]:
        inputs, target, weights = data
        replica = tf.distribute.get_replica_context()
        with tf.GradientTape() as tape:
            outputs = self(inputs, training=True)
            losses, nll = self._measure(inputs, target, outputs)
            mask = token_mask(target, weights)
            count = replica.all_reduce("sum", tf.reduce_sum(mask))
            loss = tf.reduce_sum(losses * mask) / count
            scaled = self.optimizer.scale_loss(loss)
        self._apply(tape.gradient(scaled, self.trainable_weights), replica)
        results = self._update(target, outputs["logits"], losses, nll, mask)
        return {**results, "gradient_norm": self.gradient_norm.result()}

    def test_step(self, data: Batch) -> dict[str, tf.Tensor]:
        inputs, target, weights = data
        outputs = self(inputs, training=False)
        losses, nll = self._measure(inputs, target, outputs)
        mask = token_mask(target, weights)
        return self._update(target, outputs["logits"], losses, nll, mask)

    def _measure(
        self,
        inputs: dict[str, tf.Tensor],
        target: tf.Tensor,
        outputs: dict[str, tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """What is minimised, and the negative log-likelihood: (B, T)."""
        losses, nll = token_losses(
            target, outputs["logits"], self.label_smoothing
        )
        if self.coverage_loss:
            again = coverage_loss(outputs["attention_weights"])
            losses = losses + self.coverage_loss * again
        if self.guided_alignment and "alignment" in inputs:
            away = guided_alignment_loss(
                outputs["attention_weights"], inputs["alignment"]
            )
            losses = losses + self.guided_alignment * away
        return losses, nll

    def _apply(
        self,
        gradients: list[tf.Tensor | tf.IndexedSlices],
        replica: tf.distribute.ReplicaContext,
    ) -> None:
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        gradients = replica.all_reduce("sum", gradients)
        # A loss-scaling optimizer sees gradients times its scale.
        scale = self.optimizer.scale_loss(tf.constant(1.0))
        norm = tf.linalg.global_norm(gradients)
        self.gradient_norm.update_state(norm / scale)
        if self.clip_norm is not None:
            gradients, _ = tf.clip_by_global_norm(
                gradients, self.clip_norm * scale, use_norm=norm
            )
        # Keras sums over replicas once more.
        replicas = replica.num_replicas_in_sync
        self.optimizer.apply(
            [gradient / replicas for gradient in gradients],
            self.trainable_weights,
        )

    def _update(
        self,
        target: tf.Tensor,
        logits: tf.Tensor,
        losses: tf.Tensor,
        nll: tf.Tensor,
        mask: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        self.loss_mean.update_state(losses, mask)
        self.perplexity.update_state(nll, mask)
        self.accuracy.update_state(correct_tokens(target, logits), mask)
        return {each.name: each.result() for each in self.token_metrics}
