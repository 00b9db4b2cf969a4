"""Decoders: one step, used alike by training and by search."""

from models.decoder.bahdanau import BahdanauDecoder
from models.decoder.base import Decoder, DecoderState, Step
from models.decoder.conditional import ConditionalDecoder
from models.decoder.luong import LuongDecoder
from models.decoder.plain import PlainDecoder
from models.naming import choose

__all__ = [
    "DECODERS",
    "BahdanauDecoder",
    "ConditionalDecoder",
    "Decoder",
    "DecoderState",
    "LuongDecoder",
    "PlainDecoder",
    "Step",
    "get",
]

DECODERS: dict[str, type[Decoder]] = {
    "bahdanau": BahdanauDecoder,
    "conditional": ConditionalDecoder,
    "luong": LuongDecoder,
    "plain": PlainDecoder,
}


def get(name: str) -> type[Decoder]:
    """The decoder class called `name`; a ValueError lists the names."""
    return choose(name, DECODERS, "decoder")
