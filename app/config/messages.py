"""Explanations of pydantic's validation errors, for users."""

import dataclasses
import typing
from typing import Any

from data.naming import did_you_mean


def explain(error: Any, owner: type) -> str:
    """Return a text that explains a validation error to users.

    Args:
        error: one item of the list that `errors()` of pydantic's
            `ValidationError` returns.
        owner: the dataclass that pydantic validated.
    """
    location = [str(part) for part in error["loc"]]
    if error["type"] == "value_error":  # our own error, a whole sentence
        where = f"{'.'.join(location[:2])}: " if len(location) > 1 else ""
        return f"{where}{error['ctx']['error']}"
    if error["type"] != "unexpected_keyword_argument":
        return (
            f"{'.'.join(location)} is {error['input']!r}, but "
            f"{error['msg'][:1].lower()}{error['msg'][1:]}"
        )
    known = _known_keys(owner, location[:-1])
    hint = did_you_mean(location[-1], known) or f"; known: {', '.join(known)}"
    return f"unknown key '{'.'.join(location)}'{hint}"


def _known_keys(owner: Any, path: list[str]) -> list[str]:
    for name in path:
        hint = typing.get_type_hints(owner)[name]
        options = [hint, *typing.get_args(hint)]  # X | None
        owner = next(each for each in options if dataclasses.is_dataclass(each))
    return [field.name for field in dataclasses.fields(owner)]
