"""TensorFlow graphs for search, forced decoding and posterior attention.

The inputs of a graph are token ids and lengths. Both the translation of texts
and the export of models use the graphs of this module. A graph accepts batches
of any shape. It is not compiled with XLA, since XLA would compile it again for
each new shape.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from data.modalities import Symbols
from data.spelling import Spelling
from models.foresight import Foresight, look
from models.losses import token_losses
from models.metrics import correct_tokens
from models.parts import in_parts, joined
from models.search import (
    Hypotheses,
    Rule,
    SearchOptions,
    SentenceRule,
    search,
)
from models.search.banks import Phrases
from models.search.rules import begin_with
from models.search.words import rules_of
from models.seq2seq import Seq2Seq
from models.sequence_model import SequenceModel

IDS = tf.TensorSpec([None, None], tf.int32)
LENGTHS = tf.TensorSpec([None], tf.int32)
INPUTS = {  # further inputs of a search graph
    # (B, N, V), see `models.search.rules.begin_with`
    "beginnings": tf.TensorSpec([None, None, None], tf.bool),
    # (B, C, P), see `models.search.banks.Phrases`
    "phrases": tf.TensorSpec([None, None, None], tf.int32),
    # (B, K, L), random numbers from 0 to 1
    "drawn": tf.TensorSpec([None, None, None], tf.float32),
}


class Forced(NamedTuple):
    """Results of forced decoding, for a batch of sources and given targets.

    In forced decoding, the decoder does not choose words. At each step, its
    previous word is the word of the given target.
    """

    log_probs: tf.Tensor  # (B,), of each target, natural logarithm
    losses: tf.Tensor  # (B,), training loss, summed over tokens
    correct: tf.Tensor  # (B,), number of tokens that were likeliest
    attention: Any  # (B, T, S), or () without attention


def search_graph(
    model: SequenceModel,
    symbols: Symbols,
    options: SearchOptions,
    parts: int = 1,
    given: Sequence[str] = (),
    rules: Sequence[Rule] = (),
    spelling: Spelling | None = None,
) -> Callable[..., Hypotheses]:
    """Return a graph that searches for the likeliest targets of sources.

    The inputs of the graph are the ids (B, S) and the lengths (B,) of sources,
    and the tensors that `given` names. The limits of `options` are raised by
    the number of bytes of a beginning, and by the number of tokens of forced
    phrases.

    Args:
        model: a built model.
        symbols: ids of the padding, begin and end symbols of targets.
        options: options of the search.
        parts: number of parts into which the graph splits a batch, so that the
            parts are computed in parallel.
        given: names of further inputs of the graph, which are keys of `INPUTS`;
            "drawn" is needed if and only if `options.sampling` is true.
        rules: restrictions on hypotheses besides those of `options`; see
            `models.search.rules`.
        spelling: what each target id writes; without it, options about words
            have no effect.
    """
    every = [*rules, *rules_of(options, symbols, spelling)]

    def work(part: Any, longest: tf.Tensor) -> Hypotheses:
        source, lengths, limits, more = part
        encoded, state = model.encode(source, lengths)
        step, memory = model.stepper(encoded)
        mask = tf.sequence_mask(lengths, tf.shape(source)[1])
        return search(
            step,
            state,
            limits=limits,
            symbols=symbols,
            options=options,
            memory=memory,
            length=longest,
            by_token=True,
            source_mask=mask if model.attends else None,
            **_given(more, every, spelling),
        )

    def run(source: tf.Tensor, lengths: tf.Tensor, *rest: tf.Tensor) -> Any:
        more = dict(zip(given, rest, strict=True))
        limits = _limits(options, lengths, more)
        longest = tf.reduce_max(limits)
        batch = (source, lengths, limits, more)
        return joined(in_parts(lambda part: work(part, longest), batch, parts))

    return _graph(run, IDS, LENGTHS, *(INPUTS[name] for name in given))


def _limits(
    options: SearchOptions, lengths: tf.Tensor, more: dict[str, tf.Tensor]
) -> tf.Tensor:
    """Return the largest length of a hypothesis for each source: (B,).

    Args:
        options: options of the search.
        lengths: (B,), lengths of the sources.
        more: further inputs of the graph; the keys are those of `INPUTS`.
    """
    limits = options.limits(lengths)
    if "beginnings" in more:
        is_free = tf.reduce_all(more["beginnings"], -1)
        limits += tf.reduce_sum(tf.cast(~is_free, tf.int32), -1)
    if "phrases" in more:
        is_token = tf.cast(more["phrases"] >= 0, tf.int32)
        limits += tf.reduce_sum(is_token, [1, 2])
    return limits


def _given(
    more: dict[str, tf.Tensor],
    rules: Sequence[Rule | SentenceRule],
    spelling: Spelling | None,
) -> dict[str, Any]:
    """Return the arguments of `search` that depend on further inputs.

    Args:
        more: further inputs of the graph; the keys are those of `INPUTS`.
        rules: restrictions on the hypotheses of all sentences.
        spelling: what each target id writes.
    """
    found: dict[str, Any] = {"rules": rules, "drawn": more.get("drawn")}
    if "beginnings" in more and spelling is not None:
        own = begin_with(more["beginnings"], spelling.sizes)
        found["rules"] = [*rules, own]
    if "phrases" in more:
        begins = None if spelling is None else spelling.begins
        found["forced"] = Phrases(more["phrases"], begins)
    return found


def forced_graph(
    model: SequenceModel, symbols: Symbols, parts: int = 1
) -> Callable[..., Forced]:
    """Return a graph that computes the probabilities of given targets.

    The inputs of the graph are the ids (B, S) and the lengths (B,) of sources,
    then the ids (B, T) and the lengths (B,) of their targets.

    Args:
        model: a built model.
        symbols: ids of the padding, begin and end symbols of targets.
        parts: number of parts into which the graph splits a batch, so that the
            parts are computed in parallel.
    """

    def work(part: tuple[tf.Tensor, ...]) -> Forced:
        source, source_lengths, target, target_lengths = part
        given = model(
            {
                "source": source,
                "source_length": source_lengths,
                "target_in": _shifted(target, symbols),
                "target_length": target_lengths,
            }
        )
        loss, nll = token_losses(target, given["logits"], model.label_smoothing)
        loss = sum(model.attention_losses(given["attention_weights"]), loss)
        mask = tf.sequence_mask(target_lengths, tf.shape(target)[1], tf.float32)
        correct = correct_tokens(target, given["logits"])
        return Forced(
            -tf.reduce_sum(nll * mask, 1),
            tf.reduce_sum(loss * mask, 1),
            tf.reduce_sum(correct * mask, 1),
            given["attention_weights"],
        )

    return _pairs_graph(work, parts)


def posterior_graph(
    model: Seq2Seq, symbols: Symbols, parts: int = 1
) -> Callable[..., tf.Tensor]:
    """Return a graph that computes posterior attention for given targets.

    Posterior attention (B, T, S) is the probability of each source position
    when the target word is known; see `Seq2Seq.posterior`. The graph has the
    same inputs as the graph from `forced_graph`. This function has the same
    arguments as `forced_graph`.
    """

    def work(part: tuple[tf.Tensor, ...]) -> tf.Tensor:
        source, source_lengths, target, _ = part
        encoded, state = model.encode(source, source_lengths)
        return model.posterior(
            encoded, state, _shifted(target, symbols), target
        )

    return _pairs_graph(work, parts)


def foresight_graph(
    model: Seq2Seq, symbols: Symbols, foresight: Foresight, parts: int = 1
) -> Callable[..., tf.Tensor]:
    """Return a graph that computes attention that knows the given targets.

    The graph has the same inputs as the graph from `forced_graph`, and returns
    attention weights (B, T, S); see `models.foresight`.

    Args:
        model: a built model with attention.
        symbols: ids of the padding, begin and end symbols of targets.
        foresight: foresight that was fitted to the model.
        parts: number of parts into which the graph splits a batch.
    """

    def work(part: tuple[tf.Tensor, ...]) -> tf.Tensor:
        source, lengths, target, _ = part
        before = _shifted(target, symbols)
        return look(model, foresight, source, lengths, before, target)[0]

    return _pairs_graph(work, parts)


def _pairs_graph(
    work: Callable[[tuple[tf.Tensor, ...]], Any], parts: int
) -> Callable[..., Any]:
    def run(*given: tf.Tensor) -> Any:
        return joined(in_parts(work, given, parts))

    return _graph(run, IDS, LENGTHS, IDS, LENGTHS)


def _graph(
    run: Callable[..., Any], *signature: tf.TensorSpec
) -> Callable[..., Any]:
    return tf.function(
        run,
        input_signature=list(signature),
        autograph=False,
        jit_compile=False,
    )


def _shifted(target: tf.Tensor, symbols: Symbols) -> tf.Tensor:
    begin = tf.fill([tf.shape(target)[0], 1], symbols.begin)
    return tf.concat([begin, target[:, :-1]], 1)
