"""Fast decoder steps for beam search.

These steps compute the results of `Decoder.step` and `Decoder.readout` with
less arithmetic. The contribution of each value of the memory to the gates and
to the readout does not depend on the state, so it is computed once for each
sentence. Matrix products with the same input are joined into one product. The
word is multiplied once, for the gates and the readout, and the state is
multiplied once, for the query and the gates.

In shapes, Q is the number of beams of a sentence, G the number of gates times
H, and A the dimension of the attention's hidden layer.
"""

from typing import Any, NamedTuple

import tensorflow as tf
from keras import layers

from models import cells
from models.attention import BahdanauAttention, Memory
from models.attention.base import MASKED
from models.cells import Cell
from models.decoder.base import DecoderState
from models.decoder.fused import cast_kernel, joined
from models.fused import Gates
from models.readout import Readout


class Affine(NamedTuple):
    """Affine map from rows x (N, D) to rows `x W + b` (N, K).

    Attributes:
        kernel: (D, K), the matrix W.
        bias: (K,), the vector b.
    """

    kernel: tf.Tensor
    bias: tf.Tensor

    @classmethod
    def of(cls, layer: layers.Dense) -> "Affine":
        """Return the affine map of a dense layer.

        The kernel and the bias are cast to the compute type of the layer.
        """
        kernel = cast_kernel(layer)
        if layer.bias is None:
            return cls(kernel, tf.zeros(kernel.shape[1:], kernel.dtype))
        bias = tf.convert_to_tensor(layer.bias)
        return cls(kernel, tf.cast(bias, kernel.dtype))

    def beside(self, other: "Affine") -> "Affine":
        """Return a map that concatenates the results of `self` and `other`."""
        return Affine(
            tf.concat([self.kernel, other.kernel], 1),
            tf.concat([self.bias, other.bias], 0),
        )

    def __call__(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(tf.matmul(rows, self.kernel), self.bias)


class ReadoutParts(NamedTuple):
    """Linear map of a readout, split into the parts for its three inputs.

    These inputs are the cell's output (H), the context (M) and the embedded
    word (E).

    Attributes:
        output: (H, N), kernel that multiplies the output.
        context: (M, N), kernel that multiplies the context.
        word: map of the word, with kernel (E, N) and the bias of the readout.
    """

    output: tf.Tensor
    context: tf.Tensor
    word: Affine

    @classmethod
    def of(cls, readout: Readout, units: int, context: int) -> "ReadoutParts":
        """Split the linear map of a readout layer.

        Args:
            readout: readout layer.
            units: dimension H of the cell's output.
            context: dimension M of the context.
        """
        kernel, bias = Affine.of(readout.projection)
        return cls(
            kernel[:units],
            kernel[units : units + context],
            Affine(kernel[units + context :], bias),
        )


def softmax(scores: tf.Tensor) -> tf.Tensor:
    """Return the softmax of scores over their last axis.

    If this axis is short, `tf.nn.softmax` takes twice as long as this function.
    """
    powers = tf.exp(scores - tf.reduce_max(scores, -1, keepdims=True))
    return powers / tf.reduce_sum(powers, -1, keepdims=True)


def average(weights: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Return the matrix product of weights (B, Q, S) and values (B, S, N).

    For Q = 1, the operation `BatchMatMulV3` takes half as long as `tf.matmul`,
    which uses the library oneDNN. For larger Q, `tf.matmul` takes half as long
    as `BatchMatMulV3`.
    """
    if weights.shape[1] != 1 or weights.dtype != tf.float32:
        return tf.matmul(weights, values)
    return tf.raw_ops.BatchMatMulV3(x=weights, y=values, Tout=tf.float32)


class Glance(NamedTuple):
    """Memory in the form that the step functions of beam search use.

    Attributes:
        keys: keys of the memory: (B, 1, S, A) for an `AttendingStep`, (B, H, S)
            for a `LuongStep`.
        shares: (B, S, N), the values of the memory times a kernel. The weighted
            mean of the shares equals the context times this kernel.
        mask: (B, 1, S), 1 at real positions and 0 at padding.
        blocked: (B, 1, S) float32, which is added to the scores: 0 at real
            positions, a large negative number at padding.
    """

    keys: tf.Tensor
    shares: tf.Tensor
    mask: tf.Tensor
    blocked: tf.Tensor

    @classmethod
    def of(cls, memory: Memory, keys: tf.Tensor, kernel: tf.Tensor) -> "Glance":
        """Put the parts of a memory that a step needs into a `Glance`.

        Args:
            memory: memory with values (B, S, M).
            keys: keys of the memory, in the shape that the step needs.
            kernel: (M, N), kernel that multiplies contexts. The attribute
                `shares` of the result is the values times this kernel.
        """
        places = tf.shape(memory.values)[1]
        shares = tf.matmul(_rows(memory.values), kernel)
        return cls(
            keys,
            tf.reshape(shares, [-1, places, shares.shape[-1]]),
            tf.cast(memory.mask, keys.dtype)[:, None],
            tf.where(memory.mask, 0.0, MASKED)[:, None],
        )

    def weights(self, scores: tf.Tensor) -> tf.Tensor:
        """Return the attention weights (B, Q, S) for scores (B, Q, S)."""
        weights = softmax(tf.cast(scores, tf.float32) + self.blocked)
        return tf.cast(weights, self.mask.dtype) * self.mask


class AttendingStep:
    """Step of a `BahdanauDecoder`, as a fast function for beam search.

    It attends with the old state, runs the cell, and computes the readout. It
    is called with embedded words (B, Q, E), a decoder state, and a `Glance`,
    which `see` makes from the memory. It returns the readouts (B, Q, R), the
    attention weights (B, Q, S) and the next decoder state.

    Args:
        gates: the `Gates` of the cell, which compute its new state from the
            projected input and the projected hidden state.
        cell: cell whose inputs are the word and the context.
        context: map of a context vector to its contribution to the gates.
        attention: attention layer with additive scores.
        readout: readout layer; its input is the concatenation of the cell's
            output, the context and the word.
    """

    def __init__(
        self,
        gates: Gates,
        cell: Cell,
        context: Affine,
        attention: BahdanauAttention,
        readout: Readout,
    ) -> None:
        self.gates = gates
        self.context = context
        self.sizes = [cell.gates * cell.units, -1]  # of gates and readout
        parts = ReadoutParts.of(readout, cell.units, context.kernel.shape[0])
        self.words = self.of_word(cell).beside(parts.word)
        self.states = Affine(*joined(attention, cell))
        self.units = attention.units
        self.vector = attention.score_vector()[:, None]
        self.contexts = tf.concat([context.kernel, parts.context], 1)
        self.output = parts.output
        self.activate = readout.activate

    def see(self, memory: Memory) -> Glance:
        """Convert a memory to a `Glance`, the form that this step uses."""
        return Glance.of(memory, memory.keys[:, None], self.contexts)

    def of_word(self, cell: Cell) -> Affine:
        """Return the affine map from an embedded word to the cell's gates."""
        return Affine.of(cell.input_projection)

    def before(
        self, x: tf.Tensor, state: cells.State
    ) -> tuple[tf.Tensor, cells.State]:
        """Compute the part of a step that precedes attention.

        In an `AttendingStep`, there is no such part, and the arguments are
        returned unchanged. A `RecurringStep` runs its first cell.

        Args:
            x: (B * Q, G), the contribution of the words to the gates.
            state: cell state before the step; its tensors are (B * Q, H).

        Returns:
            The input of the gates without the contribution of the context, and
            the cell state from which the query and the new state are computed.
        """
        return x, state

    def look(self, query: tf.Tensor, glance: Glance) -> tf.Tensor:
        """Return the attention weights (B, Q, S).

        Args:
            query: (B, Q, A), the projected queries.
            glance: the memory, in the form that `see` returns.
        """
        hidden = tf.tanh(query[:, :, None] + glance.keys)
        scores = tf.matmul(_rows(hidden), self.vector)
        places = tf.shape(glance.keys)[2]
        scores = tf.reshape(scores, [-1, query.shape[1], places])
        return glance.weights(scores)

    def __call__(
        self, embedded: tf.Tensor, state: DecoderState, glance: Glance
    ) -> tuple[tf.Tensor, tf.Tensor, DecoderState]:
        x, read = tf.split(self.words(_rows(embedded)), self.sizes, -1)
        x, old = self.before(x, tuple(map(_rows, state.cells[0])))
        query, p = tf.split(self.states(old[0]), [self.units, -1], -1)
        weights = self.look(_like(query, embedded), glance)
        context = _rows(average(weights, glance.shares))
        share, said = tf.split(context, self.sizes, -1)
        new, _ = self.gates.advance(x + share, p, old)
        read = self.activate(read + said + tf.matmul(new[0], self.output))
        leaves = tuple(_like(leaf, embedded) for leaf in new)
        after = state._replace(cells=(leaves,))
        return _like(read, embedded), weights, after


class RecurringStep(AttendingStep):
    """Step of a `ConditionalDecoder`, as a fast function for beam search.

    It runs the first cell, attends with the state of this cell, runs the second
    cell, and computes the readout. Its call arguments and results are those of
    an `AttendingStep`.

    Args:
        first: the first cell, whose input is the word.
        *args: arguments of `AttendingStep`, where `cell` is the second cell,
            whose input is the context alone.
        **kwargs: arguments of `AttendingStep`.
    """

    def __init__(self, first: Cell, *args: Any, **kwargs: Any) -> None:
        self.first = first
        self.recall = Affine(*first.recurrent_weights())
        super().__init__(*args, **kwargs)

    def of_word(self, cell: Cell) -> Affine:
        return Affine.of(self.first.input_projection)

    def before(
        self, x: tf.Tensor, state: cells.State
    ) -> tuple[tf.Tensor, cells.State]:
        middle, _ = self.gates.advance(x, self.recall(state[0]), state)
        return self.context.bias, middle


class LuongStep:
    """Step of a `LuongDecoder`, as a fast function for beam search.

    It runs the cell, attends with the new state by dot products, and computes
    the attentional vector, which is the readout. It is called with embedded
    words (B, Q, E), a decoder state, and a `Glance`, which `see` makes from the
    memory. It returns the readouts (B, Q, R), the attention weights (B, Q, S)
    and the next decoder state.

    Args:
        gates: the `Gates` of the cell, which compute its new state from the
            projected input and the projected hidden state.
        cell: cell whose input is the word.
        context: (M, R), kernel from the context to the attentional vector.
        output: (H, R), kernel from the cell's output to the attentional vector.
        feed: (R, G), kernel from the previous attentional vector to the gates;
            None without input feeding.
    """

    def __init__(
        self,
        gates: Gates,
        cell: Cell,
        context: tf.Tensor,
        output: tf.Tensor,
        feed: tf.Tensor | None,
    ) -> None:
        self.gates = gates
        self.words = Affine.of(cell.input_projection)
        self.recall = Affine(*cell.recurrent_weights())
        self.context = context
        self.output = output
        self.feed = feed

    def see(self, memory: Memory, keys: tf.Tensor) -> Glance:
        """Convert a memory to a `Glance`, the form that this step uses.

        Args:
            memory: memory with values and mask.
            keys: (B, S, H), keys whose dot products with a query are the scores
                of this query.
        """
        return Glance.of(memory, tf.transpose(keys, [0, 2, 1]), self.context)

    def __call__(
        self, embedded: tf.Tensor, state: DecoderState, glance: Glance
    ) -> tuple[tf.Tensor, tf.Tensor, DecoderState]:
        x, old = self.words(_rows(embedded)), tuple(map(_rows, state.cells[0]))
        if self.feed is not None:
            x += tf.matmul(_rows(state.feed), self.feed)
        new, _ = self.gates.advance(x, self.recall(old[0]), old)
        leaves = tuple(_like(leaf, embedded) for leaf in new)
        weights = glance.weights(average(leaves[0], glance.keys))
        context = _rows(average(weights, glance.shares))
        read = tf.tanh(context + tf.matmul(new[0], self.output))
        read = _like(read, embedded)
        feed = () if self.feed is None else read
        return read, weights, state._replace(cells=(leaves,), feed=feed)


def _rows(x: tf.Tensor) -> tf.Tensor:
    """Reshape a tensor (..., D) to rows (N, D)."""
    return tf.reshape(x, [-1, x.shape[-1]])


def _like(rows: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Reshape rows (B * Q, D) to (B, Q, D).

    Args:
        rows: (B * Q, D), the tensor to reshape.
        like: any tensor (B, Q, ...); it determines Q.
    """
    return tf.reshape(rows, [-1, like.shape[1], rows.shape[-1]])
