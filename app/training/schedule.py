"""Learning rate of each step, and decisions after each validation."""

import math

from app.config import EPOCHS, TrainingOptions
from app.metrics import metric
from app.training import resuming
from app.training.checkpoints import TrainingState


def learning_rate(
    options: TrainingOptions, step: int, total_steps: int
) -> float:
    """Return the scheduled learning rate of a step.

    The rate grows linearly during the first `warmup_steps` steps. After that,
    it follows one of three schedules: `constant`; `cosine`, which falls to 0 at
    step `total_steps`; or `inverse-sqrt`, which is proportional to
    `sqrt(warmup_steps / step)`.

    Args:
        options: options of training, with the schedule.
        step: number of the step, from 0.
        total_steps: number of steps in the whole training.
    """
    warmup = options.warmup_steps
    if step < warmup:
        return options.learning_rate * (step + 1) / warmup
    if options.schedule == "cosine":
        progress = (step - warmup) / max(1, total_steps - warmup)
        progress = min(1, progress)  # the total of a stream is an estimate
        return options.learning_rate * (1 + math.cos(math.pi * progress)) / 2
    if options.schedule == "inverse-sqrt":
        peak = max(1, warmup)
        return options.learning_rate * math.sqrt(peak / max(peak, step))
    return options.learning_rate


def judge(
    state: TrainingState,
    options: TrainingOptions,
    score: float,
    perplexity: float,
) -> bool:
    """Update the state of training after a validation.

    The function decides whether this validation is the best so far, whether to
    lower the learning rate because scores have stopped improving, and whether
    training ends. If two validations have equal scores, the one with the lower
    perplexity is better. This matters early in training, when the BLEU of
    several validations in a row can be 0.

    Args:
        state: the state of training, which is changed.
        options: the options of training; `options.metric` names the metric that
            the score was computed with.
        score: the score on the validation split.
        perplexity: the perplexity on the validation split.

    Returns:
        True if the validation is the best so far.
    """
    sign = metric(options.metric).sign
    best = (
        (-math.inf, -math.inf)
        if state.best is None
        else (sign * state.best, -state.best_perplexity)
    )
    is_best = (sign * score, -perplexity) > best
    if is_best:
        state.best, state.best_step = score, state.step
        state.best_perplexity = perplexity
        state.stale_epochs = state.plateau_epochs = 0
    else:
        state.stale_epochs += 1
        state.plateau_epochs += 1
    if resuming.is_reached(state.plateau_epochs, options.plateau_patience):
        state.rate_factor *= options.plateau_factor
        state.plateau_epochs = 0
    state.finished = resuming.has_ended(state, options)
    return is_best


def extended(
    found: resuming.Changes,
    options: TrainingOptions,
    state: TrainingState,
    steps: int,
) -> str:
    """Describe in a sentence how raising the number of epochs affects training.

    The sentence names the new last epoch, and the old and the new learning rate
    of the current step.

    Args:
        found: old and new value of each changed option.
        options: the options of training as they are now.
        state: the state that training continues from.
        steps: number of steps in an epoch.
    """
    old, new = found[EPOCHS]
    before, now = (
        learning_rate(each, state.step, each.epochs * steps) * state.rate_factor
        for each in (resuming.before_changes(options, found), options)
    )
    return (
        f"The run is trained to epoch {new} instead of {old}: its patience is "
        f"counted anew, and the learning rate of step {state.step} is "
        f"{now:.4g} instead of {before:.4g}"
    )
