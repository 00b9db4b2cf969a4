"""Networks out of options: what is built, moved, refused, and without a use."""

from typing import Any

import pytest
from pydantic import ValidationError

from data import GlimpseError
from models import (
    LocalPredictive,
    LocationSensitiveAttention,
    MultiHeadAttention,
    Seq2Seq,
    StartingExample,
)
from models.architecture import ModelOptions, build_model
from models.attention import ATTENTIONS

UNITS: dict[str, int] = {
    "embedding_units": 4,
    "encoder_units": 3,
    "decoder_units": 6,
    "attention_units": 8,
}


def build(**options: Any) -> Any:
    return build_model(ModelOptions(**UNITS | options), 11, 13)


def test_sizes_and_parts_are_those_of_the_options() -> None:
    model = build(decoder="conditional", embedding_dropout=0.3)

    assert isinstance(model, Seq2Seq)
    assert (model.source.vocabulary_size, model.source.units) == (11, 4)
    assert (model.target.vocabulary_size, model.target.units) == (13, 4)
    assert model.target.tied
    assert model.source.dropout is model.target.dropout
    assert model.target.dropout.rates == {"units": 0.3, "words": 0.0}
    assert model.encoder.output_units == ModelOptions(**UNITS).memory_units == 6
    assert model.decoder.readout_units == 4
    assert isinstance(build(kind="starting-example"), StartingExample)


# --- attention, with options of its own


def test_attention_has_the_options_it_is_named_with() -> None:
    named = {"name": "location", "kernel_size": 31, "filters": 7}

    layer = build(attention=named).decoder.attention

    assert isinstance(layer, LocationSensitiveAttention)
    assert (layer.kernel_size, layer.filters) == (31, 7)
    plain = build(attention="location").decoder.attention
    assert (plain.kernel_size, plain.filters) == (5, 10)


def test_attention_is_told_by_name_and_options() -> None:
    options = ModelOptions(attention={"name": "location", "kernel_size": "31"})

    assert options.attention == {"name": "location", "kernel_size": 31}
    assert options.attention_name == "location"
    assert options.attention_options == {"kernel_size": 31}
    plain = ModelOptions(attention={"name": "location"})
    assert plain.attention == plain.attention_name == "location"
    assert plain.attention_options == {}


def test_options_with_a_key_of_their_own_are_moved_there() -> None:
    named = {"name": "multi-head", "num_heads": 2, "units": 10}
    window = {"name": "local-p", "half_width": 3}
    options = {"attention": named, "window": window}
    given = {k: v for k, v in UNITS.items() if k != "attention_units"}

    moved = ModelOptions(**given, **options)

    assert (moved.attention, moved.num_heads) == ("multi-head", 2)
    assert moved.attention_units == 10
    assert (moved.window, moved.window_half_width) == ("local-p", 3.0)
    layer = build_model(moved, 11, 13).decoder.attention
    assert isinstance(layer, MultiHeadAttention)
    assert (layer.num_heads, layer.units) == (2, 10)
    assert isinstance(layer.window, LocalPredictive)
    assert layer.window.half_width == 3


def test_an_option_given_twice_is_refused_unless_it_is_the_same() -> None:
    named = {"name": "multi-head", "num_heads": 2}

    assert ModelOptions(attention=named, num_heads=2).num_heads == 2
    with pytest.raises(ValidationError, match="one option, so give it once"):
        ModelOptions(attention=named, num_heads=4)


@pytest.mark.parametrize(
    ("attention", "message"),
    [
        (
            {"name": "location", "kernal_size": 31},
            "kernal_size is no option of location, which has filters, "
            "kernel_size, normalized; did you mean 'kernel_size'?",
        ),
        ({"kernel_size": 31}, "kernel_size is no option of bahdanau"),
        (
            {"name": "scaled-dot-product", "scaled": True},
            "scaled is no option of scaled-dot-product, which has none",
        ),
        ({"name": "luong-scaled", "scaled": True}, "scaled is no option of"),
        (
            {"name": "location", "kernel_size": "wide"},
            "kernel_size is 'wide', which is no int",
        ),
        ("locaton", "Unknown name 'locaton': .* did you mean 'location'"),
        (
            {"name": "locaton", "kernel_size": 3},
            "Unknown name 'locaton': .* did you mean 'location'",
        ),
        (3, "it is 3, but a name such as 'bahdanau' is accepted, or a map"),
        (None, "it is None, but a name such as"),
        (["location"], r"it is \['location'\], but a name such as"),
        ({"name": 3, "noise": 1}, "it is 3, but a name such as"),
    ],
)
def test_what_no_attention_has_is_refused(attention: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ModelOptions(attention=attention)


def test_options_may_be_given_by_place() -> None:
    options = ModelOptions("seq2seq", "lstm", 7, attention="location")

    assert (options.kind, options.cell) == ("seq2seq", "lstm")
    assert (options.embedding_units, options.attention) == (7, "location")


@pytest.mark.parametrize("name", ATTENTIONS)
def test_options_of_attention_are_arguments_that_its_layer_keeps(
    name: str,
) -> None:
    variant = ATTENTIONS[name]
    kept = variant(8, **dict.fromkeys(variant.options, 1)).get_config()

    for option in variant.options:
        assert kept[option] == 1
    assert not {"units", "window", "dtype", "name"} & variant.options.keys()
    assert ("units" in kept) is variant.has_units
    for option, value in variant.fixed.items():
        assert kept[option] == value
        assert option not in variant.options


def test_what_a_layer_refuses_is_told_of_the_model() -> None:
    with pytest.raises(
        GlimpseError, match=r"The model cannot be built: .*heads"
    ):
        build(attention="multi-head", num_heads=3)
    with pytest.raises(GlimpseError, match=r"cannot be built: .*\(11, 4\)"):
        build(shared_embeddings=True)


# --- what has no use


ALONE = {"residual": "one layer on either side"}
NO_WINDOW = {"window_half_width": "model.window=none"}


@pytest.mark.parametrize(
    ("options", "unused"),
    [
        ({}, {"num_heads": "model.attention=bahdanau", **NO_WINDOW, **ALONE}),
        (
            {"attention": "multi-head", "decoder_layers": 2},
            NO_WINDOW,
        ),
        (
            {"attention": {"name": "luong-scaled"}, "window": "local-m"},
            {
                "attention_units": "model.attention=luong-scaled",
                "num_heads": "model.attention=luong-scaled",
                **ALONE,
            },
        ),
        (
            {"attention": {"name": "location", "kernel_size": 3}},
            {"num_heads": "model.attention=location", **NO_WINDOW, **ALONE},
        ),
        (
            {"decoder": "plain", "encoder_layers": 2},
            {
                "attention": "model.decoder=plain",
                "attention_units": "model.decoder=plain",
                "num_heads": "model.decoder=plain",
                **NO_WINDOW,
            },
        ),
    ],
)
def test_options_without_a_use_are_named_with_the_reason(
    options: dict[str, Any], unused: dict[str, str]
) -> None:
    assert ModelOptions(**options).unused() == unused


def test_the_starting_example_has_no_use_for_any_option() -> None:
    options = ModelOptions(kind="starting-example")

    every = ModelOptions.__dataclass_fields__.keys() - {"kind"}
    assert options.unused() == dict.fromkeys(
        every, "model.kind=starting-example"
    )
    assert options.attends


@pytest.mark.parametrize("name", ATTENTIONS)
def test_what_has_no_use_changes_no_network(name: str) -> None:
    """As many weights, of the same shapes, whatever it is set to."""
    other: dict[str, Any] = {
        "attention_units": 16,
        "num_heads": 2,
        "window_half_width": 3.0,
        "residual": True,
    }

    def shapes(**more: Any) -> list[Any]:
        # Luong's dot takes values as wide as its queries.
        model = build(attention=name, decoder="luong", **more)
        model.build()
        return [weight.shape for weight in model.weights]

    plain = shapes()
    unused = ModelOptions(attention=name).unused()
    for option, value in other.items():
        is_unused = option in unused
        assert is_unused or option in ("attention_units", "num_heads")
        if is_unused:
            assert shapes(**{option: value}) == plain
        elif option == "attention_units":
            assert shapes(**{option: value}) != plain
