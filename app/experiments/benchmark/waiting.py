"""Measurement of the time that training waits for batches of data."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from data.training_data import TrainingData

STEPS = 100  # largest number of timed steps


def fraction_waited(
    data: TrainingData, train: Callable[[Any], Any], steps: int = STEPS
) -> float:
    """Return the fraction of an epoch's time that is spent waiting for batches.

    The fraction is estimated from the first batches of an epoch. The wait for
    the very first batch is measured separately: it is longer, since the pairs
    are shuffled first. The wait for the second batch, the third and so on is
    measured for `steps` batches, and their mean is assumed for the rest.

    Args:
        data: the batches of training data.
        train: function that trains a step on a batch, and returns when the step
            is finished.
        steps: largest number of steps to time after the first one.
    """
    batches = iter(data.epoch(1, 0))
    waited, trained = [], []
    began = time.perf_counter()
    for batch in islice(batches, steps + 1):
        came = time.perf_counter()
        train(batch)
        done = time.perf_counter()
        waited.append(came - began)
        trained.append(done - came)
        began = done
    return _of_epoch(waited, trained, data.steps_per_epoch)


def _of_epoch(waited: list[float], trained: list[float], steps: int) -> float:
    """Return the fraction of an epoch's time that is spent waiting.

    Args:
        waited: waiting time before each of the timed steps, in seconds.
        trained: duration of each of these steps, in seconds.
        steps: number of steps in an epoch.
    """
    first, *others = waited
    # The first step is not typical, since TensorFlow builds the graph in it.
    typical = trained[1:] or trained
    wait = first + (steps - 1) * sum(others) / max(1, len(others))
    return wait / (wait + steps * sum(typical) / len(typical))
