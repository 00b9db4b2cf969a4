"""Batches in, distributions and hypotheses out."""

from models.attention import (
    Attention,
    BahdanauAttention,
    LuongAttention,
    LuongConcatAttention,
    LuongDotAttention,
)
from models.baseline import StartingExample
from models.cells import GRUCell, LSTMCell, SimpleRNNCell
from models.decoder import (
    BahdanauDecoder,
    ConditionalDecoder,
    Decoder,
    LuongDecoder,
    PlainDecoder,
)
from models.encoder import Encoder
from models.search import Hypotheses, SearchOptions, search
from models.seq2seq import Seq2Seq, TranslationModel

__all__ = [
    "Attention",
    "BahdanauAttention",
    "BahdanauDecoder",
    "ConditionalDecoder",
    "Decoder",
    "Encoder",
    "GRUCell",
    "Hypotheses",
    "LSTMCell",
    "LuongAttention",
    "LuongConcatAttention",
    "LuongDecoder",
    "LuongDotAttention",
    "PlainDecoder",
    "SearchOptions",
    "Seq2Seq",
    "SimpleRNNCell",
    "StartingExample",
    "TranslationModel",
    "search",
]
