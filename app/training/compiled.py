"""Compilation of a model, and lists of the variables that training changes."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from app.config import TrainingOptions
from app.machine.device import Device
from models import Adam, SequenceModel
from models.compatibility import old_variables


def compile_model(
    model: SequenceModel, options: TrainingOptions, device: Device
) -> None:
    """Compile a model for training with an Adam optimizer.

    The learning rate, the losses and the clipping are taken from `options`. The
    variables of the optimizer are created too.
    """
    model.compile(
        Adam(options.learning_rate),
        label_smoothing=options.label_smoothing,
        coverage_loss=options.coverage_loss,
        guided_alignment=options.guided_alignment,
        clip_norm=options.clip_norm,
        fused=options.fused,
        parts=device.parts(options.parts),
        jit_compile=device.jit_compile,
    )
    model.optimizer.build(model.trainable_variables)


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
