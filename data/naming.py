"""Look-up of a user's choice by its name, with an error for unknown names."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from data.errors import GlimpseError

Choice = TypeVar("Choice")


def choose(name: str, choices: Mapping[str, Choice], what: str) -> Choice:
    """Return `choices[name]`.

    Args:
        name: name that the user gave.
        choices: mapping whose keys are the names that are accepted.
        what: noun for the kind of choice, such as "metric"; the error message
            uses it.

    Raises:
        GlimpseError: `choices` does not have `name`. The message lists the
            names in `choices` and suggests the most similar one, if any.
    """
    if name in choices:
        return choices[name]
    raise GlimpseError(
        f"Unknown {what} {name!r}: expected one of "
        f"{', '.join(sorted(choices))}{did_you_mean(name, choices)}"
    )


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return "; did you mean 'X'?", where X is the most similar of `names`.

    The result is "" if none of `names` is similar to `name`.
    """
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
