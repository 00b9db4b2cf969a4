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
from models.losses import token_losses
from models.metrics import correct_tokens
from models.parts import in_parts, joined
from models.search import Hypotheses, Rule, SearchOptions, search
from models.seq2seq import Seq2Seq
from models.sequence_model import SequenceModel

IDS = tf.TensorSpec([None, None], tf.int32)
LENGTHS = tf.TensorSpec([None], tf.int32)


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
    rules: Sequence[Rule] = (),
) -> Callable[..., Hypotheses]:
    """Return a graph that searches for the likeliest targets of sources.

    The inputs of the graph are the ids (B, S) and the lengths (B,) of sources.

    Args:
        model: a built model.
        symbols: ids of the padding, begin and end symbols of targets.
        options: options of the search.
        parts: number of parts into which the graph splits a batch, so that the
            parts are computed in parallel.
        rules: restrictions on hypotheses; see `models.search.rules`.
    """

    def run(source: tf.Tensor, lengths: tf.Tensor) -> Hypotheses:
        limits = options.limits(lengths)
        longest = tf.reduce_max(limits)

        def work(part: tuple[tf.Tensor, ...]) -> Hypotheses:
            source, lengths, limits = part
            encoded, state = model.encode(source, lengths)
            step, memory = model.stepper(encoded)
            return search(
                step,
                state,
                limits=limits,
                symbols=symbols,
                options=options,
                rules=rules,
                memory=memory,
                length=longest,
            )

        return joined(in_parts(work, (source, lengths, limits), parts))

    return _graph(run, IDS, LENGTHS)


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
