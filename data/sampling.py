"""Sampling of sub-words: in every epoch, other pieces for the same text.

A network that sees a word in several divisions learns what its parts mean, and
relies less on the one division that translation gives it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from data import steps
from data.options import PipelineOptions
from data.sides import Sides


def sampled(
    pairs: tf.data.Dataset, sides: Sides, options: PipelineOptions, seed: int
) -> tf.data.Dataset:
    """Turn the strings of pairs into ids of sampled sub-words.

    A pair that fits only without sampling gets its usual ids; a pair that does
    not fit at all is left out.

    Args:
        pairs: dataset from `steps.strings`, without links.
        sides: tokenizers and languages of source and target.
        options: options with the rate of sampling and the largest lengths.
        seed: seed of the sampling; the result depends on nothing else.

    Returns:
        A dataset of source ids (S,), target ids (T,) and the lengths S and T,
        in the form that `steps.one_by_one` returns.
    """

    def fits(pair: tuple[list[int], ...]) -> bool:
        return sides.fit([len(ids) for ids in pair], options)

    def draw(number: int, *columns: np.ndarray) -> list[np.ndarray]:
        usual, drawn = [], []
        seeds = _seeds(seed, number)
        for side, column, own in zip(sides, columns, seeds, strict=True):
            texts = [text.decode() for text in column]
            usual.append(side.ids_of_all(texts))
            drawn.append(side.sample(texts, options.subword_dropout, own))
        both = zip(
            *(zip(*each, strict=True) for each in (drawn, usual)), strict=True
        )
        pairs = [next(filter(fits, each), None) for each in both]
        kept = [pair for pair in pairs if pair is not None]
        return [
            np.array(part, np.int32)
            for i in (0, 1)
            for part in (
                [one for pair in kept for one in pair[i]],
                [len(pair[i]) for pair in kept],
            )
        ]

    def encode(number: tf.Tensor, texts: Any) -> tuple[tf.RaggedTensor, ...]:
        parts = tf.numpy_function(draw, [number, *texts], [tf.int32] * 4)
        for part in parts:
            part.set_shape([None])
        source, target = (
            tf.RaggedTensor.from_row_lengths(*side)
            for side in (parts[:2], parts[2:])
        )
        return source, target

    return steps.one_by_one(pairs.enumerate().map(encode))


def _seeds(seed: int, number: int) -> list[int]:
    """Return a seed for each side of an item of the dataset.

    Args:
        seed: seed of the sampling.
        number: number of the item.
    """
    return (
        np.random.SeedSequence([seed, int(number)]).generate_state(2).tolist()
    )
