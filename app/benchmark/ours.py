"""A preset's own model, trained and searched as the application does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from app.benchmark.work import EXTRA_LENGTH, LENGTH_FACTOR, Batch
from app.config import Config
from app.device import Device
from app.run import build_model
from app.training import compile_model, graph
from app.translator import search_graph
from data import Tokenizer
from models import SearchOptions, TranslationModel
from models.parts import in_parts

IDS = tf.TensorSpec((None, None), tf.int32)
BATCH = (
    {"source": IDS, "target_in": IDS},
    IDS,
    tf.TensorSpec((None,), tf.float32),
)


class Ours:
    """See `System`; it can search with a beam too."""

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
        # Without an end all sentences go to their limit.
        self.search_greedy, self.search_beam = (
            search_graph(
                self.model,
                _options(beams),
                parts=parts,
                never=(Tokenizer.EOS,),
            )
            for beams in (1, size)
        )
        self.search_steps = _steps_graph(self.model, _options(size), parts)

    def train(self, batches: Sequence[Batch]) -> None:
        for batch in _tensors(batches):
            self.step(batch)
        self._wait()

    def train_batch(self, batch: tuple) -> None:
        """Train on a batch as `tf.data` gives it, to the end of the step."""
        self.step(batch)
        self._wait()

    def _wait(self) -> None:
        """For a GPU too."""
        self.model.perplexity.count.numpy()

    def greedy(self, sources: Sequence[np.ndarray]) -> None:
        _run(lambda batch: self.search_greedy(batch).tokens, sources)

    def beam(self, sources: Sequence[np.ndarray]) -> None:
        """Translate with the beam of the preset."""
        _run(lambda batch: self.search_beam(batch).tokens, sources)

    def steps(self, sources: Sequence[np.ndarray]) -> None:
        """Do the steps of `beam`, on all sentences to the last, alone."""
        _run(self.search_steps, sources)


def _run(
    search: Callable[[tf.Tensor], tf.Tensor], sources: Sequence[np.ndarray]
) -> None:
    for batch in sources:
        search(tf.constant(batch)).numpy()


def _steps_graph(
    model: TranslationModel, options: SearchOptions, parts: int
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Encode, and step to the longest limit with one word that is given.

    The words have no part in what a step costs. What it gives is used, lest
    it be left out.
    """

    def run(source: tf.Tensor) -> tf.Tensor:
        lengths = tf.reduce_sum(tf.cast(source != 0, tf.int32), 1)
        count = tf.reduce_max(options.limits(lengths))

        def work(source: tf.Tensor) -> tf.Tensor:
            memory, state = model.encode(source)
            step, memory = model.stepper(memory)
            rows = tf.shape(source)[0]
            words = tf.fill([rows, options.beam_size], Tokenizer.UNK)
            state = tf.nest.map_structure(
                lambda leaf: tf.repeat(leaf, options.beam_size, axis=1), state
            )

            def body(used: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any]:
                said, weights, state = step(words, state, memory)
                for each in tf.nest.flatten((said, weights)):
                    used += tf.reduce_min(each[0, 0])
                return used, state

            return tf.while_loop(
                lambda *_: True, body, (0.0, state), maximum_iterations=count
            )[0]

        return tf.add_n(in_parts(work, source, parts))

    return tf.function(run, input_signature=[IDS], autograph=False)


def _options(beam_size: int) -> SearchOptions:
    return SearchOptions(
        beam_size=beam_size,
        extra_length=EXTRA_LENGTH,
        length_factor=LENGTH_FACTOR,
    )


def _tensors(batches: Sequence[Batch]) -> Iterator[tuple]:
    for each in batches:
        inputs = {"source": each.source, "target_in": each.target_in}
        ones = np.ones(len(each.source), np.float32)
        yield tf.nest.map_structure(
            tf.constant, (inputs, each.target_out, ones)
        )
