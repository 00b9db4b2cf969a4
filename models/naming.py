"""Choices by name: the look-up and the refusal every family shares."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

Choice = TypeVar("Choice")


def choose(name: str, choices: Mapping[str, Choice], what: str) -> Choice:
    """Return `choices[name]`.

    Raises:
        ValueError: if there is no such name, with the nearest one there is.
    """
    if name in choices:
        return choices[name]
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"Unknown {what} {name!r}: expected one of "
        f"{', '.join(sorted(choices))}{hint}"
    )
