"""Search space: the parameters that a search chooses, with their values.

A parameter is a field of the configuration. It may have conditions: then it is
active only if other parameters have certain values. The search chooses no value
for an inactive parameter.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import keras_tuner
import numpy as np
from keras_tuner.engine.hyperparameters import Choice, Float, HyperParameter
from keras_tuner.src.engine.conditions import Parent

from app.config import Config, changed, flatten
from data import GlimpseError

DEFAULTS = flatten(Config())


@dataclass(frozen=True)
class Parameter:
    """Parameter of a search: a field whose value is chosen for each trial.

    Attributes:
        name: name of the field of the configuration, in the form SECTION.KEY.
        values: values to choose from; empty if any number from `low` to
            `high` can be chosen.
        low: least number that can be chosen; not used if there are `values`.
        high: greatest number that can be chosen; not used if there are
            `values`.
        scale: distribution of numbers from `low` to `high`. If "linear", the
            numbers are drawn uniformly; if "log", their logarithms are drawn
            uniformly.
        also: names of other fields, SECTION.KEY, that get the same value.
        when: conditions: mapping whose keys are names of other parameters, and
            whose values are tuples of values of those parameters. This
            parameter is active only if each of these other parameters is active
            and its value is in the corresponding tuple.
    """

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    scale: Literal["linear", "log"] = "linear"
    also: tuple[str, ...] = ()
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def holds(self, value: Any) -> bool:
        """Tell whether this parameter can have the value `value`."""
        if self.values:
            return value in self.values
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high

    def default(self, preset: Any) -> Any:
        """Return the value for the first trial.

        This is `preset`, the value in the preset, if this parameter can have
        that value. If not, it is the first of `values`, or `low` if there are
        no `values`.
        """
        if self.holds(preset):
            return preset
        return self.values[0] if self.values else self.low

    def settings(self, value: Any) -> list[str]:
        """Return the overrides that set this parameter to `value`.

        An override is a text SECTION.KEY=VALUE, as for the option `--set`.
        The list has one override for the parameter, and one for each field in
        `also`.
        """
        text = json.dumps(value)
        return [f"{key}={text}" for key in (self.name, *self.also)]


class Space:
    """Search space: parameters, sorted by their dependencies.

    Each parameter comes after the parameters that its conditions name.

    Args:
        parameters: parameters of the space, in any order.

    Raises:
        GlimpseError: a condition of a parameter cannot be met.
    """

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self.parameters = _in_order(parameters)

    def hyperparameters(self, base: Config) -> keras_tuner.HyperParameters:
        """Convert the space to Keras Tuner's class `HyperParameters`.

        The default of each parameter is the result of `Parameter.default` for
        its value in the preset `base`. For a parameter with a list of
        values, Keras Tuner chooses an index into the list. Thus the values may
        be of any type, and are not rounded when Keras Tuner sends a choice to
        a worker.
        """
        presets = flatten(base)
        space = keras_tuner.HyperParameters()
        named = {parameter.name: parameter for parameter in self.parameters}
        for parameter in self.parameters:
            # Keras Tuner's conditional_scope would allow neither two conditions
            # nor a condition on a parameter that has a condition itself.
            conditions = [
                Parent(name, [named[name].values.index(v) for v in values])
                for name, values in parameter.when.items()
            ]
            preset = presets[parameter.name]
            space.merge([_declared(parameter, preset, conditions)])
        return space

    def size(self) -> float:
        """Return an upper bound on the number of combinations of values.

        Conditions are ignored. The bound is infinite if a parameter can be any
        number in a range.
        """
        return math.prod(
            len(parameter.values) or math.inf for parameter in self.parameters
        )

    def require_countable(self) -> None:
        """Check that a grid search can try all values of each parameter.

        Raises:
            GlimpseError: a parameter can be any number in a range.
        """
        for parameter in self.parameters:
            if not parameter.values:
                raise GlimpseError(
                    f"The parameter {parameter.name} of the search space is "
                    f"any number from {parameter.low:g} to "
                    f"{parameter.high:g}, which a grid cannot go through: "
                    "give it a step or a list of values, or choose another "
                    "--tuner"
                )

    def chosen(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of the active parameters of a trial.

        The keys of the result are the names of the parameters.

        Args:
            values: choices of Keras Tuner for the trial. The keys are names of
                parameters; inactive parameters may be included. For a parameter
                with a list of values, the choice is an index into the list. For
                a range, the choice is a number in the range. Such a number may
                have been rounded to float32, so it is returned with 6
                significant digits.
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
        """Return the configuration of the first trial.

        This is the preset `base`, with two exceptions. If the space lacks the
        preset's value of a parameter, the parameter gets another value, which
        `Parameter.default` returns. An inactive parameter gets the default of
        `Config`.

        Raises:
            GlimpseError: the values that replace values of the preset do not
                fit the other values of the preset.
        """
        chosen = self.chosen(self.hyperparameters(base).values)
        return changed(base, self.overrides(chosen))

    def overrides(self, chosen: Mapping[str, Any]) -> list[str]:
        """Return the overrides that give the preset the chosen values.

        An override is a text SECTION.KEY=VALUE, as for the option `--set`. An
        inactive parameter is set to the default of `Config`, because its value
        in the preset may not fit the chosen values.
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


def _in_order(parameters: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Sort parameters; each comes after the parameters in its conditions.

    Raises:
        GlimpseError: a condition names a parameter that is not in the space,
            permits a value that is not in the list of values of that parameter,
            or permits no value; or parameters depend on each other in a circle.
    """
    left = {parameter.name: parameter for parameter in parameters}
    _check_conditions(left)
    ordered: dict[str, Parameter] = {}
    while left:
        ready = [p for p in left.values() if ordered.keys() >= p.when.keys()]
        if not ready:
            raise GlimpseError(
                f"The parameters {', '.join(left)} of the search space depend "
                "on each other through 'when': leave out one condition"
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
                    f"which is not among the values of {name} in the space; "
                    "these are accepted: "
                    f"{', '.join(map(str, known)) or 'none'}"
                )


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
