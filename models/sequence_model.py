"""Base class of sequence models, with their training step."""

from typing import Any

import keras
import tensorflow as tf

from models.adam import global_norm
from models.fused import fused
from models.losses import (
    Losses,
    coverage_loss,
    guided_alignment_loss,
    token_mask,
)
from models.metrics import Perplexity, TokenMean
from models.parts import in_parts, joined
from models.search import StepFunction
from models.signals import (
    NO_SIGNALS,
    Signals,
    doubled,
    forced,
    halved,
    l2_penalty,
    with_own_words,
)
from models.sources import Encoded

Batch = tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]


class SequenceModel(keras.Model):
    """Sequence model that is trained on batches of padded sources and targets.

    `data.steps.shift` makes the batches. A batch is `({"source",
    "source_length", "target_in", "target_length"}, target_out, weights)`. The
    dict may also contain "alignment", (B, T, S): the correct attention weights,
    which the option `guided_alignment` of `compile` needs.

    A subclass defines `call`, `encode` and `step`. Training and validation add
    "target" and "mask" to the inputs of `call`. In this case, the output of
    `call` contains "losses", a `Losses`, instead of "logits". The loss is the
    sum of the token losses, divided by the number of target tokens in the
    batches of all replicas.

    Gradients are summed over replicas, then clipped, then applied. So the
    result of training does not depend on the number of replicas.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.label_smoothing = 0.0
        self.coverage_loss = 0.0
        self.guided_alignment = 0.0
        self.signals = NO_SIGNALS
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
        signals: Signals = NO_SIGNALS,
        clip_norm: float | None = 5.0,
        fused: bool = True,
        parts: int = 1,
        jit_compile: bool = False,
        **kwargs: Any,
    ) -> None:
        """Set the optimizer and the options of training.

        Args:
            optimizer: Keras optimizer, which must not clip gradients itself.
            label_smoothing: amount of label smoothing, from 0 to less than 1;
                see `models.losses.token_losses`.
            coverage_loss: factor of `models.losses.coverage_loss` in the loss
                of each token. If the factor is 0, that term is not computed.
            guided_alignment: factor of `models.losses.guided_alignment_loss` in
                the loss of each token, if the batch has an alignment. If the
                factor is 0, that term is not computed.
            signals: further terms of the loss, and what the decoder reads.
            clip_norm: largest global norm of the gradients. Gradients with a
                larger norm are scaled down to this norm. None for no clipping.
            fused: whether to use the recurrent loops of `models.fused`, which
                have hand-written gradients, in the layers that support them.
            parts: number of parts into which a batch is split, so that the
                parts are computed in parallel; see `models.parts`. A number
                above 1 is faster only on a CPU that has a core for each part.
            jit_compile: whether to compile with XLA; this makes training faster
                on GPU and TPU, but not on CPU.
            **kwargs: further arguments of `keras.Model.compile`.

        Raises:
            ValueError: the optimizer clips gradients. Keras would do this on
                each replica, before the gradients are summed over replicas.
        """
        optimizer = keras.optimizers.get(optimizer)
        # In a loss-scaling optimizer, the optimizer inside it clips.
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
        self.signals = signals
        self.clip_norm = clip_norm
        self.real_only = not jit_compile
        self.fused = fused
        self.parts = parts

    @property
    def is_divisible(self) -> bool:
        """Tell whether a batch can be computed in parts.

        This is possible if the losses of the parts add up to the loss of the
        whole batch, and likewise the gradients.
        """
        return True

    @property
    def attends(self) -> bool:
        """Tell whether the model has attention weights."""
        return True

    @property
    def has_posterior(self) -> bool:
        """Tell whether the model can compute `Seq2Seq.posterior`."""
        return False

    def stepper(self, encoded: Encoded) -> tuple[StepFunction, Any]:
        """Return a step function for search, and the memory it needs.

        The memory is the third argument of the step function, and contains what
        the function needs from the encoded sources. The step function computes
        the same as the method `step`, but may be faster.

        Args:
            encoded: encoded sources, from `encode`.
        """
        return self.step, encoded

    def plain_parts(self) -> list[str]:
        """List the parts of the network that do not use `models.fused`.

        TensorFlow differentiates the recurrent loops of these parts
        automatically, which is slower than the hand-written gradients of
        `models.fused`.
        """
        return []

    def get_compile_config(self) -> None:
        """Return None, so that no training options are saved with the model.

        A loaded model must be compiled before it can be trained.
        """
        return

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Metrics that training updates."""
        return [*self.token_metrics, self.gradient_norm]

    @property
    def token_metrics(self) -> list[keras.metrics.Metric]:
        """Metrics that both training and validation update."""
        return [self.loss_mean, self.perplexity, self.accuracy]

    def train_step(self, data: Batch) -> dict[str, tf.Tensor]:
        inputs, target, weights = data
        lengths = inputs.get("target_length")
        replica = tf.distribute.get_replica_context()
        with tf.GradientTape() as tape:
            mask = token_mask(target, lengths, weights)
            with fused(self.fused):
                found = self._measure(inputs, target, mask, training=True)
            count = replica.all_reduce("sum", tf.reduce_sum(mask))
            loss = tf.reduce_sum(found.loss * mask) / count
            if l2 := self.signals.l2:
                # Shared by the replicas, whose gradients are added.
                share = l2 / replica.num_replicas_in_sync
                loss += share * l2_penalty(self.trainable_weights)
            scaled = self.optimizer.scale_loss(loss)
        self._apply(tape.gradient(scaled, self.trainable_weights), replica)
        results = self._update(found, mask)
        return {**results, "gradient_norm": self.gradient_norm.result()}

    def test_step(self, data: Batch) -> dict[str, tf.Tensor]:
        inputs, target, weights = data
        mask = token_mask(target, inputs.get("target_length"), weights)
        with fused(self.fused):
            found = self._measure(inputs, target, mask, training=False)
        return self._update(found, mask)

    def _measure(
        self,
        inputs: dict[str, tf.Tensor],
        target: tf.Tensor,
        mask: tf.Tensor,
        training: bool,
    ) -> Losses:
        """Return the losses of tokens, with `attention_losses` added."""
        given = {**inputs, "target": target, "mask": mask}
        if training and (decay := self.signals.scheduled_sampling):
            step = self.optimizer.iterations
            given["forced"] = forced(
                tf.shape(target), step, decay, self.signals.seed
            )
        copies = 2 if training and self.signals.r_drop else 1

        def work(part: dict[str, tf.Tensor]) -> Losses:
            return self._measure_part(part, training)

        parts = self.parts if self.is_divisible else 1
        return joined(in_parts(work, given, parts, copies))

    def _measure_part(
        self, inputs: dict[str, tf.Tensor], training: bool
    ) -> Losses:
        twice = training and self.signals.r_drop
        if twice:
            inputs = doubled(inputs)
        if "forced" in inputs:
            inputs = self._with_own_words(**inputs)
        outputs = self(inputs, training=training)
        found = outputs["losses"]
        more = self.attention_losses(
            outputs["attention_weights"], inputs.get("alignment")
        )
        found = found._replace(loss=sum(more, found.loss))
        return halved(found) if twice else found

    def _with_own_words(
        self, forced: tf.Tensor, **inputs: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Let the decoder read its own words where `forced` is False."""
        read = {
            name: inputs[name]
            for name in ("source", "source_length", "target_in")
            if name in inputs
        }
        logits = tf.stop_gradient(self(read, training=True)["logits"])
        own = with_own_words(inputs["target_in"], logits, forced)
        return {**inputs, "target_in": own}

    def attention_losses(
        self, weights: Any, alignment: tf.Tensor | None = None
    ) -> list[tf.Tensor]:
        """Return the terms that attention adds to the losses of the tokens.

        Each term is a tensor (B, T): `coverage_loss` or `guided_alignment_loss`
        of `models.losses`, multiplied by its factor from `compile`. A term is
        left out if its factor is 0, or if it needs an alignment and there is
        none.

        Args:
            weights: attention weights (B, T, S), or () without attention.
            alignment: correct weights (B, T, S); None if they are unknown.
        """
        terms = []
        if self.coverage_loss:
            terms.append(self.coverage_loss * coverage_loss(weights))
        if self.guided_alignment and alignment is not None:
            away = guided_alignment_loss(weights, alignment)
            terms.append(self.guided_alignment * away)
        return terms

    def _apply(
        self,
        gradients: list[tf.Tensor | tf.IndexedSlices],
        replica: tf.distribute.ReplicaContext,
    ) -> None:
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        gradients = replica.all_reduce("sum", gradients)
        # A loss-scaling optimizer gets gradients multiplied by its scale.
        scale = self.optimizer.scale_loss(tf.constant(1.0))
        norm = global_norm(gradients, self.trainable_weights)
        self.gradient_norm.update_state(norm / scale)
        if self.clip_norm is not None:
            gradients = _clipped(gradients, norm, self.clip_norm * scale)
        # Keras will sum the gradients over replicas once more.
        replicas = replica.num_replicas_in_sync
        if replicas > 1:
            gradients = [gradient / replicas for gradient in gradients]
        self.optimizer.apply(gradients, self.trainable_weights)

    def _update(self, found: Losses, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        self.loss_mean.update_state(found.loss, mask)
        self.perplexity.update_state(found.nll, mask)
        self.accuracy.update_state(found.correct, mask)
        return {each.name: each.result() for each in self.token_metrics}


def _clipped(
    gradients: list[tf.Tensor], norm: tf.Tensor, limit: tf.Tensor
) -> list[tf.Tensor]:
    """Scale gradients down to the global norm `limit`, if `norm` exceeds it.

    `norm` is the global norm of the gradients. If it does not exceed the limit,
    which is the usual case, the given tensors themselves are returned.
    """
    return tf.cond(
        norm > limit,
        lambda: [gradient * (limit / norm) for gradient in gradients],
        lambda: gradients,
    )
