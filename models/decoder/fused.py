"""What the loops of decoders need in their fused form."""

from typing import Any

import tensorflow as tf
from keras import layers

from models.attention import BahdanauAttention, LuongConcatAttention, Memory
from models.cells import Cell
from models.decoder.base import DecoderState, Step
from models.fused import Looked

# Classes of attention that `Looked` and `joined` hold for; no subclass.
ADDITIVE = (BahdanauAttention, LuongConcatAttention)


def looked(
    attention: BahdanauAttention, memory: Memory, shares: tf.Tensor
) -> Looked:
    """What the loop looks at.

    Args:
        attention: gives the vector of its scores.
        memory: gives keys and mask.
        shares: (B, S, G), what each value gives to the gates.
    """
    return Looked(memory.keys, shares, attention.score_vector(), memory.mask)


def joined(
    attention: BahdanauAttention, cell: Cell
) -> tuple[tf.Tensor, tf.Tensor]:
    """The products of a state for query and gates, as one: (H, A + G)."""
    kernel, bias = cell.recurrent_weights()
    layer = attention.query_projection
    query = cast_kernel(layer)
    query_bias = tf.zeros([attention.units], kernel.dtype)
    if layer.bias is not None:
        query_bias = tf.cast(tf.convert_to_tensor(layer.bias), kernel.dtype)
    return tf.concat([query, kernel], 1), tf.concat([query_bias, bias], 0)


def cast_kernel(layer: layers.Dense) -> tf.Tensor:
    """The kernel of a layer; Keras casts it in the layer's own calls alone."""
    return tf.cast(tf.convert_to_tensor(layer.kernel), layer.compute_dtype)


def as_steps(
    found: tuple[tf.Tensor, tf.Tensor, Any],
    memory: Memory,
    state: DecoderState,
) -> tuple[Step, DecoderState]:
    """What a loop found, as `Decoder.call` gives it."""
    outputs, weights, last = found
    contexts = tf.matmul(weights, memory.values)
    cells = (tuple(leaf[:, None] for leaf in last),)
    return Step(outputs, contexts, weights), state._replace(cells=cells)


def first_state(state: DecoderState) -> tuple[tf.Tensor, ...]:
    """The state of the only layer, leaves (B, H)."""
    return tuple(leaf[:, 0] for leaf in state.cells[0])
