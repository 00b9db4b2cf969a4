"""Greedy and beam search over any step function, in one graph.

Search knows nothing of models but a step, `step(tokens (B, K), state) ->
(log-probabilities (B, K, V), attention weights (B, K, S) or (), state)`, whose
state leaves are (B, K, ...). V must be known when the graph is made. A step
may leave its log-probabilities `Unnormalised`: of most of them only the order
matters. A sentence's K beams share its memory: only the state is reordered. A
step that takes the memory as a third argument lets search drop sentences.

What a step found is kept as it came, a word and the beam it goes on from in
one number; hypotheses are read off once, from their ends backwards.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import tensorflow as tf
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from models.extensions import BOS, EOS, PAD, Unnormalised, extensions
from models.softmax import IMPOSSIBLE

LEAST_BUSY = 7 / 8  # the part of the batch below which those done leave it


# Of words, a state and, where there is one, a memory.
StepFunction = Callable[..., tuple[tf.Tensor | Unnormalised, Any, Any]]


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


def search(
    step: StepFunction,
    state: Any,
    *,
    source_length: tf.Tensor,
    limits: tf.Tensor,
    options: SearchOptions,
    memory: Any = None,
    length: tf.Tensor | int | None = None,
) -> Hypotheses:
    """Decode a batch.

    Args:
        step: see above.
        state: nest of (B, 1, ...), the state before the first word.
        source_length: scalar S, columns of a row of attention.
        limits: (B,) largest length of a hypothesis, EOS included, at least
            1; the token at the limit is always EOS.
        options: see `SearchOptions`.
        memory: nest of (B, ...), what `step` takes as its third argument.
            Sentences that are done then leave the batch, whose size XLA
            can't know. None for a step without.
        length: L of the result, for a part of a batch: the largest limit of
            the whole; by default that of these sentences. `max_length` in the
            options goes before either.
    """
    if options.max_length is not None:
        length = options.max_length
    elif length is None:
        length = tf.reduce_max(limits)
    limits = tf.minimum(limits, length)
    new = _Greedy if options.beam_size == 1 else _Beam
    run = new(step, options, source_length, length, memory is not None)
    return run(state, limits, memory)


def penalty(length: tf.Tensor, alpha: float) -> tf.Tensor:
    """`((5 + length) / 6) ** alpha`, in float32."""
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** alpha


class _Sentences(NamedTuple):
    """Those still in the batch; every leaf is (B, ...)."""

    places: tf.Tensor  # (B,), of each in the batch as it came
    limits: tf.Tensor  # (B,)
    codes: tf.Tensor  # (B, K), the last word times K, plus the beam before it
    log_probs: tf.Tensor  # (B, K), of the open hypotheses
    pool: Any  # `_Pool`, or ()
    state: Any
    memory: Any


class _Pool(NamedTuple):
    """The K best finished hypotheses of each sentence, best first."""

    ends: tf.Tensor  # (B, K), the step of EOS times K, plus the beam it ends
    scores: tf.Tensor  # (B, K)

    def enter(self, ends: tf.Tensor, scores: tf.Tensor) -> "_Pool":
        """The K best of the pool and of what ended now."""
        scores, best = tf.nn.top_k(
            tf.concat([self.scores, scores], 1), self.scores.shape[1]
        )
        ends = tf.concat([self.ends, ends], 1)
        return _Pool(tf.gather(ends, best, batch_dims=1), scores)


class _Found(NamedTuple):
    """What the steps found, as it came, of the whole batch."""

    codes: tf.TensorArray  # L of (B, K)
    weights: Any  # L of (B, K, S), the rows of each beam; or ()

    @classmethod
    def empty(
        cls, length: tf.Tensor | int, codes: tf.Tensor, weights: Any
    ) -> "_Found":
        """For `length` steps that find what is like these."""

        def array(x: tf.Tensor) -> tf.TensorArray:
            return tf.TensorArray(x.dtype, length, element_shape=x.shape)

        return cls(array(codes), tf.nest.map_structure(array, weights))

    def write(self, t: tf.Tensor, codes: tf.Tensor, weights: Any) -> "_Found":
        """With what step t found."""
        return _Found(
            self.codes.write(t, codes),
            tf.nest.map_structure(
                lambda array, x: array.write(t, x), self.weights, weights
            ),
        )

    def attention(
        self, tokens: tf.Tensor, beams: tf.Tensor, source_length: tf.Tensor
    ) -> Any:
        """The rows that produced tokens (B, K, L), each from its beam."""
        batch, size, length = tf.unstack(tf.shape(tokens))
        steps = tf.range(length) * batch
        rows = steps + tf.range(batch)[:, None, None]  # (B, 1, L)

        def read(weights: tf.TensorArray) -> tf.Tensor:
            flat = tf.reshape(weights.stack(), [-1, source_length])
            real = tf.cast(tokens != PAD, flat.dtype)
            return tf.gather(flat, rows * size + beams) * real[..., None]

        return tf.nest.map_structure(read, self.weights)


class _Done(NamedTuple):
    """What stays of sentences that left the batch; leaves (B, K)."""

    log_probs: tf.Tensor
    pool: Any

    @classmethod
    def of(cls, sentences: _Sentences) -> "_Done":
        """Theirs as they are now."""
        return cls(sentences.log_probs, sentences.pool)

    def update(self, sentences: _Sentences) -> "_Done":
        """With theirs, at their places."""
        return tf.nest.map_structure(
            lambda whole, part: tf.tensor_scatter_nd_update(
                whole, sentences.places[:, None], part
            ),
            self,
            self.of(sentences),
        )


class _Search(ABC):
    """One search: the first step, all others, and what came of them."""

    def __init__(
        self,
        step: StepFunction,
        options: SearchOptions,
        source_length: tf.Tensor,
        length: tf.Tensor | int,
        leave: bool,
    ) -> None:
        self.step = step
        self.size = options.beam_size
        self.alpha = options.length_penalty
        self.source_length = source_length
        self.length = length
        self.leave = leave

    @abstractmethod
    def advance(
        self, t: tf.Tensor, sentences: _Sentences
    ) -> tuple[_Sentences, Any]:
        """Step t, and the weights it found."""

    @abstractmethod
    def is_going(self, t: tf.Tensor, sentences: _Sentences) -> tf.Tensor:
        """Whether steps from t on can change a sentence's hypotheses: (B,)."""

    @abstractmethod
    def hypotheses(
        self, sentences: _Sentences, found: _Found, taken: tf.Tensor
    ) -> Hypotheses:
        """What came of all sentences in so many steps."""

    def no_pool(self, batch: tf.Tensor) -> Any:
        """The pool before the first step."""
        return ()

    def __call__(
        self, state: Any, limits: tf.Tensor, memory: Any
    ) -> Hypotheses:
        batch, now = tf.size(limits), tf.constant(0)
        sentences = _Sentences(
            tf.range(batch),
            limits,
            tf.fill([batch, 1], BOS * self.size),
            tf.zeros([batch, 1]),
            self.no_pool(batch),
            state,
            memory if self.leave else (),
        )
        # Before the first word all beams are the same one.
        sentences, weights = self.advance(now, sentences)
        weights = tf.nest.map_structure(
            lambda x: tf.repeat(x, self.size, axis=1), weights
        )
        found = _Found.empty(self.length, sentences.codes, weights)
        found = found.write(now, sentences.codes, weights)
        run = self.stretches if self.leave else self.stretch
        taken, sentences, found = run(now + 1, sentences, found)
        return self.hypotheses(sentences, found, taken)

    def say(
        self, sentences: _Sentences, words: tf.Tensor
    ) -> tuple[Unnormalised, Any, Any]:
        """What `step` gives."""
        memory = [sentences.memory] if self.leave else []
        said, weights, state = self.step(words, sentences.state, *memory)
        if not isinstance(said, Unnormalised):
            said = Unnormalised.normalised(said)
        return said, weights, state

    def stretch(
        self,
        t: tf.Tensor,
        sentences: _Sentences,
        found: _Found,
        least: tf.Tensor | float = 0.0,
        batch: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, _Sentences, _Found]:
        """Steps from t on, until all sentences are done.

        Args:
            t, sentences, found: as the last step left them.
            least: or until fewer sentences than this are not done.
            batch: size of the batch as it came; None where it is all here.
        """

        def is_busy(
            t: tf.Tensor, sentences: _Sentences, found: _Found
        ) -> tf.Tensor:
            going = tf.cast(self.is_going(t, sentences), tf.float32)
            busy = tf.reduce_sum(going)
            return (busy > 0) & (busy >= least)

        def body(
            t: tf.Tensor, sentences: _Sentences, found: _Found
        ) -> tuple[Any, ...]:
            places = sentences.places
            sentences, weights = self.advance(t, sentences)
            new = sentences.codes, weights
            if batch is not None:
                new = tf.nest.map_structure(
                    lambda x: _spread(x, places, batch), new
                )
            return t + 1, sentences, found.write(t, *new)

        return tf.while_loop(is_busy, body, (t, sentences, found))

    def stretches(
        self, t: tf.Tensor, sentences: _Sentences, found: _Found
    ) -> tuple[tf.Tensor, _Sentences, _Found]:
        """Steps from t on; between stretches of them sentences leave.

        Of all sentences only what `hypotheses` needs comes back.
        """
        batch = tf.size(sentences.places)

        def body(
            t: tf.Tensor, done: _Done, sentences: _Sentences, found: _Found
        ) -> tuple[Any, ...]:
            here = tf.cast(tf.size(sentences.places), tf.float32)
            t, sentences, found = self.stretch(
                t, sentences, found, LEAST_BUSY * here, batch
            )
            done = done.update(sentences)
            left = tf.where(self.is_going(t, sentences))[:, 0]
            sentences = tf.nest.map_structure(
                lambda x: tf.gather(x, left), sentences
            )
            return t, done, sentences, found

        variables = (t, _Done.of(sentences), sentences, found)
        t, done, sentences, found = tf.while_loop(
            lambda t, done, sentences, found: tf.size(sentences.places) > 0,
            body,
            variables,
            shape_invariants=tf.nest.map_structure(_any_rows, variables),
        )
        return t, sentences._replace(**done._asdict()), found


class _Greedy(_Search):
    """The likeliest word each time: a beam of one that takes its best end."""

    def advance(
        self, t: tf.Tensor, sentences: _Sentences
    ) -> tuple[_Sentences, Any]:
        last = sentences.codes
        said, weights, state = self.say(sentences, last)
        before = sentences.log_probs
        # Of this word alone: a long sum has few digits left to compare.
        start = tf.zeros_like(before)
        gained, words, _ = extensions(said, start, t + 1 >= sentences.limits, 1)
        going = (last != EOS) & (last != PAD)
        sentences = sentences._replace(
            codes=tf.where(going, words, PAD),
            log_probs=before + tf.where(going, gained, 0.0),
            state=state,
        )
        return sentences, weights

    def is_going(self, t: tf.Tensor, sentences: _Sentences) -> tf.Tensor:
        last = sentences.codes[:, 0]
        return (last != EOS) & (last != PAD)

    def hypotheses(
        self, sentences: _Sentences, found: _Found, taken: tf.Tensor
    ) -> Hypotheses:
        tokens = tf.transpose(found.codes.stack(), [1, 2, 0])
        log_probs = sentences.log_probs
        scores = log_probs / penalty(_lengths(tokens), self.alpha)
        return Hypotheses(
            tokens,
            _lengths(tokens),
            log_probs,
            scores,
            found.attention(tokens, tf.zeros_like(tokens), self.source_length),
        )


class _Beam(_Search):
    """Beam search with a pool of finished hypotheses.

    A sentence is done when none of its open hypotheses can still enter the
    pool: log-probabilities only fall, and the largest penalty is that of the
    limit. The pool of a sentence that is done can no longer change, so what
    else is in the batch does not matter.
    """

    def no_pool(self, batch: tf.Tensor) -> _Pool:
        shape = [batch, self.size]
        return _Pool(tf.zeros(shape, tf.int32), tf.fill(shape, IMPOSSIBLE))

    def advance(
        self, t: tf.Tensor, sentences: _Sentences
    ) -> tuple[_Sentences, Any]:
        size = self.size
        said, weights, state = self.say(sentences, sentences.codes // size)
        # At least K of them do not end.
        totals, words, parents = extensions(
            said, sentences.log_probs, t + 1 >= sentences.limits, 2 * size
        )
        ended = (words == EOS) & (totals > IMPOSSIBLE / 2)
        scores = totals / penalty(t + 1, self.alpha)
        pool = sentences.pool.enter(
            t * size + parents, tf.where(ended, scores, IMPOSSIBLE)
        )
        going_on = tf.where(ended, IMPOSSIBLE, totals)
        log_probs, best = tf.nn.top_k(going_on, size)
        codes = tf.gather(words * size + parents, best, batch_dims=1)
        sentences = sentences._replace(
            codes=codes,
            log_probs=log_probs,
            pool=pool,
            state=_pick(state, codes % size),
        )
        return sentences, weights

    def is_going(self, t: tf.Tensor, sentences: _Sentences) -> tf.Tensor:
        limits = sentences.limits
        hope = sentences.log_probs[:, 0] / penalty(limits, self.alpha)
        return (t < limits) & (hope > sentences.pool.scores[:, -1])

    def hypotheses(
        self, sentences: _Sentences, found: _Found, taken: tf.Tensor
    ) -> Hypotheses:
        scores = sentences.pool.scores
        codes = self.read_back(sentences.pool, found, taken)
        tokens = codes // self.size
        lengths = _lengths(tokens)
        log_probs = scores * penalty(lengths, self.alpha)
        return Hypotheses(
            tokens,
            lengths,
            tf.where(lengths > 0, log_probs, IMPOSSIBLE),
            scores,
            found.attention(tokens, codes % self.size, self.source_length),
        )

    def read_back(
        self, pool: _Pool, found: _Found, taken: tf.Tensor
    ) -> tf.Tensor:
        """The codes of hypotheses from their ends on: (B, K, L), 0 after."""
        is_there = pool.scores > IMPOSSIBLE / 2
        last = tf.where(is_there, pool.ends // self.size, -1)
        end = EOS * self.size + pool.ends % self.size

        def body(t: tf.Tensor, beam: tf.Tensor, read: Any) -> tuple[Any, ...]:
            code = tf.gather(found.codes.read(t), beam, batch_dims=1)
            code = tf.where(t == last, end, tf.where(t < last, code, 0))
            return t - 1, code % self.size, read.write(t, code)

        read = tf.TensorArray(tf.int32, self.length, element_shape=end.shape)
        _, _, read = tf.while_loop(
            lambda t, *_: t >= 0, body, (taken - 1, tf.zeros_like(end), read)
        )
        return tf.transpose(read.stack(), [1, 2, 0])


def _pick(nest: Any, indices: tf.Tensor) -> Any:
    """Reorder axis 1 of every leaf by `indices` (B, K')."""
    return tf.nest.map_structure(
        lambda x: tf.gather(x, indices, batch_dims=1), nest
    )


def _lengths(tokens: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(tokens != PAD, tf.int32), -1)


def _spread(x: tf.Tensor, places: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
    """`x` (B', ...) at its places in a whole batch (B, ...) of zeros."""
    shape = tf.concat([[batch], tf.shape(x)[1:]], 0)
    return tf.scatter_nd(places[:, None], x, shape)


def _any_rows(x: Any) -> tf.TensorShape:
    """The invariant of a loop in which sentences leave."""
    if isinstance(x, tf.TensorArray) or not x.shape.rank:
        return tf.TensorShape([])
    return tf.TensorShape([None, *x.shape[1:]])
