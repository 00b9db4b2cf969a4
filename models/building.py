"""Type of tensor shapes, and a function that builds a layer only once."""

from typing import Any

from keras import layers

# Shape as Keras passes it to `build`; a dimension that may vary is None.
Shape = tuple[Any, ...]


def build_once(layer: layers.Layer, *shape: Any) -> None:
    """Build `layer`, unless it is built already.

    Args:
        layer: layer to build.
        *shape: arguments of `layer.build`, such as the shape of its input.
    """
    if not layer.built:
        layer.build(*shape)
