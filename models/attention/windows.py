"""Windows: attention to a part of the memory, composed onto any score."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from models.building import Shape, build_once
from models.naming import choose


class Window(layers.Layer):
    """The positions s with `|s - p| <= D` around a centre p.

    Luong, Pham and Manning 2015, section 3.2. Positions count real tokens
    from 0; a subclass says where the centre is.

    Args:
        half_width: D, in tokens; at least 1.

    Raises:
        ValueError: `half_width` is below 1.
    """

    def __init__(self, half_width: float = 10, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if half_width < 1:
            raise ValueError(
                f"{type(self).__name__} got half_width={half_width}; a window "
                "must hold a token on either side of its centre: give 1 or more"
            )
        self.half_width = half_width

    def initial_state(
        self, mask: tf.Tensor, num_queries: int
    ) -> dict[str, tf.Tensor]:
        """What the centre depends on besides the query: nothing here."""
        return {}

    def next_state(self, state: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The state for the next step."""
        return state

    def distance(
        self, query: tf.Tensor, mask: tf.Tensor, state: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        """`s - p` for each query and position: (B, Q, S), float32."""
        real = ops.cast(mask, "float32")
        positions = ops.cumsum(real, -1) - 1  # (B, S)
        lengths = ops.sum(real, -1)[:, None]  # (B, 1)
        centre = self.centre(query, lengths, state)  # (B, Q)
        return positions[:, None, :] - centre[:, :, None]

    def centre(
        self, query: tf.Tensor, lengths: tf.Tensor, state: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        """p for each query, (B, Q) float32; `lengths` is (B, 1)."""
        raise TypeError(
            f"{type(self).__name__} has no centre: use one of "
            f"{', '.join(sorted(WINDOWS))}, or override centre"
        )

    def holds(self, distance: tf.Tensor) -> tf.Tensor:
        """Whether a position is within the window."""
        return ops.abs(distance) <= self.half_width

    def emphasis(self, distance: tf.Tensor) -> tf.Tensor | float:
        """What the weights are multiplied by after they are normalised."""
        return 1.0

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "half_width": self.half_width}


@keras.saving.register_keras_serializable("glimpse")
class LocalMonotonic(Window):
    """local-m: the centre moves on by one token a step, `p_t = t`.

    Luong et al. 2015, section 3.2. It stays at the last token of a source
    that the target is longer than, where the paper would see nothing.

    Args:
        half_width: see `Window`.
    """

    def initial_state(
        self, mask: tf.Tensor, num_queries: int
    ) -> dict[str, tf.Tensor]:
        shape = (ops.shape(mask)[0], num_queries)
        return {"position": ops.zeros(shape, "int32")}

    def next_state(self, state: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {**state, "position": state["position"] + 1}

    def centre(
        self, query: tf.Tensor, lengths: tf.Tensor, state: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        return ops.minimum(ops.cast(state["position"], "float32"), lengths - 1)


@keras.saving.register_keras_serializable("glimpse")
class LocalPredictive(Window):
    """local-p: the query says where, `p = S sigmoid(v . tanh(W query))`.

    The normalised weights are then multiplied by the Gaussian
    `exp(-(s - p)^2 / (2 sigma^2))` with `sigma = D / 2`, so that the centre is
    learnt; a row sums to 1 at most. Luong et al. 2015, equations 9 and 10; S
    is the number of real tokens.

    Args:
        half_width: see `Window`.
    """

    def __init__(self, half_width: float = 10, **kwargs: Any) -> None:
        super().__init__(half_width, **kwargs)
        self.centre_projection = layers.Dense(
            1, use_bias=False, dtype=self.dtype_policy
        )

    def build(self, query_shape: Shape) -> None:
        units = query_shape[-1]
        self.query_projection = layers.Dense(
            units, "tanh", use_bias=False, dtype=self.dtype_policy
        )
        build_once(self.query_projection, query_shape)
        build_once(self.centre_projection, query_shape)

    def centre(
        self, query: tf.Tensor, lengths: tf.Tensor, state: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        share = self.centre_projection(self.query_projection(query))[..., 0]
        return lengths * ops.sigmoid(ops.cast(share, "float32"))

    def emphasis(self, distance: tf.Tensor) -> tf.Tensor:
        sigma = self.half_width / 2
        return ops.exp(-ops.square(distance) / (2 * sigma**2))


WINDOWS: dict[str, type[Window]] = {
    "local-m": LocalMonotonic,
    "local-p": LocalPredictive,
}


def get(name: str) -> type[Window]:
    """The window class called `name`; a ValueError lists the names."""
    return choose(name, WINDOWS, "window")
