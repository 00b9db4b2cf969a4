"""Greedy and beam search over any step function, in one graph.

Search knows nothing of models but a step, `step(tokens (B, K), state) ->
(log_probs (B, K, V), attention weights (B, K, S) or (), state)`, whose state
leaves are (B, K, ...). A sentence's K beams share its memory: only the state
is reordered.
"""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import tensorflow as tf
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from data.tokenizer import Tokenizer

PAD, BOS, EOS = Tokenizer.PAD, Tokenizer.BOS, Tokenizer.EOS
IMPOSSIBLE = -1e9  # a log-probability no hypothesis reaches

StepFunction = Callable[[tf.Tensor, Any], tuple[tf.Tensor, Any, Any]]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class SearchOptions:
    """How to search.

    Attributes:
        beam_size: hypotheses kept; 1 is greedy search.
        length_penalty: alpha of the score `log p / ((5 + length) / 6)^alpha`
            (Wu et al. 2016, equation 14); 0 compares log-probabilities.
        extra_length: a hypothesis has at most `extra_length + length_factor *
            source tokens` tokens.
        length_factor: see `extra_length`.
        max_length: size of the output in tokens; None for the longest limit.
        max_source_length: longest source translated whole, in tokens with EOS;
            of a longer one only the beginning is translated.
    """

    beam_size: Annotated[int, Field(ge=1)] = 5
    length_penalty: Annotated[float, Field(ge=0)] = 1.0
    extra_length: Annotated[int, Field(ge=1)] = 10
    length_factor: Annotated[float, Field(ge=0)] = 1.5
    max_length: Annotated[int, Field(ge=1)] | None = None
    max_source_length: Annotated[int, Field(ge=2)] = 512

    def limits(self, source_lengths: tf.Tensor) -> tf.Tensor:
        """Largest length of a hypothesis for each source length: (B,)."""
        scaled = self.length_factor * tf.cast(source_lengths, tf.float32)
        return self.extra_length + tf.cast(scaled, tf.int32)


class Hypotheses(NamedTuple):
    """The K best hypotheses of each sentence, best first.

    A sentence with fewer than K possible hypotheses has rows of length 0 at
    the end, with impossible scores and log-probabilities.
    """

    tokens: tf.Tensor  # (B, K, L), with the final EOS, 0 after it
    lengths: tf.Tensor  # (B, K), EOS included
    log_probs: tf.Tensor  # (B, K)
    scores: tf.Tensor  # (B, K), log-probabilities under the length penalty
    attention: Any  # (B, K, L, S), the row that produced each token; or ()


class _Beams(NamedTuple):
    tokens: tf.Tensor  # (B, K, L)
    log_probs: tf.Tensor  # (B, K)
    attention: Any  # (B, K, L, S) or ()


def search(
    step: StepFunction,
    state: Any,
    *,
    source_length: tf.Tensor,
    limits: tf.Tensor,
    options: SearchOptions,
) -> Hypotheses:
    """Decode a batch.

    Args:
        step: see above.
        state: nest of (B, 1, ...), the state before the first word.
        source_length: scalar S, columns of a row of attention.
        limits: (B,) largest length of a hypothesis, EOS included, at least
            1; the token at the limit is always EOS.
        options: see `SearchOptions`.
    """
    length = (
        tf.reduce_max(limits)
        if options.max_length is None
        else options.max_length
    )
    limits = tf.minimum(limits, length)
    run = _greedy if options.beam_size == 1 else _beam
    return run(step, state, source_length, limits, length, options)


def penalty(length: tf.Tensor, alpha: float) -> tf.Tensor:
    """`((5 + length) / 6) ** alpha`, in float32."""
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** alpha


def _greedy(
    step: StepFunction,
    state: Any,
    source_length: tf.Tensor,
    limits: tf.Tensor,
    length: tf.Tensor | int,
    options: SearchOptions,
) -> Hypotheses:
    batch = tf.shape(limits)[0]
    last = tf.fill([batch, 1], BOS)
    weights = _weights_template(step, last, state)
    beams = _empty(batch, 1, length, source_length, weights)

    def body(
        t: tf.Tensor, last: tf.Tensor, beams: _Beams, state: Any
    ) -> tuple[Any, ...]:
        log_probs, weights, state = step(last, state)
        log_probs = _allow(log_probs, t + 1 >= limits)
        chosen = tf.argmax(log_probs, -1, output_type=tf.int32)  # (B, 1)
        going = (last != EOS) & (last != PAD)
        gained = tf.gather(log_probs, chosen, batch_dims=2)
        last = tf.where(going, chosen, PAD)
        beams = _Beams(
            _write(beams.tokens, t, last),
            beams.log_probs + tf.where(going, gained, 0.0),
            _write_attention(beams.attention, t, weights, going),
        )
        return t + 1, last, beams, state

    def unfinished(t: tf.Tensor, last: tf.Tensor, *_: Any) -> tf.Tensor:
        going = tf.reduce_any((last != EOS) & (last != PAD))
        return (t < tf.reduce_max(limits)) & going

    _, _, beams, _ = tf.while_loop(
        unfinished,
        body,
        (tf.constant(0), last, beams, state),
        maximum_iterations=length,
    )
    return _hypotheses(beams, options)


def _beam(
    step: StepFunction,
    state: Any,
    source_length: tf.Tensor,
    limits: tf.Tensor,
    length: tf.Tensor | int,
    options: SearchOptions,
) -> Hypotheses:
    """Beam search with a pool of finished hypotheses.

    A sentence is done when none of its open hypotheses can still enter the
    pool: log-probabilities only fall, and the largest penalty is that of the
    limit. The pool of a sentence that is done can no longer change, so what
    else is in the batch does not matter.
    """
    size = options.beam_size
    batch = tf.shape(limits)[0]
    alpha = options.length_penalty
    state = tf.nest.map_structure(lambda x: tf.repeat(x, size, axis=1), state)
    last = tf.fill([batch, size], BOS)
    weights = _weights_template(step, last, state)
    empty = _empty(batch, size, length, source_length, weights)
    # Before the first word all beams are the same one: open only the first.
    only_first = tf.where(tf.range(size) == 0, 0.0, IMPOSSIBLE)
    open_ = empty._replace(log_probs=empty.log_probs + only_first)
    pool = empty._replace(log_probs=empty.log_probs + IMPOSSIBLE)
    final_penalty = penalty(limits, alpha)[:, None]

    def body(
        t: tf.Tensor,
        last: tf.Tensor,
        open_: _Beams,
        pool: _Beams,
        pool_scores: tf.Tensor,
        state: Any,
    ) -> tuple[Any, ...]:
        log_probs, weights, state = step(last, state)
        log_probs = _allow(log_probs, t + 1 >= limits)
        candidates, words, parents = _extend(open_, log_probs, weights, t)
        possible = candidates.log_probs > IMPOSSIBLE / 2
        ended = possible & (words == EOS)
        scores = candidates.log_probs / penalty(t + 1, alpha)
        pool, pool_scores = _keep_best(
            [pool, candidates],
            [pool_scores, tf.where(ended, scores, IMPOSSIBLE)],
            size,
        )
        going_on = tf.where(ended, IMPOSSIBLE, candidates.log_probs)
        _, best = tf.nn.top_k(going_on, size)
        open_ = _pick(candidates, best)._replace(
            log_probs=tf.gather(going_on, best, batch_dims=1)
        )
        parents = tf.gather(parents, best, batch_dims=1)
        last = tf.gather(words, best, batch_dims=1)
        return t + 1, last, open_, pool, pool_scores, _pick(state, parents)

    def unfinished(
        t: tf.Tensor,
        last: tf.Tensor,
        open_: _Beams,
        pool: _Beams,
        pool_scores: tf.Tensor,
        state: Any,
    ) -> tf.Tensor:
        hope = open_.log_probs / final_penalty
        can_enter = tf.reduce_max(hope, 1) > tf.reduce_min(pool_scores, 1)
        return tf.reduce_any((t < limits) & can_enter)

    loop_state = (
        tf.constant(0),
        last,
        open_,
        pool,
        tf.fill([batch, size], IMPOSSIBLE),
        state,
    )
    _, _, _, pool, _, _ = tf.while_loop(
        unfinished, body, loop_state, maximum_iterations=length
    )
    return _hypotheses(pool, options)


def _extend(
    beams: _Beams, log_probs: tf.Tensor, weights: Any, t: tf.Tensor
) -> tuple[_Beams, tf.Tensor, tf.Tensor]:
    """The 2K best extensions: at least K of them do not end.

    Returns the extended beams (B, 2K), their words, and their parents.
    """
    size, vocabulary = tf.shape(log_probs)[1], tf.shape(log_probs)[2]
    totals = beams.log_probs[:, :, None] + log_probs  # (B, K, V)
    totals = tf.reshape(totals, [-1, size * vocabulary])
    count = tf.minimum(2 * size, size * vocabulary)
    best, indices = tf.nn.top_k(totals, count)
    parents, words = indices // vocabulary, indices % vocabulary
    chosen = _pick(beams, parents)
    weights = _pick(weights, parents)
    everywhere = tf.ones_like(words, tf.bool)
    candidates = _Beams(
        _write(chosen.tokens, t, words),
        best,
        _write_attention(chosen.attention, t, weights, everywhere),
    )
    return candidates, words, parents


def _keep_best(
    groups: list[_Beams], scores: list[tf.Tensor], size: int
) -> tuple[_Beams, tf.Tensor]:
    all_scores = tf.concat(scores, 1)
    merged = tf.nest.map_structure(lambda *xs: tf.concat(xs, 1), *groups)
    best, indices = tf.nn.top_k(all_scores, size)
    return _pick(merged, indices), best


def _allow(log_probs: tf.Tensor, at_limit: tf.Tensor) -> tf.Tensor:
    """Never PAD nor BOS; at a sentence's limit only EOS. (B, K, V)."""
    ids = tf.range(tf.shape(log_probs)[-1])
    possible = (ids != PAD) & (ids != BOS)
    possible &= ~at_limit[:, None] | (ids == EOS)  # (B, V)
    return tf.where(possible[:, None], log_probs, IMPOSSIBLE)


def _weights_template(
    step: StepFunction, last: tf.Tensor, state: Any
) -> tf.Tensor | tuple[()]:
    """Weights as `step` gives them, for their structure and dtype."""
    return step(last, state)[1]


def _empty(
    batch: tf.Tensor,
    size: int,
    length: tf.Tensor | int,
    source_length: tf.Tensor,
    weights: Any,
) -> _Beams:
    attention = tf.nest.map_structure(
        lambda x: tf.zeros([batch, size, length, source_length], x.dtype),
        weights,
    )
    return _Beams(
        tf.zeros([batch, size, length], tf.int32),
        tf.zeros([batch, size]),
        attention,
    )


def _pick(nest: Any, indices: tf.Tensor) -> Any:
    """Reorder axis 1 of every leaf by `indices` (B, K')."""
    return tf.nest.map_structure(
        lambda x: tf.gather(x, indices, batch_dims=1), nest
    )


def _write(tokens: tf.Tensor, t: tf.Tensor, words: tf.Tensor) -> tf.Tensor:
    """`tokens` (B, K, L) with `words` (B, K) at position `t`."""
    here = tf.range(tf.shape(tokens)[-1]) == t
    return tf.where(here, words[:, :, None], tokens)


def _write_attention(
    attention: Any, t: tf.Tensor, weights: Any, where: tf.Tensor
) -> Any:
    """`attention` with `weights` (B, K, S) at `t`, where `where` (B, K)."""

    def write(buffer: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        here = tf.range(tf.shape(buffer)[2]) == t  # (L,)
        here = here[:, None] & where[:, :, None, None]
        return tf.where(here, row[:, :, None, :], buffer)

    return tf.nest.map_structure(write, attention, weights)


def _hypotheses(beams: _Beams, options: SearchOptions) -> Hypotheses:
    lengths = tf.reduce_sum(tf.cast(beams.tokens != PAD, tf.int32), -1)
    scores = beams.log_probs / penalty(lengths, options.length_penalty)
    missing = lengths == 0
    return Hypotheses(
        beams.tokens,
        lengths,
        beams.log_probs,
        tf.where(missing, IMPOSSIBLE, scores),
        beams.attention,
    )
