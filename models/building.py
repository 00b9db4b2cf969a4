"""Building sub-layers: their shapes, and once only."""

from typing import Any

from keras import layers

# As Keras gives it to `build`: None where a dimension may vary.
Shape = tuple[Any, ...]


def build_once(layer: layers.Layer, *shape: Any) -> None:
    """Build `layer` unless loading has built it already."""
    if not layer.built:
        layer.build(*shape)
