"""What a search chooses from: read, refused, and given to the configuration."""

import itertools
import re
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import pytest

from app import shipped
from app.config import (
    changed,
    differences,
    load_config,
    preset_names,
    yaml_text,
)
from app.tuning import results
from app.tuning.folder import Folder
from app.tuning.space import Space
from app.tuning.space_files import load_space, space_path
from data import GlimpseError

BASE = load_config("phrasebook")
SEARCHES = Path(__file__).parents[3] / "notebooks" / "searches"


def space_of(tmp_path: Path, **parameters: Any) -> Space:
    """A space; in its names `__` is a dot."""
    path = tmp_path / "space.yaml"
    named = {name.replace("__", "."): v for name, v in parameters.items()}
    path.write_text(yaml_text.dump(named), "utf-8")
    return load_space(path, BASE)


@pytest.mark.parametrize("name", shipped.names("spaces"))
@pytest.mark.parametrize(
    "preset", sorted({*preset_names()} - {"starting-example"})
)
def test_our_spaces_fit_our_presets(name: str, preset: str) -> None:
    base = load_config(preset)
    if name == "refine" and base.model.decoder == "luong":
        with pytest.raises(GlimpseError, match=r"model\.readout"):
            load_space(space_path(name), base)  # as it says of itself
        return

    space = load_space(space_path(name), base)

    hyperparameters = space.hyperparameters(base)
    assert len(hyperparameters.space) == len(space.parameters) > 5
    changed(base, space.overrides(space.chosen(hyperparameters.values)))


def test_the_default_is_the_preset_itself(tmp_path: Path) -> None:
    space = space_of(
        tmp_path,
        model__cell=["lstm", "gru"],
        training__learning_rate={"min": 1e-3, "max": 1e-2, "scale": "log"},
        training__clip_norm=[1.0, None, 5.0],
        model__decoder_units={"min": 64, "max": 256, "step": 64},
    )

    values = space.hyperparameters(BASE).values

    assert space.chosen(values) == {
        "model.cell": "gru",
        "training.learning_rate": 4e-3,
        "training.clip_norm": 5.0,
        "model.decoder_units": 128,
    }


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ([4, 2], (4, 2)),
        ({"min": 64, "max": 200, "step": 64}, (64, 128, 192)),
        ({"min": 1, "max": 4}, (1, 2, 3, 4)),
    ],
)
def test_a_parameter_that_counts_has_these_values(
    tmp_path: Path, written: Any, values: tuple[Any, ...]
) -> None:
    space = space_of(tmp_path, model__num_heads=written)
    assert space.parameters[0].values == values


def test_steps_are_as_they_are_written(tmp_path: Path) -> None:
    """Not 0.30000000000000004."""
    steps = {"min": 0.0, "max": 0.4, "step": 0.1}
    space = space_of(tmp_path, model__encoder_dropout=steps)

    assert space.parameters[0].values == (0.0, 0.1, 0.2, 0.3, 0.4)


def test_one_choice_may_be_given_to_several_keys(tmp_path: Path) -> None:
    both = {"values": [32, 64], "also": ["model.encoder_units"]}
    space = space_of(tmp_path, model__decoder_units=both)

    config = changed(BASE, space.overrides({"model.decoder_units": 32}))

    assert config.model.decoder_units == config.model.encoder_units == 32


def test_what_depends_on_a_value_is_chosen_with_it_alone(
    tmp_path: Path,
) -> None:
    """Written before what it depends on, too."""
    when = {"model.decoder": "luong"}
    space = space_of(
        tmp_path,
        model__input_feeding={"values": [False, True], "when": when},
        model__decoder=["bahdanau", "luong"],
    )

    hyperparameters = space.hyperparameters(BASE)
    active = {}
    for place in (0, 1):
        hyperparameters.values["model.decoder"] = place
        active[place] = [
            each.name
            for each in hyperparameters.space
            if hyperparameters.is_active(each)
        ]

    assert active[0] == ["model.decoder"]
    assert active[1] == ["model.decoder", "model.input_feeding"]


def test_a_parameter_may_depend_on_several_and_they_on_others(
    tmp_path: Path,
) -> None:
    space = space_of(
        tmp_path,
        model__cell=["gru", "lstm"],
        model__decoder=["bahdanau", "conditional"],
        model__readout={
            "values": ["tanh", "maxout"],
            "when": {"model.decoder": "conditional"},
        },
        model__readout_dropout={
            "values": [0.1, 0.2],
            "when": {"model.readout": "maxout", "model.cell": "lstm"},
        },
    )
    hyperparameters = space.hyperparameters(BASE)

    chosen = []
    for places in itertools.product((0, 1), repeat=4):
        names = [parameter.name for parameter in space.parameters]
        hyperparameters.values = dict(zip(names, places, strict=True))
        hyperparameters.ensure_active_values()
        chosen.append(space.chosen(hyperparameters.values))
        assert len(chosen[-1]) == len(hyperparameters.values)

    assert len({str(values) for values in chosen}) == 2 + 2 * 2 + 1


def test_numbers_from_other_machines_are_read_alike(tmp_path: Path) -> None:
    """They arrive in single precision, and have six digits."""
    rate = {"min": 1e-3, "max": 1e-2, "scale": "log"}
    space = space_of(tmp_path, training__learning_rate=rate)
    for value in np.random.default_rng(0).uniform(1e-3, 1e-2, 1000):
        here, there = (
            space.chosen({"training.learning_rate": float(each)})
            for each in (value, np.float32(value))
        )

        assert here == there
        assert here["training.learning_rate"] == pytest.approx(value, 1e-5)


def test_what_is_sent_though_it_is_inactive_is_not_chosen(
    tmp_path: Path,
) -> None:
    """Keras Tuner sends a worker the defaults of all that may be active."""
    space = space_of(
        tmp_path,
        model__decoder=["bahdanau", "luong"],
        model__readout={
            "values": ["tanh", "maxout"],
            "when": {"model.decoder": "bahdanau"},
        },
        model__readout_dropout={
            "values": [0.1, 0.2],
            "when": {"model.readout": "tanh"},
        },
    )
    sent = space.hyperparameters(BASE)
    sent.values["model.decoder"] = 1
    received = keras_tuner.HyperParameters.from_proto(sent.to_proto())

    assert "model.readout" in received.values
    assert space.chosen(received.values) == {"model.decoder": "luong"}


def test_what_is_left_out_takes_along_what_depends_on_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "space.yaml"
    space_of(
        tmp_path,
        model__decoder=["bahdanau", "luong"],
        model__input_feeding={
            "values": [False, True],
            "when": {"model.decoder": "luong"},
        },
        model__cell=["gru", "lstm"],
        model__readout_dropout={
            "values": [0.1],
            "also": ["training.label_smoothing"],
        },
    )

    space = load_space(path, BASE, ("model.decoder", "training.label"))

    assert [each.name for each in space.parameters] == ["model.cell"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"model__cel": ["gru"]},
            r"model\.cel of the search space: Unknown key 'model\.cel'.*"
            r"did you mean 'model\.cell'",
        ),
        (
            {"model__cell": ["gru", "grue"]},
            r"model\.cell of the search space cannot be grue: .*'gru'",
        ),
        ({"model__cell": []}, "its list is empty; a list of values"),
        ({"model__cell": "gru"}, "it is 'gru', but a list of values"),
        ({"model__num_heads": {"mim": 1}}, "unknown key 'mim'; did you mean"),
        ({"model__num_heads": {"min": 1}}, "neither values nor min and max"),
        (
            {"model__num_heads": {"min": 4, "max": 4}},
            "the range from 4 to 4 is empty; min must be less than max",
        ),
        (
            {"model__num_heads": {"values": [1], "min": 1, "max": 2}},
            "it has values and a range",
        ),
        (
            {"model__num_heads": {"min": 1, "max": 4, "step": 0.5}},
            "only whole numbers fit: min and step must be whole",
        ),
        (
            {"training__learning_rate": {"min": 0, "max": 1, "scale": "log"}},
            "cannot begin at 0; min must be more than 0",
        ),
        (
            {"training__learning_rate": {"min": 0.1, "max": 1, "step": -1}},
            "step is -1",
        ),
        (
            {"model__readout_dropout": {"min": 0.5, "max": 1.5}},
            r"readout_dropout of the search space cannot be 1\.5",
        ),
        (
            {
                "model__decoder_units": {
                    "values": [8],
                    "also": ["model.encoder_units"],
                },
                "model__encoder_units": [8, 16],
            },
            r"sets model\.encoder_units twice",
        ),
        (
            {"model__decoder_units": {"values": [8], "also": ["model.unit"]}},
            r"Unknown key 'model\.unit'",
        ),
        (
            {
                "model__input_feeding": {
                    "values": [True],
                    "when": {"model.decoder": "luong"},
                }
            },
            "when model.decoder is luong, which is not among the values of "
            "model.decoder in the space; these are accepted: none",
        ),
        (
            {
                "model__decoder": ["bahdanau", "luong"],
                "model__input_feeding": {
                    "values": [True],
                    "when": {"model.decoder": "plain"},
                },
            },
            "is plain, which is not among .*accepted: bahdanau, luong",
        ),
        (
            {"model__input_feeding": [True]},
            "input_feeding of the search space cannot be True: .*only the "
            "decoder luong has input feeding",
        ),
        (
            {
                "model__cell": {
                    "values": ["gru"],
                    "when": {"model.decoder": "luong"},
                },
                "model__decoder": {
                    "values": ["luong"],
                    "when": {"model.cell": "gru"},
                },
            },
            "depend on each other",
        ),
        (
            {"training__patience": {"min": 2, "max": 6}},
            r"patience of the search space cannot be 3\.2.*: .*integer",
        ),
        (
            {"training__epochs": [5, 10]},
            "training.epochs, which --trial-epochs sets",
        ),
        ({}, "names no parameter"),
    ],
)
def test_a_wrong_space_is_refused_in_a_sentence(
    tmp_path: Path, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(GlimpseError, match=message) as caught:
        space_of(tmp_path, **parameters)
    assert "\n" not in str(caught.value)


def test_what_is_no_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        GlimpseError, match="no search space 'defalt': give one"
    ):
        space_path("defalt")
    path = tmp_path / "space.yaml"
    path.write_bytes(b"model.cell: [\xff")
    with pytest.raises(GlimpseError, match="cannot be read"):
        load_space(path, BASE)


@pytest.mark.parametrize("name", ["broad", "refine"])
def test_a_search_of_before_is_read(name: str) -> None:
    """It states every option, those without a use too."""
    folder = Folder(SEARCHES / name)
    assert len(folder.space.parameters) > 5
    best = folder.best()
    assert best is not None
    config = load_config(folder.path / "best.yaml")
    assert config == changed(folder.base, folder.space.overrides(best.values))
    assert differences(config, folder.base)
    table = results.table(folder)
    assert f"{best.score:.4g}" in table
    without = re.findall(r"attention=luong-scaled.*", table)
    assert bool(without) == (name == "broad")
    assert not any("attention_units" in line for line in without)


def test_what_is_inactive_has_the_default(tmp_path: Path) -> None:
    """The preset's own would not go with what was chosen."""
    base = load_config("phrasebook", ["model.readout=maxout"])
    luong = {"model.decoder": "luong", "model.attention": "luong-scaled"}
    space = load_space(space_path("default"), base)

    config = changed(base, space.overrides(luong))

    assert config.model.readout == "tanh"
    bahdanau = space.overrides({"model.decoder": "conditional"})
    assert changed(base, bahdanau).model.readout == "maxout"
