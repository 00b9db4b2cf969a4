"""State of a search between its steps, and results of a search."""

from typing import Any, NamedTuple

import tensorflow as tf


class Hypotheses(NamedTuple):
    """Hypotheses that a search found: the K best of each sentence, best first.

    If a sentence has fewer than K possible hypotheses, the rest of its K
    hypotheses are empty: their length is 0, and their scores and
    log-probabilities are -1e9.
    """

    tokens: tf.Tensor  # (B, K, L), end symbol included, then padding
    lengths: tf.Tensor  # (B, K), end symbol included
    log_probs: tf.Tensor  # (B, K)
    scores: tf.Tensor  # (B, K), see `SearchOptions`
    token_log_probs: Any  # (B, K, L), 0 on padding; or () if not kept
    seen: Any  # (B, K, L, ...), such as each token's attention


class Sentences(NamedTuple):
    """State of the search in the sentences that are still in the batch.

    B is the number of these sentences.
    """

    places: tf.Tensor  # (B,), index of each sentence in the whole batch
    limits: tf.Tensor  # (B,), largest length of hypotheses
    codes: tf.Tensor  # (B, K), last word * K + number of the beam it extends
    gains: Any  # (B, K), log-probabilities of the last words; or ()
    log_probs: tf.Tensor  # (B, K), of the unfinished hypotheses
    tokens: Any  # (B, K, L), words so far, needed by rules; or ()
    pool: Any  # `Pool`, or () in greedy search
    state: Any  # state of the model
    memory: Any  # third argument of the step function; or ()
    data: Any  # of each `SentenceRule`
    covered: Any  # (B, K, S), sums of attention weights; or ()
    source_mask: Any  # (B, S), True at positions to cover; or ()
    drawn: Any  # (B, K, L), random numbers; or ()
    met: Any  # `Met`: phrases that must still occur; or ()


class Pool(NamedTuple):
    """Pool of the K best finished hypotheses of each sentence, best first.

    Every tensor is (B, K).
    """

    steps: tf.Tensor  # number of the step that added the last word
    codes: tf.Tensor  # last word * K + number of the beam it extends
    gains: Any  # log-probability of the last word; or ()
    log_probs: tf.Tensor
    scores: tf.Tensor  # see `SearchOptions`

    def enter(self, other: "Pool") -> "Pool":
        """Return a pool of the K best hypotheses from this pool and `other`."""
        both = tf.nest.map_structure(
            lambda *pair: tf.concat(pair, 1), self, other
        )
        scores, best = tf.nn.top_k(both.scores, self.scores.shape[1])
        picked = tf.nest.map_structure(
            lambda x: tf.gather(x, best, batch_dims=1), both
        )
        return picked._replace(scores=scores)


class Found(NamedTuple):
    """Results of all steps of a search, for the whole batch.

    Each field is a TensorArray, or a nested structure of TensorArrays, with the
    result of step t at index t.
    """

    codes: tf.TensorArray  # L tensors (B, K), as in `Sentences`
    gains: Any  # L tensors (B, K), as in `Sentences`; or ()
    seen: Any  # L tensors (B, K, ...), as the step function returned them

    @classmethod
    def empty(
        cls, length: tf.Tensor | int, codes: tf.Tensor, *rest: Any
    ) -> "Found":
        """Make an instance with empty arrays for the results of all steps.

        Args:
            length: number of steps.
            codes: codes of any step, from which the array for codes gets its
                shape and type.
            *rest: `gains` and `seen` of any step, as in `Found`; from these,
                the other arrays get their shapes and types.
        """

        def array(x: tf.Tensor) -> tf.TensorArray:
            return tf.TensorArray(x.dtype, length, element_shape=x.shape)

        return cls(*tf.nest.map_structure(array, (codes, *rest)))

    def write(self, t: tf.Tensor, *new: Any) -> "Found":
        """Return a copy that also contains the results of step t.

        Args:
            t: number of the step.
            *new: values of the fields `codes`, `gains` and `seen` for step t.
        """
        return tf.nest.map_structure(
            lambda array, x: array.write(t, x), self, Found(*new)
        )

    def rows(self, real: tf.Tensor, beams: tf.Tensor) -> Any:
        """Return the result `seen` for each token of the hypotheses.

        `seen` is a result of each step of the search, such as attention
        weights. The value for a token is the result of the step that predicted
        the token. The value is 0 on padding. The shape is (B, K, L, ...).

        Args:
            real: (B, K, L), False on padding.
            beams: (B, K, L), number of the beam that each token extended.
        """
        batch, size, length = tf.unstack(tf.shape(real))
        steps = tf.range(length) * batch
        rows = steps + tf.range(batch)[:, None, None]  # (B, 1, L)

        def read(array: tf.TensorArray) -> tf.Tensor:
            stacked = array.stack()  # (L, B, K, ...)
            flat = tf.reshape(
                stacked, tf.concat([[-1], tf.shape(stacked)[3:]], 0)
            )
            mask = tf.cast(real, flat.dtype)
            for _ in range(stacked.shape.rank - 3):
                mask = mask[..., None]
            return tf.gather(flat, rows * size + beams) * mask

        return tf.nest.map_structure(read, self.seen)


class Done(NamedTuple):
    """Results of a search for the whole batch, finished sentences included.

    A sentence may leave the batch when its search has ended, but its results
    stay here. B is the number of all sentences of the batch.
    """

    log_probs: tf.Tensor  # (B, K)
    pool: Any  # tensors (B, K)
    source_mask: Any  # (B, S), or ()

    @classmethod
    def of(cls, sentences: Sentences) -> "Done":
        """Make an instance from the present results of `sentences`."""
        return cls(sentences.log_probs, sentences.pool, sentences.source_mask)

    def update(self, sentences: Sentences) -> "Done":
        """Return a copy with the present results of some sentences.

        Args:
            sentences: state of the sentences that are still in the batch.
        """
        return tf.nest.map_structure(
            lambda whole, part: tf.tensor_scatter_nd_update(
                whole, sentences.places[:, None], part
            ),
            self,
            self.of(sentences),
        )
