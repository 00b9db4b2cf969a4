"""Options of the parts of a model: reached from YAML, refused without a use."""

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import pytest

from app.config import Config, load_config, save_config, without_unused
from data import GlimpseError
from models.architecture import OWN_KEYS, build_model
from models.attention import ATTENTIONS, Attention
from models.attention.windows import WINDOWS

SIZES = (
    "model.embedding_units=5",
    "model.encoder_units=3",
    "model.decoder_units=6",
)
REACHED = [
    (name, option)
    for name, variant in ATTENTIONS.items()
    for option in variant.options
]


def attention_of(config: Config) -> Attention:
    model = build_model(config.model, 23, 29)
    found = model.decoder.attention  # type: ignore[attr-defined]
    assert isinstance(found, Attention)
    return found


def another(name: str, option: str) -> Any:
    """Return a value that the option does not have by default."""
    kind = ATTENTIONS[name].options[option]
    owner = next(
        each
        for each in ATTENTIONS[name].layer.__mro__
        if option in inspect.signature(each.__init__).parameters
    )
    default = inspect.signature(owner.__init__).parameters[option].default
    assert isinstance(default, kind)
    if kind is bool:
        return not default
    return default + 4 if kind is int else default / 2 + 0.25


def test_attentions_have_options() -> None:
    assert ("location", "kernel_size") in REACHED
    assert ("multi-head", "num_heads") in REACHED
    assert {"num_heads"} == {*OWN_KEYS["attention"]} - {"units"}


@pytest.mark.parametrize(("name", "option"), REACHED)
def test_every_option_of_every_attention_is_reached(
    name: str, option: str, tmp_path: Path
) -> None:
    """By `--set`, by a preset, and by the file that is written of it."""
    value = another(name, option)
    sets = [*SIZES, f"model.attention={name}"]
    config = load_config(
        "phrasebook", [*sets, f"model.attention.{option}={value}"]
    )
    assert attention_of(config).get_config()[option] == value
    assert attention_of(load_config("phrasebook", sets)).get_config()[
        option
    ] != pytest.approx(value)

    preset = tmp_path / "preset.yaml"
    preset.write_text(
        f"model:\n  attention: {{name: {name}, {option}: {value}}}\n"
    )
    assert load_config(preset, SIZES).model == dataclasses.replace(config).model
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config


@pytest.mark.parametrize(
    "name", [name for name, each in ATTENTIONS.items() if each.has_units]
)
def test_units_of_attention_are_one_option_by_two_names(name: str) -> None:
    sets = [*SIZES, f"model.attention={name}"]
    one, other = (
        load_config("phrasebook", [*sets, f"model.{key}=8"])
        for key in ("attention_units", "attention.units")
    )
    assert one == other
    assert attention_of(one).get_config()["units"] == 8


@pytest.mark.parametrize("name", WINDOWS)
def test_the_half_width_of_a_window_is_reached(name: str) -> None:
    sets = [*SIZES, f"model.window={name}"]
    one, other = (
        load_config("phrasebook", [*sets, f"model.{key}=3"])
        for key in ("window_half_width", "window.half_width")
    )
    assert one == other
    window = attention_of(one).window
    assert window is not None
    assert window.get_config()["half_width"] == 3


def test_an_option_that_is_set_goes_before_that_of_a_preset(
    tmp_path: Path,
) -> None:
    preset = tmp_path / "preset.yaml"
    preset.write_text("model:\n  attention: {name: multi-head, num_heads: 2}\n")
    for override in ("model.num_heads=8", "model.attention.num_heads=8"):
        assert load_config(preset, [override]).model.num_heads == 8
    assert load_config(preset).model.num_heads == 2


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["attention.kernel_size=31"],
            "kernel_size is no option of bahdanau, which has normalized",
        ),
        (
            ["attention=location", "attention.kernel_sise=31"],
            "did you mean 'kernel_size'",
        ),
        (
            ["attention=location", "attention.kernel_size=many"],
            "kernel_size is 'many'",
        ),
        (
            ["num_heads=8"],
            "model.num_heads=8 has no effect with "
            "model.attention=bahdanau: leave model.num_heads out",
        ),
        (
            ["attention.num_heads=8"],
            "model.num_heads=8 has no effect with "
            "model.attention=bahdanau: leave model.num_heads out",
        ),
        (
            ["attention={name: luong-general, units: 8}"],
            "model.attention_units=8 has no effect with model.attention=luong",
        ),
        (["window.half_width=3"], "model.window_half_width=3.0 has no effect"),
        (
            ["attention=luong-dot", "decoder_units=256", "attention_units=64"],
            "model.attention_units=64 has no effect with "
            "model.attention=luong-dot: leave model.attention_units out",
        ),
        (
            ["residual=true"],
            "model.residual=True has no effect with one layer on either side: "
            "leave model.residual out",
        ),
        (
            ["window_half_width=3"],
            "model.window_half_width=3.0 has no effect with model.window=none: "
            "leave model.window_half_width out",
        ),
        (
            ["decoder=plain", "attention=luong-general"],
            "model.attention=luong-general has no effect with "
            "model.decoder=plain: leave model.attention out",
        ),
    ],
)
def test_an_option_without_a_use_is_refused(
    overrides: list[str], message: str
) -> None:
    with pytest.raises(GlimpseError) as caught:
        load_config("phrasebook", [f"model.{each}" for each in overrides])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "num_heads: 8",
            "model.num_heads=8 has no effect with model.attention=",
        ),
        (
            "attention: {name: bahdanau, num_heads: 8}",
            "model.num_heads=8 has no effect with model.attention=bahdanau",
        ),
        ("residual: true", "model.residual=True has no effect with one layer"),
        (
            "window_half_width: 3",
            "model.window_half_width=3.0 has no effect with model.window",
        ),
    ],
)
def test_a_preset_asks_for_no_option_without_a_use(
    line: str, message: str, tmp_path: Path
) -> None:
    preset = tmp_path / "preset.yaml"
    preset.write_text(f"model:\n  {line}\n")
    with pytest.raises(GlimpseError) as caught:
        load_config(preset)
    assert message in str(caught.value)


def test_an_option_is_given_once(tmp_path: Path) -> None:
    preset = tmp_path / "preset.yaml"
    attention = "attention: {name: multi-head, num_heads: 2}"
    preset.write_text(f"model:\n  {attention}\n  num_heads: 8\n")
    with pytest.raises(GlimpseError, match="num_heads is 8: they are one opt"):
        load_config(preset)


def test_what_a_preset_asks_for_gives_way_to_an_override(
    tmp_path: Path,
) -> None:
    preset = tmp_path / "preset.yaml"
    preset.write_text("model: {window: local-m, window_half_width: 3}\n")
    assert load_config(preset).model.window_half_width == 3
    config = load_config(preset, ["model.window=none"])
    assert config.model == Config().model


def test_a_complete_configuration_of_before_is_a_preset(
    tmp_path: Path,
) -> None:
    """It states every option, those without a use too."""
    config = load_config("phrasebook")
    unused: dict[str, Any] = {
        "num_heads": 8,
        "window_half_width": 3.0,
        "residual": True,
    }
    model = dataclasses.replace(config.model, **unused)
    before = dataclasses.replace(config, model=model)
    assert {*unused} <= {*before.model.unused()}
    path = tmp_path / "config.yaml"
    save_config(before, path)

    assert load_config(path) == without_unused(before) == config
    assert load_config(path, of_run=True) == before
    used = [
        "model.attention=multi-head",
        "model.window=local-p",
        "model.encoder_layers=2",
    ]
    found = load_config(path, used).model
    assert {name: getattr(found, name) for name in unused} == unused
    with pytest.raises(GlimpseError, match=r"model\.num_heads=2 has no effect"):
        load_config(path, ["model.num_heads=2"])  # it is asked for now


def test_a_side_is_a_language_or_a_text_of_one(tmp_path: Path) -> None:
    preset = tmp_path / "preset.yaml"
    preset.write_text("corpus: {target: {kind: text, language: de}}\n")
    assert load_config(preset).corpus.target == "de"
    given = ["corpus.target={kind: text, language: de}"]
    assert load_config("phrasebook", given).corpus.target == "de"
    with pytest.raises(GlimpseError, match="a side of the corpus is"):
        load_config("phrasebook", ["corpus.target={kind: speech}"])
