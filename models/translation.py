"""The training step that every translation model has."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from models.fused import fused
from models.losses import coverage_loss, guided_alignment_loss, token_mask
from models.metrics import Perplexity, TokenMean
from models.parts import in_parts, joined
from models.search import StepFunction
from models.softmax import NOTHING, SoftmaxLayer, TokenLosses, softmax_losses

Batch = tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]


class TranslationModel(keras.Model):
    """Training and validation on `({source, target_in}, target_out, weights)`.

    The inputs may hold an "alignment" too, (B, T, S), for attention to learn.

    A subclass gives `call`, `encode` and `step`. Training and validation call
    it with "target" and "mask" among the inputs, and take "losses", a
    `TokenLosses`, in place of "logits", from `said`. The loss is the sum of
    token losses over the number of target tokens in the global batch;
    gradients are summed over replicas, then clipped, then applied, so that any
    number of replicas trains like one.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.label_smoothing = 0.0
        self.coverage_loss = 0.0
        self.guided_alignment = 0.0
        self.clip_norm: float | None = None
        self.real_only = True
        self.fused = True
        self.parts = 1
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
        fused: bool = True,
        parts: int = 1,
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
            fused: let recurrences that can take the way of `models.fused`.
            parts: how many parts of a batch to work on side by side; see
                `models.parts`. A core each is worth it on CPU, and nothing
                else is.
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
        self.real_only = not jit_compile
        self.fused = fused
        self.parts = parts

    @property
    def is_divisible(self) -> bool:
        """Whether the parts of a batch give what all of it gives."""
        return True

    def stepper(
        self, memory: Any, never: Sequence[int] = ()
    ) -> tuple[StepFunction, Any]:
        """`step` for search, and what it takes in place of the memory.

        Args:
            memory: as `encode` gave it.
            never: words that are as good as impossible.
        """

        def step(
            tokens: tf.Tensor, state: Any, memory: Any
        ) -> tuple[tf.Tensor, Any, Any]:
            log_probs, weights, state = self.step(tokens, state, memory)
            for word in never:
                log_probs += tf.one_hot(word, log_probs.shape[-1]) * NOTHING
            return log_probs, weights, state

        return step, memory

    def plain_parts(self) -> list[str]:
        """The parts whose loops are differentiated automatically."""
        return []

    def said(
        self,
        readout: tf.Tensor,
        layer: SoftmaxLayer,
        inputs: dict[str, tf.Tensor],
    ) -> dict[str, Any]:
        """What a softmax layer makes of readouts (B, T, R): see above."""
        if "target" not in inputs:
            flat = tf.reshape(readout, [-1, readout.shape[-1]])
            logits = layer.logits(flat)  # (B * T, V)
            shape = tf.concat([tf.shape(readout)[:2], [layer.vocabulary]], 0)
            return {"logits": tf.reshape(logits, shape)}
        return {
            "losses": softmax_losses(
                readout,
                layer,
                inputs["target"],
                inputs["mask"],
                self.label_smoothing,
                self.real_only,
            )
        }

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
            mask = token_mask(target, weights)
            with fused(self.fused):
                found = self._measure(inputs, target, mask, training=True)
            count = replica.all_reduce("sum", tf.reduce_sum(mask))
            loss = tf.reduce_sum(found.loss * mask) / count
            scaled = self.optimizer.scale_loss(loss)
        self._apply(tape.gradient(scaled, self.trainable_weights), replica)
        results = self._update(found, mask)
        return {**results, "gradient_norm": self.gradient_norm.result()}

    def test_step(self, data: Batch) -> dict[str, tf.Tensor]:
        inputs, target, weights = data
        mask = token_mask(target, weights)
        with fused(self.fused):
            found = self._measure(inputs, target, mask, training=False)
        return self._update(found, mask)

    def _measure(
        self,
        inputs: dict[str, tf.Tensor],
        target: tf.Tensor,
        mask: tf.Tensor,
        training: bool,
    ) -> TokenLosses:
        """Losses of tokens, those of attention included."""
        given = {**inputs, "target": target, "mask": mask}

        def work(part: dict[str, tf.Tensor]) -> TokenLosses:
            return self._measure_part(part, training)

        parts = self.parts if self.is_divisible else 1
        return joined(in_parts(work, given, parts))

    def _measure_part(
        self, inputs: dict[str, tf.Tensor], training: bool
    ) -> TokenLosses:
        outputs = self(inputs, training=training)
        found = outputs["losses"]
        weights = outputs["attention_weights"]
        loss = found.loss
        if self.coverage_loss:
            loss = loss + self.coverage_loss * coverage_loss(weights)
        if self.guided_alignment and "alignment" in inputs:
            away = guided_alignment_loss(weights, inputs["alignment"])
            loss = loss + self.guided_alignment * away
        return found._replace(loss=loss)

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
            gradients = _clipped(gradients, norm, self.clip_norm * scale)
        # Keras sums over replicas once more.
        replicas = replica.num_replicas_in_sync
        if replicas > 1:
            gradients = [gradient / replicas for gradient in gradients]
        self.optimizer.apply(gradients, self.trainable_weights)

    def _update(
        self, found: TokenLosses, mask: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        self.loss_mean.update_state(found.loss, mask)
        self.perplexity.update_state(found.nll, mask)
        self.accuracy.update_state(found.correct, mask)
        return {each.name: each.result() for each in self.token_metrics}


def _clipped(
    gradients: list[tf.Tensor], norm: tf.Tensor, limit: tf.Tensor
) -> list[tf.Tensor]:
    """Gradients of this global norm, shortened to a limit if they are longer.

    Most steps leave them as they are, and nothing is copied.
    """
    return tf.cond(
        norm > limit,
        lambda: [gradient * (limit / norm) for gradient in gradients],
        lambda: gradients,
    )
