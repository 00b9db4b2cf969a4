"""Files of search spaces: YAML files of parameters, checked before use.

A file lists fields of the configuration, and the values that each may have:

```yaml
model.cell: [gru, lstm]
model.decoder_units: {values: [64, 128], also: [model.attention_units]}
model.readout_dropout: {min: 0.0, max: 0.4, step: 0.1}
training.learning_rate: {min: 1.e-3, max: 1.e-2, scale: log}
model.input_feeding: {values: [false, true], when: {model.decoder: luong}}
```

Fields in `also` get the same value as the parameter. `when` contains conditions
on other parameters: for each of them, the value that it must have, or a list of
permitted values. If a condition is not met, no value is chosen for the
parameter.
"""

import math
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app import shipped
from app.config import Config, changed, explain, flatten, yaml_text
from app.tuning.space import Parameter, Space
from data import GlimpseError
from data.naming import choose

ACCEPTED = (
    "a list of values, or {min: …, max: …} with step or scale, is accepted"
)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class _Written:
    """Parameter as it is written in a file.

    Attributes:
        values: list of values to choose from.
        min: least number of a range.
        max: greatest number of a range.
        step: difference between successive numbers that may be chosen from a
            range. If None, it is 1 for a field of whole numbers; for other
            fields, any number of the range may be chosen.
        scale: distribution of the numbers of a range. If "linear", the numbers
            are drawn uniformly; if "log", their logarithms are drawn uniformly.
        also: other fields of the configuration that get the same value.
        when: conditions for choosing a value: mapping whose keys are names of
            other parameters. Each value of the mapping is a value that the
            other parameter must have, or a list of permitted values.
    """

    values: list[Any] | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = Field(default=None, gt=0)
    scale: Literal["linear", "log"] = "linear"
    also: tuple[str, ...] = ()
    when: dict[str, Any] = Field(default_factory=dict)


def load_space(
    path: Path, base: Config, without: tuple[str, ...] = ()
) -> Space:
    """Read a search space, and check that the preset accepts its values.

    Args:
        path: path of the file.
        base: configuration of the preset.
        without: prefixes of names of fields. A parameter is left out if it sets
            a field whose name begins with such a prefix, or if its conditions
            name a parameter that is left out.

    Raises:
        GlimpseError: the file cannot be read; a parameter is unknown, has no
            values to choose from, or has a value that the preset does not
            accept; a condition cannot be met; no parameter is left; a field is
            set twice; or the space sets `training.epochs`.
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
    for name in out:  # this list grows in the loop
        out += [each.name for each in parameters if name in each.when]
    return [parameter for parameter in parameters if parameter.name not in out]


def space_path(name: str) -> Path:
    """Return the path of the file of a search space.

    Args:
        name: name of a space that comes with the package, or path of a file.

    Raises:
        GlimpseError: there is no such space.
    """
    return shipped.find("spaces", name)


def read_space(path: Path) -> dict[str, Any]:
    """Read the file of a search space, without checking its parameters.

    Return a mapping whose keys are the names of the parameters, and whose
    values are the unchecked entries of the file.

    Raises:
        GlimpseError: the file cannot be read, or lists no parameter.
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
    """Convert a word such as `yes` to a bool, if the preset's value is a bool.

    This is necessary because YAML 1.2 reads `yes` as text. All other values are
    returned unchanged.
    """
    if isinstance(preset, bool) and isinstance(value, str):
        with suppress(ValidationError):  # refused later, with its reason
            return TypeAdapter(bool).validate_python(value)
    return value


def _extent(
    written: _Written, preset: Any
) -> tuple[tuple[Any, ...], float, float]:
    """Return the attributes `values`, `low` and `high` of a `Parameter`.

    For a range without steps, `values` is empty. For a list, or a range with
    steps, `values` has all values to choose from, and `low` and `high` are 0.

    Args:
        written: parameter as it is written in the file.
        preset: value of the field in the preset, which shows the type of the
            field.

    Raises:
        ValueError: the parameter in the file is invalid.
    """
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
            "a scale of logarithms has no steps; list the values, such as "
            "[64, 128, 256]"
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
        raise ValueError("only whole numbers fit: min and step must be whole")
    return tuple(map(int, values))


def _check_keys(space: Space) -> None:
    keys = [key for p in space.parameters for key in (p.name, *p.also)]
    if not keys:
        raise GlimpseError("No parameter is left in the search space: add one")
    for key in keys:
        if keys.count(key) > 1:
            raise GlimpseError(
                f"The search space sets {key} twice: name it only once, as a "
                "parameter or in the list 'also' of a parameter"
            )
    if "training.epochs" in keys:
        raise GlimpseError(
            "The search space has training.epochs, which --trial-epochs sets "
            "for all trials: leave it out"
        )


def _examples(parameter: Parameter) -> tuple[Any, ...]:
    low, high = parameter.low, parameter.high
    inside = low + (high - low) / math.pi  # not a whole number
    return parameter.values or (low, high, float(f"{inside:.6g}"))


def _try(space: Space, parameter: Parameter, value: Any, base: Config) -> None:
    """Check that the preset `base` accepts a value of a parameter.

    If `parameter` has conditions on other parameters, the conditions must be
    met during the check. So each other parameter in a condition gets the first
    value that the condition permits.

    Raises:
        GlimpseError: the preset with this value is invalid.
    """
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
