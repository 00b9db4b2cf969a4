"""The recurrent cells against their papers, and their gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import cells
from models.cells import (
    CELLS,
    Cell,
    GRUCell,
    LayerNormLSTMCell,
    LayerNormRNNCell,
    LSTMCell,
    SimpleRNNCell,
)
from tests.models import matrices, reference
from tests.models.tiny import normal, randomise

B, Q, E, H = 2, 3, 5, 7


def built(name: str, units: int = H, inputs: int = E) -> Cell:
    cell = cells.get(name)(units)
    cell.build((None, inputs))
    return randomise(cell)


def start(cell: Cell, *shape: int) -> tuple[np.ndarray, ...]:
    """A state that is not zero."""
    leaves = range(cell.leaves)
    return tuple(normal(*shape, cell.units, seed=9 + leaf) for leaf in leaves)


@pytest.mark.parametrize("name", CELLS)
def test_a_step_is_that_of_the_paper(name: str) -> None:
    cell = built(name)
    inputs, state = normal(B, E), start(cell, B)

    output, new_state = cell(inputs, state)

    step = matrices.cell(matrices.Values(cell), cell)
    for row in range(B):
        expected = step(inputs[row], tuple(leaf[row] for leaf in state))
        np.testing.assert_allclose(output[row], expected[0], atol=1e-5)
        for leaf, wanted in zip(new_state, expected, strict=True):
            np.testing.assert_allclose(leaf[row], wanted, atol=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    cell = built(name, units=3, inputs=2)
    inputs, state = normal(2), start(cell)
    wanted = normal(cell.leaves, 3, seed=5)

    with tf.GradientTape() as tape:
        watched = [tf.constant(x[None]) for x in (inputs, *state)]
        tape.watch(watched)
        _, new_state = cell(watched[0], tuple(watched[1:]))
        loss = sum(
            tf.reduce_sum(leaf * w)
            for leaf, w in zip(new_state, wanted, strict=True)
        )
    variables = cell.trainable_weights
    slopes = tape.gradient(loss, [*watched, *variables])

    values = matrices.Values(cell)
    given = [x.astype(np.float64) for x in (inputs, *state)]

    def expected_loss() -> float:
        step = matrices.cell(values, cell)
        return float(
            np.sum(wanted * np.array(step(given[0], tuple(given[1:]))))
        )

    nudged = [*given, *(values(variable) for variable in variables)]
    for slope, array in zip(slopes, nudged, strict=True):
        expected = reference.gradient(expected_loss, array)
        np.testing.assert_allclose(
            np.reshape(slope, array.shape), expected, atol=1e-5
        )


@pytest.mark.parametrize("name", CELLS)
def test_keep_drops_the_hidden_state_in_the_product_alone(name: str) -> None:
    """A GRU still mixes its whole state in, an LSTM its whole carry."""
    cell = built(name)
    inputs, state = normal(B, E), start(cell, B)
    keep = np.array([[0, 2, 2, 0, 2, 0, 0], [2, 0, 2, 2, 0, 0, 2]], np.float32)

    output, new_state = cell(inputs, state, keep)

    values = matrices.Values(cell)
    for row in range(B):
        step = matrices.cell(values, cell, keep=keep[row])
        expected = step(inputs[row], tuple(leaf[row] for leaf in state))
        np.testing.assert_allclose(output[row], expected[0], atol=1e-5)
        for leaf, wanted in zip(new_state, expected, strict=True):
            np.testing.assert_allclose(leaf[row], wanted, atol=1e-5)
    assert not np.allclose(output, cell(inputs, state)[0])


@pytest.mark.parametrize("name", CELLS)
def test_a_sequence_may_be_projected_before_the_loop(name: str) -> None:
    cell = built(name)
    inputs, state = normal(B, Q, E), start(cell, B)

    projected = cell.project(inputs)

    assert projected.shape == (B, Q, cell.gates * H)
    for position in range(Q):
        at_once, _ = cell.step(projected[:, position], state)
        alone, _ = cell(inputs[:, position], state)
        np.testing.assert_allclose(at_once, alone, atol=1e-6)


@pytest.mark.parametrize("name", CELLS)
def test_queries_of_a_sentence_do_not_mix(name: str) -> None:
    cell = built(name)
    inputs, state = normal(B, Q, E), start(cell, B, Q)

    together, _ = cell(inputs, state)

    for q in range(Q):
        alone, _ = cell(inputs[:, q], tuple(leaf[:, q] for leaf in state))
        np.testing.assert_allclose(together[:, q], alone, atol=1e-6)


def test_simple_rnn_by_hand() -> None:
    cell = SimpleRNNCell(1)
    cell.build((None, 1))
    cell.set_weights([np.array([[2.0]]), np.array([1.0]), np.array([[-3.0]])])

    output, _ = cell(np.array([[5.0]]), (np.array([[4.0]]),))

    assert output.numpy().item() == pytest.approx(np.tanh(2 * 5 + 1 - 3 * 4))


def test_gru_keeps_its_state_where_the_update_gate_is_open() -> None:
    """`h' = z h + (1 - z) g`, so that z near 1 keeps and near 0 replaces."""
    cell = GRUCell(2)
    cell.build((None, 1))
    open_, closed, candidate = 50.0, -50.0, 0.5
    bias = [open_, closed, 0, 0, candidate, candidate]
    zeros = [np.zeros(weight.shape) for weight in cell.weights]
    zeros[1] = np.array(bias)
    cell.set_weights(zeros)

    output, _ = cell(np.zeros([1, 1]), (np.array([[0.25, 0.25]]),))

    expected = [[0.25, np.tanh(0.5)]]
    np.testing.assert_allclose(output, expected, atol=1e-6)


def test_gru_resets_after_the_product() -> None:
    """r multiplies `U h + c`: with r near 0 neither U nor c shows."""
    cell = GRUCell(1)
    cell.build((None, 1))
    never = -50.0
    cell.set_weights(
        [
            np.zeros([1, 3]),
            np.array([never, never, 0.5]),  # z = r = 0
            np.array([[0.0, 0.0, 7.0]]),
            np.array([0.0, 0.0, 11.0]),
        ]
    )

    output, _ = cell(np.zeros([1, 1]), (np.ones([1, 1]),))

    assert output.numpy().item() == pytest.approx(np.tanh(0.5))


def test_lstm_remembers_from_the_start() -> None:
    """The forget gate's bias is 1 before training, the others' 0."""
    cell = LSTMCell(3)
    cell.build((None, 2))

    bias = cell.input_projection.bias.numpy()

    assert bias.tolist() == [0] * 3 + [1] * 3 + [0] * 6


def test_a_normalised_lstm_remembers_from_the_start() -> None:
    """The norm's bias stands for the projection's, and there is one of it."""
    cell = LayerNormLSTMCell(3)
    cell.build((None, 2))

    (norm,) = cell.input_norms

    assert norm.beta.numpy().tolist() == [0] * 3 + [1] * 3 + [0] * 6
    assert cell.input_projection.bias is None
    assert cell.recurrent_projection.bias is None


def test_a_normalised_rnn_by_hand() -> None:
    """LN(1, 3) is (-1, 1) and LN(h, h) is nothing, gains and biases apart."""
    cell = LayerNormRNNCell(2)
    cell.build((None, 1))
    for norm in (*cell.input_norms, *cell.state_norms):
        norm.epsilon = 1e-12
    cell.input_projection.kernel.assign([[1.0, 3.0]])
    cell.recurrent_projection.kernel.assign(np.ones([2, 2]))
    cell.input_norms[0].gamma.assign([0.5, 0.25])
    cell.state_norms[0].beta.assign([0.125, 0.0])

    output, _ = cell(np.ones([1, 1]), (np.array([[0.5, 0.25]]),))

    expected = np.tanh([[-0.5 + 0.125, 0.25]])
    np.testing.assert_allclose(output, expected, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in CELLS if "norm" in name])
def test_what_is_normalised_is_the_whole_input(name: str) -> None:
    """A decoder adds the context's part: no scale of the sum shows."""
    cell = built(name)
    state = start(cell, B)
    words, context = cell.project(normal(B, E)), normal(B, cell.gates * H)

    once, _ = cell.step(words + context, state)
    scaled, _ = cell.step(100 * words + 100 * context, state)
    without, _ = cell.step(words, state)

    np.testing.assert_allclose(once, scaled, atol=2e-3)  # epsilon shows
    assert not np.allclose(once, without, atol=2e-2)


@pytest.mark.parametrize(("name", "leaves"), [("gru", 1), ("lstm", 2)])
def test_zero_state_has_the_shape_of_its_inputs(name: str, leaves: int) -> None:
    state = cells.get(name)(H).zero_state(tf.ones([B, Q, E]))

    assert [leaf.shape.as_list() for leaf in state] == [[B, Q, H]] * leaves
    assert not np.any(state)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(
    "policy", ["float32", "mixed_bfloat16", "mixed_float16"]
)
def test_states_keep_the_compute_dtype(name: str, policy: str) -> None:
    cell = cells.get(name)(H, dtype=policy)
    cell.build((None, E))

    projected = cell.project(normal(B, E))
    keep = tf.ones([B, H], cell.compute_dtype)
    _, state = cell.step(projected, cell.zero_state(projected), keep)

    assert {leaf.dtype.name for leaf in state} == {cell.compute_dtype}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_survives_its_config(name: str) -> None:
    cell = built(name)

    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(cell)
    )
    again.build((None, E))
    again.set_weights(cell.get_weights())

    inputs, state = normal(B, E), start(cell, B)
    np.testing.assert_array_equal(
        cell(inputs, state)[0], again(inputs, state)[0]
    )


def test_an_unknown_cell_is_refused_by_name() -> None:
    message = (
        "Unknown cell 'grü': expected one of gru, layer-norm-gru, "
        "layer-norm-lstm, layer-norm-rnn, lstm, rnn; did you mean 'gru'"
    )
    with pytest.raises(ValueError, match=message):
        cells.get("grü")


def test_a_cell_without_a_step_says_so() -> None:
    message = "subclass Cell and override step, or use one"
    with pytest.raises(TypeError, match=message):
        Cell(H).step(tf.ones([B, H]), (tf.ones([B, H]),))
