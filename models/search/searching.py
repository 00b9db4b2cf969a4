"""Search with any step function, in one TensorFlow graph.

The only part of a model that search calls is its step function, `step(tokens
(B, K), state) -> (log-probabilities (B, K, V), seen, next state)`. B is the
number of sentences, K the number of beams of a sentence, and V the number of
words in the vocabulary. Each tensor of the state is (B, K, ...). V must be
known when the graph is built. A step function may return the log-probabilities
as an `Unnormalised`, which saves arithmetic, since search needs only a few of
the log-probabilities. A step function may have a third argument, the memory:
what the function needs from the encoded sources. The K beams of a sentence
share its memory, so when search reorders the beams, it reorders only the state.
If there is a memory, search removes sentences from the batch when their search
has ended.

The result `seen` of a step is a nested structure of tensors (B, K, ...), such
as attention weights; search records it for each word of each hypothesis. Search
also records a number, called a code, for each step and beam. A code encodes the
chosen word and the number of the beam that this word extends. At the end, the
words of each hypothesis are read from the codes, from the last word to the
first.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from data.modalities import Symbols
from models.search.banks import Banks, Phrases
from models.search.beams import Beam
from models.search.found import Hypotheses
from models.search.options import SearchOptions
from models.search.rows import Greedy, Sample
from models.search.rules import Rule, SentenceRule
from models.search.walk import Setting, StepFunction, Walk


def search(
    step: StepFunction,
    state: Any,
    *,
    limits: tf.Tensor,
    symbols: Symbols,
    options: SearchOptions,
    rules: Sequence[Rule | SentenceRule] = (),
    memory: Any = None,
    length: tf.Tensor | int | None = None,
    by_token: bool = False,
    source_mask: tf.Tensor | None = None,
    drawn: tf.Tensor | None = None,
    forced: Phrases | None = None,
) -> Hypotheses:
    """Find the best hypotheses of each sentence of a batch, or draw some.

    Args:
        step: step function of a model; see `models.search.searching`.
        state: the model's state before the first word: nested structure of
            tensors (B, 1, ...).
        limits: (B,), largest length of each sentence's hypotheses, at least 1,
            end symbol included. If `symbols` has an end symbol, the token at
            the limit is always the end symbol.
        symbols: ids of the padding, begin and end symbols.
        options: options of the search.
        rules: restrictions on hypotheses; see `models.search.rules`.
        memory: third argument of `step`: nested structure of tensors (B, ...).
            None if `step` has only two arguments. If there is a memory,
            sentences whose search has ended are removed from the batch. So the
            size of the batch varies, which XLA does not allow.
        length: length L to which hypotheses are padded; None for the largest of
            `limits`. If the batch is part of a larger one, pass the largest
            limit of the larger batch. If `options.max_length` is set, it is L,
            and `length` has no effect.
        by_token: whether to return the log-probability of each token of the
            hypotheses.
        source_mask: (B, S), True at the positions that a translation should
            cover, for `options.coverage_penalty`; without a mask, this option
            has no effect. The field `attention` of what `step` returns as
            `seen` must contain attention weights (B, K, S).
        drawn: (B, K, L) random numbers from 0 to 1, for `options.sampling`.
        forced: phrases that must occur in the hypotheses of each sentence. Beam
            search alone can have them, and at least one more beam than there
            are tokens in a sentence's phrases is advisable.
    """
    if options.max_length is not None:
        length = options.max_length
    elif length is None:
        length = tf.reduce_max(limits)
    limits = tf.minimum(limits, length)
    leave = memory is not None
    setting = Setting(options, symbols, rules, length, leave, by_token)
    if not options.coverage_penalty:
        source_mask = None
    walk = _walk(step, setting, forced, drawn)
    return walk(state, limits, memory, source_mask, drawn, forced)


def _walk(
    step: StepFunction,
    setting: Setting,
    forced: Phrases | None,
    drawn: tf.Tensor | None,
) -> Walk:
    """Return the search that the options ask for."""
    if setting.options.sampling and drawn is None:
        raise ValueError(
            "search got options.sampling=True without `drawn`; random numbers "
            "(B, K, L) are needed: pass them, or set sampling=False"
        )
    if setting.options.sampling:
        return Sample(step, setting)
    if forced is not None:
        return Banks(step, setting, forced.begins)
    return (Greedy if setting.options.beam_size == 1 else Beam)(step, setting)
