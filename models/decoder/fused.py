"""Fused loops for decoders: tensors for a loop, and results from one.

A fused loop runs all steps of a decoder, and its gradient is written by hand;
see `models.fused`. This module puts a decoder's tensors into the form that such
a loop takes, and puts the results into the form that decoders return.
"""

from typing import Any

import tensorflow as tf
from keras import layers

from models.attention import BahdanauAttention, LuongConcatAttention, Memory
from models.cells import Cell
from models.decoder.base import DecoderState, Step
from models.fused import Looked

# Attention classes that `looked` and `joined` accept; subclasses do not fit.
ADDITIVE = (BahdanauAttention, LuongConcatAttention)


def looked(
    attention: BahdanauAttention, memory: Memory, shares: tf.Tensor
) -> Looked:
    """Convert a memory to the form that a fused loop needs.

    Args:
        attention: attention layer; the vector v of its score becomes part of
            the result.
        memory: memory whose keys and mask become part of the result.
        shares: (B, S, G), the contribution of each value to the cell's gates
            (the value times the kernel that multiplies contexts).
    """
    return Looked(memory.keys, shares, attention.score_vector(), memory.mask)


def joined(
    attention: BahdanauAttention, cell: Cell
) -> tuple[tf.Tensor, tf.Tensor]:
    """Join two linear maps of the hidden state into one map.

    Args:
        attention: attention layer, whose map projects a hidden state (H) to a
            query (A).
        cell: cell, whose map projects a hidden state (H) to the gates (G).

    Returns:
        The kernel (H, A + G) and the bias (A + G,) of the joined map.
    """
    kernel, bias = cell.recurrent_weights()
    layer = attention.query_projection
    query = cast_kernel(layer)
    query_bias = tf.zeros([attention.units], kernel.dtype)
    if layer.bias is not None:
        query_bias = tf.cast(tf.convert_to_tensor(layer.bias), kernel.dtype)
    return tf.concat([query, kernel], 1), tf.concat([query_bias, bias], 0)


def cast_kernel(layer: layers.Dense) -> tf.Tensor:
    """Return the kernel of a layer, cast to the layer's compute type.

    Keras itself casts the kernel only while the layer is called.
    """
    return tf.cast(tf.convert_to_tensor(layer.kernel), layer.compute_dtype)


def as_steps(
    found: tuple[tf.Tensor, tf.Tensor, Any],
    memory: Memory,
    state: DecoderState,
) -> tuple[Step, DecoderState]:
    """Convert the results of a fused loop to what `Decoder.call` returns.

    Args:
        found: results of the fused loop: outputs (B, T, H) or attentional
            vectors (B, T, R), attention weights (B, T, S), and the cell's last
            state, a tuple of tensors (B, H).
        memory: memory that the loop attended to.
        state: decoder state before the loop.

    Returns:
        A `Step` with the results of all steps, and the decoder state after the
        last step.
    """
    outputs, weights, last = found
    contexts = tf.matmul(weights, memory.values)
    cells = (tuple(leaf[:, None] for leaf in last),)
    return Step(outputs, contexts, weights), state._replace(cells=cells)


def first_state(state: DecoderState) -> tuple[tf.Tensor, ...]:
    """Return the cell state of a decoder with one layer, for a fused loop.

    The tensors (B, 1, H) of the decoder state become (B, H).
    """
    return tuple(leaf[:, 0] for leaf in state.cells[0])
