"""Decoders, and a way to find their classes by name."""

from data.naming import choose
from models.decoder.bahdanau import BahdanauDecoder
from models.decoder.base import Decoder, DecoderState, Step
from models.decoder.conditional import ConditionalDecoder
from models.decoder.luong import LuongDecoder
from models.decoder.plain import PlainDecoder

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
    """Return the decoder class called `name`.

    Raises:
        ValueError: there is no such name; the message lists the names.
    """
    return choose(name, DECODERS, "decoder")
