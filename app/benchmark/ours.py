"""A preset's own model, trained and searched as the application does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from app.benchmark.work import EXTRA_LENGTH, LENGTH_FACTOR, Batch
from app.config import Config
from app.device import Device
from app.run import build_model
from app.training import compile_model, graph
from app.translator import search_graph
from data import Tokenizer
from models import SearchOptions, Seq2Seq

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
        self._searches = {
            size: search_graph(self.model, _options(size))
            for size in (1, config.search.beam_size)
        }

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
        self._search(sources, 1)

    def beam(self, sources: Sequence[np.ndarray]) -> None:
        """Translate with the beam of the preset."""
        self._search(sources, self.config.search.beam_size)

    def endless(self) -> None:
        """Make the end of a sentence unlikely: all go to their limit."""
        if isinstance(self.model, Seq2Seq) and self.model.softmax_projection:
            bias = self.model.softmax_projection.bias
            bias.assign(
                tf.tensor_scatter_nd_update(
                    tf.convert_to_tensor(bias), [[Tokenizer.EOS]], [-1e9]
                )
            )

    def _search(self, sources: Sequence[np.ndarray], size: int) -> None:
        for batch in sources:
            found = self._searches[size](tf.constant(batch))
            found.tokens.numpy()


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
