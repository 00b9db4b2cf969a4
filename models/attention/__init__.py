"""Attention layers, and a function that makes each variant by its name."""

from collections.abc import Mapping
from inspect import signature
from types import MappingProxyType
from typing import Any, NamedTuple, get_type_hints

from data.naming import choose
from models.attention.additive import BahdanauAttention, LuongConcatAttention
from models.attention.base import (
    Attention,
    Foreseen,
    Memory,
    PlaceContexts,
)
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

__all__ = [
    "ATTENTIONS",
    "Attention",
    "BahdanauAttention",
    "BahdanauMonotonicAttention",
    "CoverageAttention",
    "Foreseen",
    "LocalMonotonic",
    "LocalPredictive",
    "LocationSensitiveAttention",
    "LuongAttention",
    "LuongConcatAttention",
    "LuongDotAttention",
    "LuongMonotonicAttention",
    "Memory",
    "MultiHeadAttention",
    "PlaceContexts",
    "ScaledDotProductAttention",
    "get",
]


class Variant(NamedTuple):
    """Variant of attention: a layer class, and its fixed arguments.

    The variant `luong-scaled`, for example, is the class `LuongAttention` with
    the argument `scaled=True`. A call of a variant returns a new layer.

    Attributes:
        layer: class of the attention layer.
        fixed: constructor arguments that every layer of this variant gets.
    """

    layer: type[Attention]
    fixed: Mapping[str, Any] = MappingProxyType({})

    @property
    def has_units(self) -> bool:
        """Tell whether the constructor of the class has an argument `units`."""
        return "units" in _parameters(self.layer)

    @property
    def options(self) -> dict[str, Any]:
        """Types of the constructor arguments that a user may choose, by name.

        The arguments `units` and `window` and the arguments in `fixed` are not
        included.
        """
        known = _parameters(self.layer)
        own = known.keys() - {"units", "window"} - self.fixed.keys()
        return {name: known[name] for name in known if name in own}

    def __call__(self, units: int, **options: Any) -> Attention:
        """Return a new attention layer of this variant.

        Args:
            units: constructor argument `units` of the layer. It is ignored if
                the class of the variant has no such argument.
            **options: other arguments of the constructor.
        """
        if self.has_units:
            options["units"] = units
        return self.layer(**self.fixed, **options)


ATTENTIONS: dict[str, Variant] = {
    "bahdanau": Variant(BahdanauAttention),
    "bahdanau-normalized": Variant(BahdanauAttention, {"normalized": True}),
    "luong-dot": Variant(LuongDotAttention),
    "luong-general": Variant(LuongAttention),
    "luong-scaled": Variant(LuongAttention, {"scaled": True}),
    "luong-concat": Variant(LuongConcatAttention),
    "scaled-dot-product": Variant(ScaledDotProductAttention),
    "multi-head": Variant(MultiHeadAttention),
    "location": Variant(LocationSensitiveAttention),
    "coverage": Variant(CoverageAttention),
    "monotonic-bahdanau": Variant(BahdanauMonotonicAttention),
    "monotonic-luong": Variant(LuongMonotonicAttention),
}


def get(name: str, units: int, /, **kwargs: Any) -> Attention:
    """Return a new attention layer of the variant called `name`.

    Args:
        name: a key of `ATTENTIONS`.
        units: constructor argument `units` of the layer. It is ignored if the
            class of the variant has no such argument.
        **kwargs: other arguments of the variant's constructor.

    Raises:
        ValueError: there is no such name; the message lists the names.
    """
    return choose(name, ATTENTIONS, "attention")(units, **kwargs)


def _parameters(layer: type[Attention]) -> dict[str, Any]:
    """Return the types of a class's constructor arguments, by name.

    The result also contains the arguments of the constructors of its parent
    classes, up to and including `Attention`.
    """
    found: dict[str, Any] = {}
    for owner in layer.__mro__[: layer.__mro__.index(Attention) + 1]:
        if "__init__" in vars(owner):
            constructor = vars(owner)["__init__"]
            hints = get_type_hints(constructor)
            found |= {
                each.name: hints[each.name]
                for each in signature(constructor).parameters.values()
                if (
                    each.kind is each.POSITIONAL_OR_KEYWORD
                    and each.name != "self"
                )
                or each.kind is each.KEYWORD_ONLY
            }
    return found
