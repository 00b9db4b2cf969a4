"""The products of a step, counted by hand."""

import pytest

from app.config import changed, load_config
from app.experiments.benchmark.products import (
    Product,
    seconds_alone,
    training_products,
)

B, S, T, V = 2, 3, 5, 7
E, H, M, A = 11, 13, 26, 17
SIZES = (
    f"model.embedding_units={E}",
    f"model.encoder_units={H}",
    f"model.decoder_units={H}",
    f"model.attention_units={A}",
)


def flops(*overrides: str) -> int:
    model = changed(load_config("phrasebook", SIZES), overrides).model
    return sum(each.flops for each in training_products(model, B, S, T, V))


def multiplied(*sizes: int) -> int:
    """Of one product and the two of its gradients: two operations each."""
    total = 6
    for size in sizes:
        total *= size
    return total


ENCODER = 2 * (multiplied(B * S, E, 3 * H) + multiplied(B * S, H, 3 * H))
SHARED = (
    multiplied(B, M, H)  # the bridge
    + multiplied(B * T, E, 3 * H)  # the words
    + multiplied(B * T, H, 3 * H)  # the state
    + multiplied(B * T, S, M)  # the contexts
    + multiplied(B * T, E, V)  # the softmax layer
)


def test_bahdanau() -> None:
    assert flops() == (
        ENCODER
        + SHARED
        + multiplied(B * S, M, A)  # the keys
        + multiplied(B * T, H, A)  # the query
        + multiplied(B * T, S, A)  # the scores
        + multiplied(B * T, M, 3 * H)  # the context, for the cell
        + multiplied(B * T, H + M + E, E)  # the readout
    )


@pytest.mark.parametrize("feeding", [False, True])
def test_luong(feeding: bool) -> None:
    fed = multiplied(B * T, E, 3 * H) if feeding else 0
    assert fed + (
        ENCODER
        + SHARED
        + multiplied(B * S, M, H)
        + multiplied(B * T, H, S)
        + multiplied(B * T, H + M, E)
    ) == flops(
        "model.decoder=luong",
        "model.attention=luong-general",
        f"model.input_feeding={feeding}",
    )


def test_other_parts_count() -> None:
    plain = flops("model.decoder=plain")
    assert flops("model.encoder_layers=2") > flops() > plain
    assert flops("model.decoder_layers=2") > flops()
    assert flops("model.cell=lstm") > flops() > flops("model.cell=rnn")
    assert flops("model.decoder=conditional") > flops()
    assert flops("model.readout=maxout") > flops()
    assert flops("model.direction=forward") < flops()


def test_gradients_of_weights_are_one_product_over_all_steps() -> None:
    product = Product(2, 3, 5, repeats=7)
    forward, to_input, to_weights = product.with_gradients()
    assert (forward, to_input) == (product, Product(2, 5, 3, repeats=7))
    assert to_weights == Product(3, 14, 5)
    assert product.flops == to_input.flops == to_weights.flops == 420
    together = Product(2, 3, 5, batch=11)
    assert [each.flops for each in together.with_gradients()] == [660] * 3


def test_they_take_time() -> None:
    small = [Product(2, 3, 5, repeats=4), Product(2, 3, 5, batch=2)]
    large = [*small, Product(400, 400, 400, repeats=9)]
    assert 0 < seconds_alone(small) < seconds_alone(large)
