"""Our layers' weights as the papers' matrices: layers in, references out."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import layers

from models.attention import (
    Attention,
    LuongAttention,
    LuongConcatAttention,
    LuongDotAttention,
)
from models.bridge import DenseBridge, LastBridge, MeanBridge
from models.cells import (
    Cell,
    GRUCell,
    LayerNormalised,
    LayerNormGRUCell,
    LayerNormLSTMCell,
    LSTMCell,
)
from models.decoder import (
    BahdanauDecoder,
    ConditionalDecoder,
    Decoder,
    LuongDecoder,
)
from models.encoder import Encoder
from models.seq2seq import Seq2Seq
from tests.models import reference
from tests.models.reference import (
    Array,
    CellStep,
    Gate,
    Norm,
    NormedGate,
    Score,
    State,
    Steps,
    Summary,
)


class Values:
    """Float64 copies of a layer's weights, to nudge for finite differences."""

    def __init__(self, layer: layers.Layer) -> None:
        self._copies = {
            id(weight): np.array(weight.numpy(), np.float64)
            for weight in layer.weights
        }

    def __call__(self, weight: keras.Variable) -> Array:
        return self._copies[id(weight)]

    def matrix(self, dense: layers.Dense) -> Array:
        return self(dense.kernel).T


def cell(
    values: Values,
    cell: Cell,
    *more_inputs: layers.Dense,
    keep: Array | float = 1.0,
) -> CellStep:
    """One step of `cell`, whose input continues with what feeds those layers.

    The sum of the products of the parts is the product of the whole. `keep`
    multiplies the hidden state in the recurrent product: U (k h) = (U k) h.
    """
    parts = [cell.input_projection, *more_inputs]
    of_input = np.hstack([values.matrix(part) for part in parts])
    of_hidden = values.matrix(cell.recurrent_projection) * keep
    if isinstance(cell, LayerNormalised):
        return _layer_norm_cell(values, cell, of_input, of_hidden)
    bias = values(cell.input_projection.bias)
    gates = [
        Gate(*blocks)
        for blocks in zip(
            *(np.split(x, cell.gates) for x in (of_input, of_hidden, bias)),
            strict=True,
        )
    ]
    if isinstance(cell, GRUCell):
        update, reset, candidate = np.split(
            values(cell.recurrent_projection.bias), 3
        )
        return reference.gru(
            gates[0]._replace(bias=gates[0].bias + update),
            gates[1]._replace(bias=gates[1].bias + reset),
            gates[2],
            candidate,
        )
    if isinstance(cell, LSTMCell):
        return reference.lstm(*gates)
    return reference.elman(*gates)


def _layer_norm_cell(
    values: Values, cell: LayerNormalised, of_input: Array, of_hidden: Array
) -> CellStep:
    def norms(of: list[layers.LayerNormalization]) -> list[Norm]:
        return [
            Norm(values(one.gamma), values(one.beta), one.epsilon) for one in of
        ]

    def gates(start: int, end: int, index: int = 0) -> NormedGate:
        rows = slice(start * cell.units, end * cell.units)
        return NormedGate(
            of_input[rows],
            of_hidden[rows],
            norms(cell.input_norms)[index],
            norms(cell.state_norms)[index],
        )

    if isinstance(cell, LayerNormGRUCell):
        return reference.layer_norm_gru(gates(0, 2), gates(2, 3, index=1))
    if isinstance(cell, LayerNormLSTMCell):
        (carry_norm,) = norms([cell.carry_norm])
        return reference.layer_norm_lstm(gates(0, 4), carry_norm)
    return reference.layer_norm_elman(gates(0, 1))


def score(values: Values, attention: Attention) -> Score:
    if isinstance(attention, LuongDotAttention):
        return reference.dot()
    if isinstance(attention, LuongAttention):
        return reference.general(values.matrix(attention.key_projection))
    of_query = values.matrix(attention.query_projection)
    of_value = values.matrix(attention.key_projection)
    vector = values(attention.score_projection.kernel)[:, 0]
    if isinstance(attention, LuongConcatAttention):
        return reference.concat(np.hstack([of_query, of_value]), vector)
    return reference.additive(of_query, of_value, vector)


def encoder(
    values: Values,
    encoder: Encoder,
    keeps: Sequence[Sequence[Array | float]] | None = None,
) -> Callable[[Array], tuple[Array, reference.Summary]]:
    """From words (S, E) to values (S, M), and a summary.

    `keeps` holds the recurrent mask (H,) of each direction of each layer.
    """
    if keeps is None:
        keeps = [[1.0] * len(layer.cells) for layer in encoder.layers]
    stack = [
        reference.Layer(
            [
                reference.Direction(cell(values, one, keep=keep), backward)
                for one, backward, keep in zip(
                    layer.cells, layer.reverse, masks, strict=True
                )
            ],
            (np.zeros(encoder.units),) * layer.cells[0].leaves,
        )
        for layer, masks in zip(encoder.layers, keeps, strict=True)
    ]
    return lambda words: reference.encode(stack, words, encoder.residual)


def decoder(
    values: Values, decoder: Decoder
) -> Callable[[Array, list[State], Array], Steps]:
    """From words (T, E), initial states and values (S, M) to all steps."""
    if isinstance(decoder, LuongDecoder):
        feed = [decoder.feed_projection] if decoder.input_feeding else []
        return reference.luong(
            _stack(values, decoder, *feed),
            score(values, decoder.attention),
            values.matrix(decoder.attentional_projection),
            decoder.input_feeding,
        )
    readout = _readout(values, decoder)
    if isinstance(decoder, BahdanauDecoder):
        return reference.bahdanau(
            _stack(values, decoder, decoder.context_projection),
            score(values, decoder.attention),
            readout,
        )
    if isinstance(decoder, ConditionalDecoder):
        return reference.conditional(
            _stack(values, decoder),
            cell(values, decoder.context_cell),
            score(values, decoder.attention),
            readout,
        )
    return reference.plain(_stack(values, decoder), readout)


def _stack(
    values: Values, decoder: Decoder, *more_inputs: layers.Dense
) -> reference.Stack:
    first = cell(values, decoder.cells[0], *more_inputs)
    above = [cell(values, one) for one in decoder.cells[1:]]
    return reference.Stack([first, *above], decoder.residual)


def _readout(values: Values, decoder: Decoder) -> reference.Readout:
    make = {
        "tanh": reference.tanh_readout,
        "maxout": reference.maxout_readout,
    }[decoder.activation]
    dense = decoder.output_projection.projection
    return make(values.matrix(dense), values(dense.bias))


def bridge(values: Values, decoder: Decoder, summary: Summary) -> list[State]:
    """The decoder's first states."""
    layer = decoder.state_bridge
    if isinstance(layer, DenseBridge):
        pairs = [(values.matrix(p), values(p.bias)) for p in layer.projections]
        start = reference.dense_bridge(
            [
                pairs[layer.leaves * i : layer.leaves * (i + 1)]
                for i in range(layer.num_layers)
            ],
            of_mean=isinstance(layer, MeanBridge),
        )
    elif isinstance(layer, LastBridge):
        start = reference.last_bridge(layer.num_layers)
    else:
        start = reference.zero_bridge(
            layer.num_layers, layer.leaves, layer.units
        )
    return start(summary)


def translate(
    values: Values, model: Seq2Seq, source: Array, target_in: Array
) -> tuple[Array, Array]:
    """Logits (T, V) and weights (T, S) of unpadded token ids."""
    table = values(model.target.embedding.embeddings)
    words = values(model.source.embedding.embeddings)[source]
    memory, summary = encoder(values, model.encoder)(words)
    states = bridge(values, model.decoder, summary)
    steps = decoder(values, model.decoder)(table[target_in], states, memory)
    softmax = model.target.projection
    if softmax is None:
        return steps.readouts @ table.T, steps.weights
    logits = steps.readouts @ values.matrix(softmax).T + values(softmax.bias)
    return logits, steps.weights
