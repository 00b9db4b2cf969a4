"""Batches in, distributions and hypotheses out."""

from models.adam import Adam
from models.attention import (
    Attention,
    BahdanauAttention,
    BahdanauMonotonicAttention,
    CoverageAttention,
    LocalMonotonic,
    LocalPredictive,
    LocationSensitiveAttention,
    LuongAttention,
    LuongConcatAttention,
    LuongDotAttention,
    LuongMonotonicAttention,
    MultiHeadAttention,
    ScaledDotProductAttention,
)
from models.baseline import StartingExample
from models.cells import (
    GRUCell,
    LayerNormGRUCell,
    LayerNormLSTMCell,
    LayerNormRNNCell,
    LSTMCell,
    SimpleRNNCell,
)
from models.decoder import (
    BahdanauDecoder,
    ConditionalDecoder,
    Decoder,
    LuongDecoder,
    PlainDecoder,
)
from models.encoder import Encoder
from models.search import Hypotheses, SearchOptions, search
from models.seq2seq import Seq2Seq
from models.translation import TranslationModel

__all__ = [
    "Adam",
    "Attention",
    "BahdanauAttention",
    "BahdanauDecoder",
    "BahdanauMonotonicAttention",
    "ConditionalDecoder",
    "CoverageAttention",
    "Decoder",
    "Encoder",
    "GRUCell",
    "Hypotheses",
    "LSTMCell",
    "LayerNormGRUCell",
    "LayerNormLSTMCell",
    "LayerNormRNNCell",
    "LocalMonotonic",
    "LocalPredictive",
    "LocationSensitiveAttention",
    "LuongAttention",
    "LuongConcatAttention",
    "LuongDecoder",
    "LuongDotAttention",
    "LuongMonotonicAttention",
    "MultiHeadAttention",
    "PlainDecoder",
    "ScaledDotProductAttention",
    "SearchOptions",
    "Seq2Seq",
    "SimpleRNNCell",
    "StartingExample",
    "TranslationModel",
    "search",
]
