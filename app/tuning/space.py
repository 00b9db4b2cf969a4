"""What a search chooses from: a YAML file of parameters, checked before use.

A file names fields of a preset and what each may be:

```yaml
model.cell: [gru, lstm]
model.decoder_units: {values: [64, 128], also: [model.attention_units]}
model.readout_dropout: {min: 0.0, max: 0.4, step: 0.1}
training.learning_rate: {min: 1.e-3, max: 1.e-2, scale: log}
model.input_feeding: {values: [false, true], when: {model.decoder: luong}}
```
"""

import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import keras_tuner
import numpy as np
from keras_tuner.engine.hyperparameters import Choice, Float, HyperParameter
from keras_tuner.src.engine.conditions import Parent
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from app import yaml_text
from app.config import Config, changed, explain, flatten
from data import GlimpseError
from models.naming import choose

SPACES = Path(__file__).parents[1] / "spaces"
DEFAULTS = flatten(Config())
ACCEPTED = (
    "a list of values, or {min: …, max: …} with step or scale, is accepted"
)


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class _Written:
    """A parameter as it stands in a file; `Parameter` says what it means."""

    values: list[Any] | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = Field(default=None, gt=0)
    scale: Literal["linear", "log"] = "linear"
    also: tuple[str, ...] = ()
    when: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Parameter:
    """One thing to choose.

    Attributes:
        name: SECTION.KEY of the configuration.
        values: what it may be; empty for any number from `low` to `high`.
        low: the least number.
        high: the greatest.
        scale: what is even: numbers, or their logarithms.
        also: other keys that are given the same value.
        when: it is chosen only where these parameters, by name, have one of
            these values.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    scale: Literal["linear", "log"] = "linear"
    also: tuple[str, ...] = ()
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def holds(self, value: Any) -> bool:
        """Whether `value` is one that can be chosen."""
        if self.values:
            return value in self.values
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high

    def default(self, preset: Any) -> Any:
        """Of the first trial: the preset's value, or else the first one."""
        if self.holds(preset):
            return preset
        return self.values[0] if self.values else self.low

    def settings(self, value: Any) -> list[str]:
        """What `--set` is given to make it `value`."""
        text = json.dumps(value)
        return [f"{key}={text}" for key in (self.name, *self.also)]


class Space:
    """The parameters of a search, those that others depend on first."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self.parameters = _in_order(parameters)

    def hyperparameters(self, base: Config) -> keras_tuner.HyperParameters:
        """The space as Keras Tuner has it, with the preset as the default.

        Of a list of values Keras Tuner chooses the place, not the value: so
        any YAML may stand there, and none is rounded on its way to another
        machine.
        """
        presets = flatten(base)
        space = keras_tuner.HyperParameters()
        named = {parameter.name: parameter for parameter in self.parameters}
        for parameter in self.parameters:
            # Its conditional_scope knows neither two conditions nor a chain.
            conditions = [
                Parent(name, [named[name].values.index(v) for v in values])
                for name, values in parameter.when.items()
            ]
            preset = presets[parameter.name]
            space.merge([_declared(parameter, preset, conditions)])
        return space

    def size(self) -> float:
        """Combinations, at most; infinite where a number is any of a range."""
        return math.prod(
            len(parameter.values) or math.inf for parameter in self.parameters
        )

    def require_countable(self) -> None:
        """Refuse what a grid cannot go through."""
        for parameter in self.parameters:
            if not parameter.values:
                raise GlimpseError(
                    f"The parameter {parameter.name} of the search space is "
                    f"any number from {parameter.low:g} to "
                    f"{parameter.high:g}, through which a grid cannot go: "
                    "give it a step or a list of values, or choose another "
                    "--tuner"
                )

    def chosen(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a trial of Keras Tuner; without those inactive.

        A worker is sent those inactive too, and numbers in single precision.
        """
        chosen: dict[str, Any] = {}
        for parameter in self.parameters:
            if all(
                name in chosen and chosen[name] in allowed
                for name, allowed in parameter.when.items()
            ):
                value = values[parameter.name]
                chosen[parameter.name] = (
                    parameter.values[value]
                    if parameter.values
                    else float(f"{np.float32(value):.6g}")
                )
        return chosen

    def first(self, base: Config) -> Config:
        """The configuration of the first trial: the preset, if it can be.

        Raises:
            GlimpseError: what takes the place of the preset's values does not
                go with the others.
        """
        chosen = self.chosen(self.hyperparameters(base).values)
        return changed(base, self.overrides(chosen))

    def overrides(self, chosen: Mapping[str, Any]) -> list[str]:
        """What `--set` is given for these values, by name.

        What is inactive with them is as the configuration has it without a
        preset, whose value may not go with them.
        """
        settings: list[str] = []
        inactive: set[str] = set()
        for parameter in self.parameters:
            if parameter.name in chosen:
                settings += parameter.settings(chosen[parameter.name])
            elif any(
                parent in inactive
                or (parent in chosen and chosen[parent] not in values)
                for parent, values in parameter.when.items()
            ):
                inactive.add(parameter.name)
                settings += [
                    f"{key}={json.dumps(DEFAULTS[key])}"
                    for key in (parameter.name, *parameter.also)
                ]
        return settings


def space_names() -> list[str]:
    """The spaces that come with the package."""
    return sorted(path.stem for path in SPACES.glob("*.yaml"))


def load_space(
    path: Path, base: Config, without: tuple[str, ...] = ()
) -> Space:
    """Read a search space, and try it on the preset that it changes.

    Args:
        path: of the file.
        base: the preset.
        without: how keys begin that are left out, and what depends on them.

    Raises:
        GlimpseError: it cannot be read, a parameter is unknown, has nothing to
            choose from or a value that the configuration refuses; or two
            parameters set the same.
    """
    space = Space(
        _without(
            [
                _parameter(key, written, base)
                for key, written in read_space(path).items()
            ],
            without,
        )
    )
    _check_keys(space)
    for parameter in space.parameters:
        for value in _examples(parameter):
            _try(space, parameter, value, base)
    return space


def _without(
    parameters: list[Parameter], beginnings: tuple[str, ...]
) -> list[Parameter]:
    out = [
        parameter.name
        for parameter in parameters
        for key in (parameter.name, *parameter.also)
        if key.startswith(beginnings)
    ]
    for name in out:  # it grows meanwhile
        out += [each.name for each in parameters if name in each.when]
    return [parameter for parameter in parameters if parameter.name not in out]


def space_path(name: str) -> Path:
    """The file of a space that comes with the package, or one's own.

    Raises:
        GlimpseError: there is neither.
    """
    named = SPACES / f"{name}.yaml"
    if named.is_file():
        return named
    if Path(name).is_file():
        return Path(name)
    raise GlimpseError(
        f"There is no search space '{name}': give one of "
        f"{', '.join(space_names())}, or the path of a YAML file"
    )


def read_space(path: Path) -> dict[str, Any]:
    """What a file of a space says, by name.

    Raises:
        GlimpseError: it cannot be read.
    """
    try:
        values = yaml_text.read(path)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise GlimpseError(
            f"The search space {path} cannot be read: {reason}; a YAML file "
            "of lines such as 'model.cell: [gru, lstm]' is accepted"
        ) from error
    if not isinstance(values, dict) or not values:
        raise GlimpseError(
            f"The search space {path} names no parameter; lines such as "
            "'model.cell: [gru, lstm]' are accepted"
        )
    return {str(key): value for key, value in values.items()}


def _parameter(name: str, value: Any, base: Config) -> Parameter:
    where = f"The parameter {name} of the search space"
    try:
        choose(name, flatten(base), "key")
        if isinstance(value, list):
            value = {"values": value}
        if not isinstance(value, dict):
            raise ValueError(f"it is {value!r}, but {ACCEPTED}")
        written = TypeAdapter(_Written).validate_python(value)
        for key in written.also:
            choose(key, flatten(base), "key")
        values, low, high = _extent(written, flatten(base)[name])
    except ValidationError as error:
        reasons = "; ".join(explain(e, _Written) for e in error.errors())
        raise GlimpseError(f"{where}: {reasons}") from error
    except ValueError as error:
        raise GlimpseError(f"{where}: {error}") from error
    presets = flatten(base)
    when = {
        key: tuple(
            _meant(each, presets.get(key))
            for each in (v if isinstance(v, list) else [v])
        )
        for key, v in written.when.items()
    }
    return Parameter(name, values, low, high, written.scale, written.also, when)


def _meant(value: Any, preset: Any) -> Any:
    """What a switch makes of a word: in YAML 1.2, `yes` is one."""
    if isinstance(preset, bool) and isinstance(value, str):
        with suppress(ValidationError):  # refused later, with its reason
            return TypeAdapter(bool).validate_python(value)
    return value


def _extent(
    written: _Written, preset: Any
) -> tuple[tuple[Any, ...], float, float]:
    """The values to choose from, or the least and the greatest number."""
    low, high, step = written.min, written.max, written.step
    if written.values is not None:
        if (low, high, step) != (None, None, None):
            raise ValueError(f"it has values and a range; {ACCEPTED}")
        if not written.values:
            raise ValueError(f"its list is empty; {ACCEPTED}")
        return tuple(_meant(v, preset) for v in written.values), 0.0, 0.0
    if low is None or high is None:
        raise ValueError(f"it has neither values nor min and max; {ACCEPTED}")
    if low >= high:
        raise ValueError(
            f"the range from {low:g} to {high:g} is empty; min must be less "
            "than max"
        )
    if written.scale == "log" and low <= 0:
        raise ValueError(
            f"a scale of logarithms cannot begin at {low:g}; min must be "
            "more than 0"
        )
    whole = isinstance(preset, int) and not isinstance(preset, bool)
    if step is None and not whole:
        return (), low, high
    if written.scale == "log":
        raise ValueError(
            "steps on a scale of logarithms are not to be had; list its "
            "values, such as [64, 128, 256]"
        )
    return _steps(low, high, step or 1.0, whole), 0.0, 0.0


def _steps(
    low: float, high: float, step: float, whole: bool
) -> tuple[Any, ...]:
    count = math.floor((high - low) / step + 1e-9) + 1
    values = [float(f"{low + step * n:.6g}") for n in range(count)]
    if not whole:
        return tuple(values)
    if not all(value.is_integer() for value in (low, step)):
        raise ValueError("it counts something: min and step must be whole")
    return tuple(map(int, values))


def _in_order(parameters: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Parents before children, or else as written.

    Raises:
        GlimpseError: a parameter depends on what is no parameter, or on
            itself.
    """
    left = {parameter.name: parameter for parameter in parameters}
    _check_conditions(left)
    ordered: dict[str, Parameter] = {}
    while left:
        ready = [p for p in left.values() if ordered.keys() >= p.when.keys()]
        if not ready:
            raise GlimpseError(
                f"The parameters {', '.join(left)} of the search space depend "
                "on each other through when; each must be free of those below"
            )
        ordered[ready[0].name] = left.pop(ready[0].name)
    return tuple(ordered.values())


def _check_conditions(parameters: Mapping[str, Parameter]) -> None:
    for parameter in parameters.values():
        for name, values in parameter.when.items():
            parent = parameters.get(name)
            known = parent.values if parent else ()
            unknown = [value for value in values if value not in known]
            if unknown or not values:
                raise GlimpseError(
                    f"The parameter {parameter.name} of the search space is "
                    f"chosen when {name} is {', '.join(map(str, values))}, "
                    "which is not among the values of such a parameter; "
                    f"{', '.join(map(str, known)) or 'none'} would be"
                )


def _check_keys(space: Space) -> None:
    keys = [key for p in space.parameters for key in (p.name, *p.also)]
    if not keys:
        raise GlimpseError("Nothing is left in the search space: name more")
    for key in keys:
        if keys.count(key) > 1:
            raise GlimpseError(
                f"The search space sets {key} twice: it must be a parameter, "
                "or stand in also of one"
            )
    if "training.epochs" in keys:
        raise GlimpseError(
            "The search space has training.epochs, which --trial-epochs says "
            "for all trials: leave it out"
        )


def _examples(parameter: Parameter) -> tuple[Any, ...]:
    low, high = parameter.low, parameter.high
    inside = low + (high - low) / math.pi  # no whole number
    return parameter.values or (low, high, float(f"{inside:.6g}"))


def _try(space: Space, parameter: Parameter, value: Any, base: Config) -> None:
    """Refuse a value that the configuration would refuse."""
    chosen = {parameter.name: value}
    waiting = [parameter]
    while waiting:
        for name, values in waiting.pop().when.items():
            chosen.setdefault(name, values[0])
            waiting += [p for p in space.parameters if p.name == name]
    try:
        changed(base, space.overrides(chosen))
    except GlimpseError as error:
        raise GlimpseError(
            f"The parameter {parameter.name} of the search space cannot be "
            f"{value}: {error}"
        ) from error


def _declared(
    parameter: Parameter, preset: Any, conditions: list[Parent]
) -> HyperParameter:
    default = parameter.default(preset)
    if parameter.values:
        return Choice(
            parameter.name,
            list(range(len(parameter.values))),
            default=parameter.values.index(default),
            conditions=conditions,
        )
    return Float(
        parameter.name,
        parameter.low,
        parameter.high,
        sampling=parameter.scale,
        default=default,
        conditions=conditions,
    )
