"""The one loop: order, masks, structure and gradients."""

from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from models.recurrence import scan
from tests.models import reference
from tests.models.tiny import normal


def double_and_add(x: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any]:
    """A recurrence in which order and every input show: s' = 2 s + x."""
    total = 2 * state + x
    return total, total


def column(*values: float) -> tf.Tensor:
    return tf.constant(values, tf.float32)[None, :, None]  # (1, T, 1)


def test_scan_carries_state_from_first_to_last() -> None:
    outputs, state = scan(double_and_add, column(1, 10, 100), tf.zeros([1, 1]))

    assert outputs.numpy().ravel().tolist() == [1, 12, 124]
    assert state.numpy().ravel().tolist() == [124]


def test_reverse_walks_backwards_and_keeps_the_order_of_the_inputs() -> None:
    outputs, state = scan(
        double_and_add, column(1, 10, 100), tf.zeros([1, 1]), reverse=True
    )

    assert outputs.numpy().ravel().tolist() == [421, 210, 100]
    assert state.numpy().ravel().tolist() == [421]


@pytest.mark.parametrize("reverse", [False, True])
def test_masked_positions_pass_the_state_and_give_zeros(reverse: bool) -> None:
    inputs = tf.constant([[7.0, 1, 10, 7], [1, 10, 7, 7], [7, 7, 1, 10]])
    mask = tf.constant([[0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 1, 1]]) > 0

    outputs, state = scan(
        double_and_add,
        inputs[:, :, None],
        tf.zeros([3, 1]),
        mask=mask,
        reverse=reverse,
    )

    first, second = (21, 10) if reverse else (1, 12)
    expected = [
        [0, first, second, 0],
        [first, second, 0, 0],
        [0, 0, first, second],
    ]
    assert outputs[:, :, 0].numpy().tolist() == expected
    assert state.numpy().ravel().tolist() == [21 if reverse else 12] * 3


def test_a_wholly_masked_row_keeps_its_first_state() -> None:
    start = tf.constant([[3.0], [5.0]])
    mask = tf.constant([[False, False], [True, True]])

    outputs, state = scan(double_and_add, tf.ones([2, 2, 1]), start, mask=mask)

    assert outputs[0].numpy().ravel().tolist() == [0, 0]
    assert state.numpy().ravel().tolist() == [3, 23]


class Pair(NamedTuple):
    total: tf.Tensor
    count: Any
    absent: Any = ()


def test_inputs_states_and_outputs_may_be_nests() -> None:
    def step(inputs: Any, state: Pair) -> tuple[dict[str, Any], Pair]:
        word, weight = inputs["word"], inputs["weight"]
        state = Pair(state.total + word, (state.count[0] + 1,))
        return {"scaled": word * weight, "none": ()}, state

    words, weights = tf.constant(normal(2, 3, 5)), tf.constant(normal(2, 3, 1))
    start = Pair(tf.zeros([2, 5]), (tf.zeros([2], tf.int32),))
    outputs, state = scan(step, {"word": words, "weight": weights}, start)

    assert outputs["none"] == ()
    np.testing.assert_allclose(outputs["scaled"], words * weights, rtol=1e-6)
    np.testing.assert_allclose(state.total, tf.reduce_sum(words, 1), rtol=1e-5)
    assert state.count[0].numpy().tolist() == [3, 3]
    assert state.absent == ()


@pytest.mark.parametrize("reverse", [False, True])
def test_gradients_are_those_of_finite_differences(reverse: bool) -> None:
    inputs, matrix = normal(2, 3, 5, seed=1), normal(5, 5, seed=2)
    start, wanted = normal(2, 5, seed=3), normal(2, 3, 5, seed=4)
    mask = np.array([[True, True, False], [False, True, True]])
    given = [x.astype(np.float64) for x in (inputs, matrix, start)]

    def loss(inputs: Any, matrix: Any, start: Any) -> tf.Tensor:
        def step(x: tf.Tensor, state: Any) -> tuple[tf.Tensor, Any]:
            output = tf.tanh(x + state @ matrix)
            return output, output

        outputs, state = scan(
            step, inputs, start, mask=tf.constant(mask), reverse=reverse
        )
        return tf.reduce_sum(outputs * wanted) + tf.reduce_sum(state**2)

    with tf.GradientTape() as tape:
        tensors = [tf.constant(x) for x in given]
        tape.watch(tensors)
        gradients = tape.gradient(loss(*tensors), tensors)

    for array, gradient in zip(given, gradients, strict=True):
        expected = reference.gradient(
            lambda: float(loss(*map(tf.constant, given))), array
        )
        np.testing.assert_allclose(gradient, expected, atol=1e-8)


@pytest.mark.parametrize("compiled", [False, True])
def test_in_a_graph_of_any_length_and_compiled(compiled: bool) -> None:
    """Lengths unknown without XLA, known with it; gradients in both."""
    shape = [2, 3, 1] if compiled else [None, None, 1]

    @tf.function(input_signature=[tf.TensorSpec(shape)], jit_compile=compiled)
    def run(inputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            mask = inputs[:, :, 0] > 0
            start = tf.zeros_like(inputs[:, 0])
            _, state = scan(double_and_add, inputs, start, mask=mask)
        return state, tape.gradient(state, inputs)

    inputs = tf.constant([[1.0, 10, 100], [1, 10, -1]])[:, :, None]
    state, slopes = run(inputs)

    assert state.numpy().ravel().tolist() == [124, 12]
    assert slopes[:, :, 0].numpy().tolist() == [[4, 2, 1], [2, 1, 0]]
