"""Windows: layers that limit any kind of attention to a part of the memory."""

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops

from data.naming import choose
from models.adam import learn_slower
from models.building import Shape, build_once


class Window(layers.Layer):
    """Layer that limits attention to the positions near a centre p.

    The window holds the positions s with `|s - p| <= D`. Luong, Pham and
    Manning 2015, section 3.2. Positions are numbered from 0, and padding is
    not counted. A subclass computes the centre.

    Args:
        half_width: D, the greatest distance from the centre, in tokens; at
            least 1.

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
        """Return the state for the first step, a dictionary of tensors (B, Q).

        The state holds everything on which the centre depends, except the query
        and the length of the source. In the base class `Window`, the state is
        empty.

        Args:
            mask: (B, S), True at real tokens of the source.
            num_queries: number Q of queries for each sentence.
        """
        return {}

    def next_state(self, state: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return the state for the next step, given the state of this step."""
        return state

    def distance(
        self, query: tf.Tensor, mask: tf.Tensor, state: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        """Return `s - p`, each position minus the centre: (B, Q, S) float32.

        Args:
            query: (B, Q, H), the queries.
            mask: (B, S), True at real tokens of the source.
            state: what `initial_state` or `next_state` returned.
        """
        real = ops.cast(mask, "float32")
        positions = ops.cumsum(real, -1) - 1  # (B, S)
        lengths = ops.sum(real, -1)[:, None]  # (B, 1)
        centre = self.centre(query, lengths, state)  # (B, Q)
        return positions[:, None, :] - centre[:, :, None]

    def centre(
        self, query: tf.Tensor, lengths: tf.Tensor, state: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        """Return the centre p of the window for each query: (B, Q) float32.

        Args:
            query: (B, Q, H), the queries.
            lengths: (B, 1), number of real tokens of each source.
            state: what `initial_state` or `next_state` returned.
        """
        raise TypeError(
            f"{type(self).__name__} has no centre: use one of "
            f"{', '.join(sorted(WINDOWS))}, or override centre"
        )

    def holds(self, distance: tf.Tensor) -> tf.Tensor:
        """Return True for the positions in the window, False for the others.

        Args:
            distance: (B, Q, S), what the method `distance` returned.
        """
        return ops.abs(distance) <= self.half_width

    def emphasis(self, distance: tf.Tensor) -> tf.Tensor | float:
        """Return the factor by which attention weights are multiplied.

        In the base class `Window`, the factor is 1.

        Args:
            distance: (B, Q, S), what the method `distance` returned.
        """
        return 1.0

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "half_width": self.half_width}


@keras.saving.register_keras_serializable("glimpse")
class LocalMonotonic(Window):
    """Window "local-m", whose centre moves by one token per step: `p_t = t`.

    Luong et al. 2015, section 3.2. Once the centre has reached the last source
    token, it stays there. In the paper, the centre may move past the end
    of the source.

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
    """Window "local-p", whose centre is predicted from the query.

    The centre is `p = S sigmoid(v . tanh(W query))`, where S is the number of
    real tokens of the source. After the softmax, the attention weights are
    multiplied by the Gaussian `exp(-(s - p)^2 / (2 sigma^2))` with
    `sigma = D / 2`. The parameters v and W have a gradient, and can be learnt,
    only because of this Gaussian. The Gaussian is at most 1, so the attention
    weights of a query may sum to less than 1. Luong et al. 2015, equations 9
    and 10.

    At the start of training, a model that does not know where to look does best
    with little of the context, and it can have that by moving all centres to an
    end of the source, where they stay. So v starts at 0: the first centres are
    in the middle, whatever the query. `models.Adam` multiplies the learning
    rate of W by 1 / sqrt(H), where H is the dimension of queries.

    Args:
        half_width: see `Window`.
    """

    def __init__(self, half_width: float = 10, **kwargs: Any) -> None:
        super().__init__(half_width, **kwargs)
        self.centre_projection = layers.Dense(
            1,
            use_bias=False,
            kernel_initializer="zeros",
            dtype=self.dtype_policy,
        )

    def build(self, query_shape: Shape) -> None:
        units = query_shape[-1]
        self.query_projection = layers.Dense(
            units, "tanh", use_bias=False, dtype=self.dtype_policy
        )
        build_once(self.query_projection, query_shape)
        build_once(self.centre_projection, query_shape)
        learn_slower(self.query_projection.kernel, units**-0.5)

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
    """Return the window class called `name`.

    Raises:
        ValueError: there is no such name; the message lists the names.
    """
    return choose(name, WINDOWS, "window")
