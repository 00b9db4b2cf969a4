"""Training of a run, and preparation of its corpus, tokenizers and model."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras

from app.config import Config
from app.machine.device import Device
from app.runs import Run
from app.training import resuming
from app.training.checkpoints import newest_state
from app.training.loop import Summary, Trainer
from data import Corpus, GlimpseError, PipelineOptions, Places
from data.corpora import Pair
from data.guidance import Guide, gold_guide, read_guide
from data.inventory import Inventory
from data.sides import Sides, fit_sides, sample_pairs
from data.writing import alone


def train(
    run: Run,
    device: Device,
    places: Places | None = None,
    *,
    until: int | None = None,
) -> Summary:
    """Train a run, from its newest checkpoint if it has one.

    Args:
        run: the run to train.
        device: the device to train on.
        places: the folders of the data; None for the default folders.
        until: the last epoch to train, counted from 1; None to train all epochs
            of the configuration. A run that stops after this epoch can be
            continued later, with the same result as without the stop.

    Raises:
        InterruptedRunError: SIGINT or SIGTERM has stopped training; its state
            is saved.
        GlimpseError: the disk is full, the loss is no longer finite, the
            training data have changed, or `open_trainer` fails.
    """
    with open_trainer(run, device, places or Places()) as trainer:
        return trainer.train(until)


@contextmanager
def open_trainer(run: Run, device: Device, places: Places) -> Iterator[Trainer]:
    """Yield a trainer for a run.

    Inside the `with` block, no other process can train the run.

    Args:
        run: the run to train.
        device: the device to train on.
        places: the folders of the data.

    Raises:
        GlimpseError: the corpus cannot be loaded, another process is training
            this run, or an option that must stay the same has changed since the
            last checkpoint; see `resuming`.
    """
    keras.utils.set_random_seed(run.config.training.seed)
    with alone(run.folder):
        if state := newest_state(run.checkpoints):
            # This comes before a model is built that would not fit the
            # checkpoint.
            resuming.changes(state.config, run.config, run.folder)
        try:
            corpus = run.open_corpus(places)
            guide = load_guide(run.config, corpus, places)
            sides = prepare_sides(run, corpus)
        except GlimpseError:
            run.discard_if_new()  # else the folder would block the next try
            raise
        yield Trainer(run, corpus, sides, device, guide)


def prepare_sides(run: Run, corpus: Corpus) -> Sides:
    """Load the run's tokenizers, or train and save new ones.

    New tokenizers are trained on the training split. An inventory of the words
    and characters in the source sentences of this split is saved with them, so
    that translation can warn of unknown words and characters. For a large
    corpus, tokenizers and inventory are made from a sample.

    Returns:
        The sides of source and target, each a tokenizer with its language.
    """
    if run.has_sides():
        return run.load_sides()
    config = run.config
    sample = sample_pairs(corpus, config.cleaning)
    sides = fit_sides(sample, config.corpus, config.tokenizer)
    run.save_inventory(inventory(sample, sides, config.pipeline))
    run.save_sides(sides)
    return run.load_sides()


def inventory(
    pairs: Sequence[Pair], sides: Sides, options: PipelineOptions
) -> Inventory:
    """Return the inventory of the words and characters in source sentences.

    Its field `longest` is the number of tokens of the longest source sentence
    that training uses. Training leaves out a pair if its source or its target
    is empty or too long.

    Args:
        pairs: pairs of a source and a target sentence.
        sides: tokenizers of source and target, with their languages.
        options: options with the limits of length.
    """
    lengths = sides.lengths(pairs)
    kept = lengths[sides.fit(lengths.T, options), 0]
    longest = int(kept.max()) if len(kept) else None
    return Inventory.of((pair[0] for pair in pairs), longest)


def load_guide(config: Config, corpus: Corpus, places: Places) -> Guide | None:
    """Load the word alignments that attention is trained on.

    The alignments come from the file `training.alignments`, or from the corpus
    if that option is not set. If `training.guided_alignment` is 0, the result
    is None, and attention is trained without alignments.

    Raises:
        GlimpseError: the alignments do not exist, or the file does not fit the
            corpus.
    """
    if not config.training.guided_alignment:
        return None
    file = config.training.alignments
    if file is None:
        return gold_guide(corpus, config.languages)
    return read_guide(file, corpus, config.languages, places)
