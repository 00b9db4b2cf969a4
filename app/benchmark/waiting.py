"""How long a step of training waits for its batch."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from data.pipeline import TrainingData

STEPS = 100  # at most


def fraction_waited(
    data: TrainingData, train: Callable[[Any], Any], steps: int = STEPS
) -> float:
    """Return which part of an epoch's time its batches are waited for.

    The first one, for which pairs are shuffled, is waited for once an epoch;
    the others as some of them were.

    Args:
        data: the batches.
        train: does a step with one, and returns once it is done.
        steps: how many are timed.
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
    """The same, by the times of its first steps."""
    first, *others = waited
    # Its graph is made in the first step, which shows nothing.
    typical = trained[1:] or trained
    wait = first + (steps - 1) * sum(others) / max(1, len(others))
    return wait / (wait + steps * sum(typical) / len(typical))
