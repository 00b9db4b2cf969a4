"""Fitting of a foresight to a run, for the command `align --fit`."""

import logging
from dataclasses import dataclass

import keras
import tensorflow as tf
from tqdm import tqdm

from app.inference import Translator
from app.runs import Run
from data import GlimpseError, Places
from data.training_data import read_split
from models import Adam
from models.foresight import Foresight, fit_step

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FitOptions:
    """Options of the fitting.

    Attributes:
        epochs: how often the training split is read.
        learning_rate: learning rate of the first step; it falls to 0.
        dropout: rate at which target words are dropped.
        seed: seed of the order of the pairs, and of dropout.
    """

    epochs: int = 1
    learning_rate: float = 2e-3
    dropout: float = 0.5
    seed: int = 1


def fit(
    run: Run, places: Places, options: FitOptions = FitOptions()
) -> list[float]:
    """Fit a foresight to the best model of a run, and save it in the run.

    The model itself does not change. The foresight learns from the training
    split of the run's corpus.

    Args:
        run: the run, whose model has attention.
        places: the folders of the data.
        options: options of the fitting.

    Returns:
        The mean negative log-likelihood of a target token in each epoch.

    Raises:
        GlimpseError: the model has no posterior and so no foresight, or the
            corpus cannot be read.
    """
    translator = Translator.load(run.folder)
    model = translator.model
    keras.utils.set_random_seed(options.seed)
    if not model.has_posterior:
        raise GlimpseError(
            f"{run.folder} has no attention that could be fitted: the starting "
            "example and a model without attention have none; give another run"
        )
    data = read_split(
        run.open_corpus(places),
        "train",
        translator.sides,
        run.config.pipeline,
        run.config.cleaning,
    )
    log.info("%s", data.report.described())
    steps = options.epochs * data.steps_per_epoch
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    foresight = Foresight.of(model, dropout=options.dropout)
    optimizer = Adam(rate)
    optimizer.build(foresight.trainable_variables)
    step = tf.function(
        fit_step(model, foresight, optimizer),
        input_signature=[data.in_order().element_spec],
        autograph=False,
    )
    losses = []
    for epoch in range(options.epochs):
        total, count = tf.constant(0.0), tf.constant(0.0)
        name = f"epoch {epoch + 1}/{options.epochs}"
        batches = data.epoch(options.seed, epoch)
        for batch in tqdm(batches, name, data.steps_per_epoch, unit="batch"):
            loss, tokens = step(batch)
            total, count = total + loss, count + tokens
        losses.append(float(total / count))
        log.info("%s: loss %.4f", name, losses[-1])
    run.save_foresight(foresight)
    return losses
