"""The attention family: every variant by name."""

from collections.abc import Callable
from typing import Any

from models.attention.additive import BahdanauAttention, LuongConcatAttention
from models.attention.base import Attention, Memory, Places
from models.attention.history import (
    CoverageAttention,
    LocationSensitiveAttention,
)
from models.attention.monotonic import (
    BahdanauMonotonicAttention,
    LuongMonotonicAttention,
)
from models.attention.multiplicative import LuongAttention, LuongDotAttention
from models.attention.qkv import MultiHeadAttention, ScaledDotProductAttention
from models.attention.windows import LocalMonotonic, LocalPredictive
from models.naming import choose

__all__ = [
    "ATTENTIONS",
    "Attention",
    "BahdanauAttention",
    "BahdanauMonotonicAttention",
    "CoverageAttention",
    "LocalMonotonic",
    "LocalPredictive",
    "LocationSensitiveAttention",
    "LuongAttention",
    "LuongConcatAttention",
    "LuongDotAttention",
    "LuongMonotonicAttention",
    "Memory",
    "MultiHeadAttention",
    "Places",
    "ScaledDotProductAttention",
    "get",
]

# What takes no units has no hidden layer of its own.
ATTENTIONS: dict[str, Callable[..., Attention]] = {
    "bahdanau": BahdanauAttention,
    "bahdanau-normalized": lambda units, **kwargs: BahdanauAttention(
        units, normalized=True, **kwargs
    ),
    "luong-dot": lambda units, **kwargs: LuongDotAttention(**kwargs),
    "luong-general": lambda units, **kwargs: LuongAttention(**kwargs),
    "luong-scaled": lambda units, **kwargs: LuongAttention(
        scaled=True, **kwargs
    ),
    "luong-concat": LuongConcatAttention,
    "scaled-dot-product": ScaledDotProductAttention,
    "multi-head": MultiHeadAttention,
    "location": LocationSensitiveAttention,
    "coverage": CoverageAttention,
    "monotonic-bahdanau": BahdanauMonotonicAttention,
    "monotonic-luong": lambda units, **kwargs: LuongMonotonicAttention(
        **kwargs
    ),
}


def get(name: str, units: int, /, **kwargs: Any) -> Attention:
    """A new attention layer by name; `units` for those with a hidden layer.

    Raises:
        ValueError: if there is no such name, listing those there are.
    """
    return choose(name, ATTENTIONS, "attention")(units, **kwargs)
