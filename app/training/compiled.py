"""Compilation of a model, and lists of the variables that training changes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from app.config import TrainingOptions
from app.machine.device import Device
from models import Adam, SequenceModel
from models.compatibility import old_variables
from models.signals import Signals


def compile_model(
    model: SequenceModel, options: TrainingOptions, device: Device
) -> None:
    """Compile a model for training with an Adam optimizer.

    The learning rate, the losses and the clipping are taken from `options`. The
    variables of the optimizer are created too. With `weight_decay` w, each step
    multiplies every matrix by 1 - w times the learning rate, apart from Adam's
    own change (Loshchilov and Hutter 2019, "Decoupled weight decay
    regularization", algorithm 2). With `moving_average` m, the optimizer also
    keeps an average of each weight, which each step replaces by `m * average +
    (1 - m) * weight`.
    """
    vectors = [each for each in model.trainable_variables if each.ndim < 2]
    optimizer = Adam(
        options.learning_rate,
        weight_decay=options.weight_decay or None,
        use_ema=options.moving_average > 0,
        ema_momentum=options.moving_average,
    )
    optimizer.exclude_from_weight_decay(vectors)
    model.compile(
        optimizer,
        label_smoothing=options.label_smoothing,
        coverage_loss=options.coverage_loss,
        guided_alignment=options.guided_alignment,
        signals=Signals(
            options.r_drop, options.scheduled_sampling, options.seed, options.l2
        ),
        clip_norm=options.clip_norm,
        fused=options.fused,
        parts=device.parts(options.parts),
        jit_compile=device.jit_compile,
    )
    model.optimizer.build(model.trainable_variables)


@contextmanager
def averaged(model: SequenceModel) -> Iterator[None]:
    """Give the model the moving averages of its weights in a `with` block.

    If the optimizer keeps no averages, nothing changes.
    """
    # In a loss-scaling optimizer, the optimizer inside it averages.
    outer: Any = model.optimizer
    inner = getattr(outer, "inner_optimizer", outer)
    if not inner.use_ema:
        yield
        return
    weights = model.trainable_variables
    own = [weight.numpy() for weight in weights]
    inner.finalize_variable_values(weights)
    try:
        yield
    finally:
        for weight, value in zip(weights, own, strict=True):
            weight.assign(value)


def graph(
    step: Callable[..., dict[str, tf.Tensor]], batch: Any, device: Device
) -> Callable[..., dict[str, tf.Tensor]]:
    """Return a step of training as a TensorFlow graph.

    The graph is traced only once, and accepts batches of different shapes.

    Args:
        step: function that computes a step of training on a batch.
        batch: a batch in which a `tf.TensorSpec` replaces each tensor.
        device: the device that the graph will run on.
    """
    return tf.function(
        step,
        input_signature=[batch],
        autograph=False,
        jit_compile=device.jit_compile,
    )


def variables(model: SequenceModel) -> list[tf.Variable]:
    """List the variables that training changes.

    They are the model's weights and random seeds, the optimizer's variables,
    and the running means of metrics.
    """
    metrics = [v for metric in model.metrics for v in metric.variables]
    every = [*model.variables, *model.optimizer.variables, *metrics]
    return [variable.value for variable in every]


def old_order(model: SequenceModel) -> list[tf.Variable]:
    """List the variables that training changes, in an older order.

    Checkpoints of versions before 0.2 store the variables in this order.
    """
    metrics = [v for metric in model.metrics for v in metric.variables]
    own = old_variables(model)
    every = [*own, *_old_moments(model, own), *metrics]
    return [variable.value for variable in every]


def _old_moments(model: SequenceModel, own: Sequence[Any]) -> list[Any]:
    """List the optimizer's variables in the order used before version 0.2.

    Args:
        model: the compiled model.
        own: the model's variables in the order used before version 0.2; the
            optimizer's moments had the same order.
    """
    every = model.optimizer.variables
    places = {id(v): i for i, v in enumerate(model.trainable_variables)}
    order = [places[id(v)] for v in own if id(v) in places]
    common = len(every) % len(order)  # belong to no weight: step and rate
    rest = every[common:]
    each = len(rest) // len(order)
    # The moments of a weight stand next to each other.
    return [
        *every[:common],
        *(rest[each * place + i] for place in order for i in range(each)),
    ]
