"""Sequence-to-sequence networks, and search for their likeliest outputs."""

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
from models.sequence_model import SequenceModel
from models.sources import EmbeddingDropout, Encoded, Source, TokenSource
from models.targets import Seen, Target, TokenTarget

__all__ = [
    "Adam",
    "Attention",
    "BahdanauAttention",
    "BahdanauDecoder",
    "BahdanauMonotonicAttention",
    "ConditionalDecoder",
    "CoverageAttention",
    "Decoder",
    "EmbeddingDropout",
    "Encoded",
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
    "Seen",
    "Seq2Seq",
    "SequenceModel",
    "SimpleRNNCell",
    "Source",
    "StartingExample",
    "Target",
    "TokenSource",
    "TokenTarget",
    "search",
]
