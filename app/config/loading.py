"""Reading, changing and writing of configurations.

A configuration is read from a preset, which is a YAML file. Overrides are
texts `SECTION.KEY=VALUE`, each of which changes one option of the preset; users
give them on the command line with `--set`.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app import shipped
from app.config import yaml_text
from app.config.conflicts import refuse_conflicts
from app.config.messages import explain
from app.config.options import Config
from data import GlimpseError
from data.writing import write_whole
from models.architecture import OWN_KEYS, ModelOptions

Values = dict[str, Any]  # contents of a file: sections with keys


def preset_names() -> list[str]:
    """List the names of the presets that come with the package."""
    return shipped.names("presets")


def load_config(
    preset: str | Path, overrides: Sequence[str] = (), *, of_run: bool = False
) -> Config:
    """Read a preset, by name or from a file, and apply overrides to it.

    Some options of the model have no effect if other options have certain
    values. An override of an option without effect is an error. A preset that
    sets an option without effect is an error too, except for presets that
    `save_config` wrote, since these contain all options. If an option of the
    preset has no effect only because of an override, the option is reset to its
    default.

    Args:
        preset: name of a preset, or path of a YAML file.
        overrides: changes of options, each written as `SECTION.KEY=VALUE`, such
            as `training.epochs=3`. An option of a part of the model is written
            as `SECTION.KEY.OPTION=VALUE`, such as
            `model.attention.kernel_size=31`.
        of_run: whether the file is the configuration in a run folder. Options
            without effect are then allowed, since earlier versions allowed
            them.

    Raises:
        GlimpseError: there is no such preset, the file is not YAML, a key is
            unknown (the message names the nearest known key), a value is out
            of range, an option has no effect, or options conflict.
    """
    values = _read_yaml(shipped.find("presets", str(preset)))
    origin = str(preset)
    if of_run:
        config = _validated(_overridden(values, overrides), origin)
        refuse_conflicts(config)
        return config
    if not _says_all(values):
        # Conflicts are not refused yet, since an override may resolve them.
        _refuse_unused(_validated(values, origin), _given(values))
    config = _validated(_overridden(values, overrides), origin)
    _refuse_unused(config, _given(_overridden({}, overrides)))
    config = without_unused(config)
    refuse_conflicts(config)
    return config


def changed(config: Config, overrides: Sequence[str]) -> Config:
    """Return a copy of a configuration, changed by overrides.

    Options that have no effect after the change are reset to their defaults.

    Args:
        config: the configuration, which is not changed itself.
        overrides: changes of options, each written as `SECTION.KEY=VALUE`.

    Raises:
        GlimpseError: a key is unknown, a value is out of range, or options
            conflict.
    """
    values = _overridden(dataclasses.asdict(config), overrides)
    config = without_unused(_validated(values, "with this"))
    refuse_conflicts(config)
    return config


def with_search(config: Config, overrides: Sequence[str]) -> Config:
    """Return a copy of a configuration with other options of search.

    Args:
        config: the configuration.
        overrides: changes of options, each written as `search.KEY=VALUE`.

    Raises:
        GlimpseError: an override changes an option outside the section
            `search`, or is not valid.
    """
    for override in overrides:
        if not override.strip().startswith("search."):
            raise GlimpseError(
                f"--set got '{override}', but here only options of search can "
                "be changed, since the model is trained already: give "
                "search.KEY=VALUE, such as search.length_penalty=0.6"
            )
    if not overrides:
        return config
    section = {"search": dataclasses.asdict(config.search)}
    values = _overridden(section, overrides)
    return dataclasses.replace(
        config, search=_validated(values, "with this").search
    )


def useful(config: Config, overrides: Sequence[str]) -> list[str]:
    """Return the overrides whose options have an effect in `config`."""
    unused = {f"model.{name}" for name in config.model.unused()}
    return [each for each in overrides if _key(each) not in unused]


def with_epochs(config: Config, epochs: int) -> Config:
    """Return a copy of a configuration with another number of epochs."""
    training = dataclasses.replace(config.training, epochs=epochs)
    return dataclasses.replace(config, training=training)


def save_config(config: Config, path: Path) -> None:
    """Write all options of a configuration to a YAML file."""
    write_whole(path, yaml_text.dump(dataclasses.asdict(config)))


def differences(one: Config, other: Config) -> list[str]:
    """List the options that differ between two configurations.

    Each item of the list is a text `section.key: VALUE, VALUE`. The first value
    is that of `one`, and the second is that of `other`.
    """
    theirs = flatten(other)
    return [
        f"{key}: {value}, {theirs[key]}"
        for key, value in flatten(one).items()
        if value != theirs[key]
    ]


def flatten(config: Config) -> dict[str, Any]:
    """Return all options as a dictionary with keys `section.key`."""
    return {
        f"{section}.{key}": value
        for section, values in dataclasses.asdict(config).items()
        for key, value in values.items()
    }


def _read_yaml(path: Path) -> Values:
    try:
        values = yaml_text.read(path) or {}
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise GlimpseError(
            f"The configuration {path} cannot be read: {reason}; a YAML file "
            "of sections such as 'training:' is accepted"
        ) from error
    if not isinstance(values, dict):
        raise GlimpseError(
            f"The configuration {path} holds a {type(values).__name__}; "
            "a mapping of sections such as 'training:' is accepted"
        )
    return values


def _key(override: str) -> str:
    """Return the SECTION.KEY that an override changes."""
    path = override.partition("=")[0].strip().split(".")
    return ".".join(path[:2])


def _overridden(values: Values, overrides: Sequence[str]) -> Values:
    """Return a copy of the values of a configuration, changed by overrides."""
    values = {
        name: dict(section) if isinstance(section, dict) else section
        for name, section in values.items()
    }
    for override in overrides:
        _override(values, override)
    return values


def _override(values: Values, override: str) -> None:
    key, equals, text = override.partition("=")
    section, *path = key.strip().split(".")
    if not (equals and section and all(path) and 1 <= len(path) <= 2):
        raise GlimpseError(
            f"--set got '{override}'; SECTION.KEY=VALUE is accepted, such as "
            "--set training.epochs=3, and SECTION.KEY.OPTION=VALUE, such as "
            "--set model.attention.kernel_size=31"
        )
    fields = values.setdefault(section, {})
    if not isinstance(fields, dict):
        return  # refused later, with a better message
    try:
        value = yaml_text.load(text)
    except ValueError as error:
        raise GlimpseError(
            f"--set got '{override}', whose value is not YAML ({error}); "
            "write it as it would stand in a preset, such as 3, true or "
            "[8, 16]"
        ) from error
    name, *option = path
    if section == "model":  # the override replaces both names
        _drop(fields, ".".join(path))
    if not option:
        fields[name] = value
        return
    before = fields.get(name)
    if isinstance(before, str):  # a part that was given by its name only
        before = {"name": before}
    kept = before if isinstance(before, dict) else {}
    fields[name] = {**kept, option[0]: value}


def _drop(fields: Values, key: str) -> None:
    """If an option has a second name, remove the value under that name.

    Some options of a part of the model have two names, such as
    `attention.units` and `attention_units`. If `key` is one of these names, the
    value that `fields` has under the other name is removed.

    Args:
        fields: the section `model` of a configuration, which is changed.
        key: name of an option, whose value under this name is kept.
    """
    for part, own in OWN_KEYS.items():
        for option, name in own.items():
            if key == f"{part}.{option}":
                fields.pop(name, None)
            elif key == name and isinstance(fields.get(part), dict):
                left = {k: v for k, v in fields[part].items() if k != option}
                fields[part] = left


def _validated(values: Values, origin: str) -> Config:
    try:
        return TypeAdapter(Config).validate_python(values)
    except ValidationError as error:
        reasons = "; ".join(explain(each, Config) for each in error.errors())
        raise GlimpseError(f"The configuration {origin}: {reasons}") from error


def _says_all(values: Values) -> bool:
    """Tell whether the values come from a file that `save_config` wrote.

    Such a file contains all options, so it is unknown which of them a user has
    set.
    """
    model = values.get("model")
    deciding = {"kind", "decoder", "attention", "window", "num_heads"}
    return isinstance(model, dict) and deciding <= model.keys()


def _given(values: Values) -> set[str]:
    """Return the SECTION.KEY of every option that a configuration sets.

    Some options of a part of the model have two names, such as
    `model.attention.units` and `model.attention_units`. For these, the name
    with a single dot, such as `model.attention_units`, is returned, whichever
    name the configuration uses.
    """
    given = set()
    for name, section in values.items():
        for key, value in (section or {}).items():
            given.add(f"{name}.{key}")
            own = OWN_KEYS.get(key, {}) if name == "model" else {}
            options = value if isinstance(value, dict) else {}
            given |= {f"{name}.{own[o]}" for o in options if o in own}
    return given


def _refuse_unused(config: Config, asked: set[str]) -> None:
    """Raise an error if a user has set a model option that has no effect.

    Args:
        config: the configuration.
        asked: SECTION.KEY of each option that the user has set. It does not
            matter if `model.kind` is `starting-example`: then each model option
            that differs from its default is an error.

    Raises:
        GlimpseError: an option has no effect.
    """
    found = {
        name: why
        for name, why in config.model.unused().items()
        if getattr(config.model, name) != getattr(ModelOptions(), name)
    }
    kind = config.model.kind
    if found and kind == "starting-example":
        said = [f"model.{n}={getattr(config.model, n)}" for n in found]
        raise GlimpseError(
            f"{', '.join(said)}: no effect with model.kind={kind}, which is "
            "always the same network: leave out every other key of model, as "
            "--preset starting-example does, or set model.kind=seq2seq"
        )
    for name, why in found.items():
        if f"model.{name}" in asked:
            raise GlimpseError(
                f"model.{name}={getattr(config.model, name)} has no effect "
                f"with {why}: leave model.{name} out"
            )


def without_unused(config: Config) -> Config:
    """Return a copy of a configuration, with unused options at their defaults.

    An option of the model is unused if it has no effect because of the values
    of other options.
    """
    defaults = ModelOptions()
    unused = {name: getattr(defaults, name) for name in config.model.unused()}
    model = dataclasses.replace(config.model, **unused)
    return dataclasses.replace(config, model=model)
