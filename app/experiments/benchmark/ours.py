"""Glimpse's own model, as one of the systems that the benchmark compares.

It trains and searches with the same code as in the application.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from app.config import Config
from app.experiments.benchmark.work import (
    EXTRA_LENGTH,
    LENGTH_FACTOR,
    Batch,
    lengths,
)
from app.machine.device import Device
from app.training.compiled import compile_model, graph
from data import Tokenizer
from data.modalities import Symbols
from models import SearchOptions, SequenceModel
from models.architecture import build_model
from models.decoding import IDS, LENGTHS, search_graph
from models.parts import in_parts

BATCH = (
    {
        "source": IDS,
        "source_length": LENGTHS,
        "target_in": IDS,
        "target_length": LENGTHS,
    },
    IDS,
    tf.TensorSpec((None,), tf.float32),
)
# Without an end symbol, each translation grows until its length limit.
ENDLESS = Symbols(Tokenizer.PAD, Tokenizer.BOS, end=None)


class Ours:
    """`System` that runs Glimpse's own model, configured by a preset.

    Unlike other systems, it can also translate by beam search.

    Args:
        config: configuration of the preset.
        vocabularies: sizes of the source vocabulary and the target vocabulary.
        device: device to train and translate on.
    """

    def __init__(
        self, config: Config, vocabularies: tuple[int, int], device: Device
    ) -> None:
        self.config = config
        self.model = build_model(
            config.model, *vocabularies, config.training.precision
        )
        self.model.build()
        compile_model(self.model, config.training, device)
        self.step = graph(self.model.train_step, BATCH, device)
        self.parameters = self.model.count_params()
        size = config.search.beam_size
        parts = device.parts(config.training.parts)
        self.search_greedy, self.search_beam = (
            search_graph(self.model, ENDLESS, _options(beams), parts)
            for beams in (1, size)
        )
        self.search_steps = _steps_graph(self.model, _options(size), parts)

    def train(self, batches: Sequence[Batch]) -> None:
        for batch in _tensors(batches):
            self.step(batch)
        self._wait()

    def train_batch(self, batch: tuple) -> None:
        """Train on a batch from `tf.data`; return when the step is done."""
        self.step(batch)
        self._wait()

    def _wait(self) -> None:
        """Wait until the device has finished all training steps so far."""
        self.model.perplexity.count.numpy()

    def greedy(self, sources: Sequence[np.ndarray]) -> None:
        _run(lambda *given: self.search_greedy(*given).tokens, sources)

    def beam(self, sources: Sequence[np.ndarray]) -> None:
        """Translate batches of source ids (B, S) by beam search."""
        _run(lambda *given: self.search_beam(*given).tokens, sources)

    def steps(self, sources: Sequence[np.ndarray]) -> None:
        """Encode sources; run the decoder as `beam` does, but choose no words.

        Beam search sets a length limit for the translation of each source. The
        decoder runs as many steps as the largest limit of the batch.
        """
        _run(self.search_steps, sources)


def _run(
    search: Callable[..., tf.Tensor], sources: Sequence[np.ndarray]
) -> None:
    for batch in sources:
        search(tf.constant(batch), tf.constant(lengths(batch))).numpy()


def _steps_graph(
    model: SequenceModel, options: SearchOptions, parts: int
) -> Callable[..., tf.Tensor]:
    """Return a graph that encodes sources and runs the decoder without search.

    The number of steps is the largest length limit of the batch's translations.
    The input of every step is the same word, since the time of a step does not
    depend on the word. The graph returns a number computed from the results of
    all steps, so that TensorFlow does not optimise any step away.

    Args:
        model: the model.
        options: options of the search, which give the beam size and the limits.
        parts: number of parts of a batch that are computed at the same time.
    """

    def run(source: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        count = tf.reduce_max(options.limits(lengths))

        def work(part: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
            source, lengths = part
            encoded, state = model.encode(source, lengths)
            step, memory = model.stepper(encoded)
            rows = tf.shape(source)[0]
            words = tf.fill([rows, options.beam_size], Tokenizer.UNK)
            state = tf.nest.map_structure(
                lambda leaf: tf.repeat(leaf, options.beam_size, axis=1), state
            )

            def body(used: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any]:
                said, seen, state = step(words, state, memory)
                found = (said.logits, said.heights, said.total, seen)
                for each in tf.nest.flatten(found):
                    used += tf.reduce_min(each[0, 0])
                return used, state

            return tf.while_loop(
                lambda *_: True, body, (0.0, state), maximum_iterations=count
            )[0]

        return tf.add_n(in_parts(work, (source, lengths), parts))

    return tf.function(run, input_signature=[IDS, LENGTHS], autograph=False)


def _options(beam_size: int) -> SearchOptions:
    return SearchOptions(
        beam_size=beam_size,
        extra_length=EXTRA_LENGTH,
        length_factor=LENGTH_FACTOR,
    )


def _tensors(batches: Sequence[Batch]) -> Iterator[tuple]:
    for each in batches:
        inputs = {name: getattr(each, name) for name in BATCH[0]}
        ones = np.ones(len(each.source), np.float32)
        yield tf.nest.map_structure(
            tf.constant, (inputs, each.target_out, ones)
        )
