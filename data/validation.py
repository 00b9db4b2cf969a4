"""Types for fields of options: numbers and names that pydantic checks."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from data.naming import choose

STRICT = ConfigDict(extra="forbid")  # an unknown key is an error

Natural = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Names = Annotated[
    tuple[str, ...],  # a single name without brackets is a list of one
    BeforeValidator(lambda names: [names] if isinstance(names, str) else names),
]


def one_of(choices: Iterable[str], *more: str) -> AfterValidator:
    """Return a pydantic validator that accepts only certain names.

    Args:
        choices: names to accept.
        *more: further names to accept.

    Returns:
        A validator for a string field; it raises a GlimpseError for any name
        that is not accepted.
    """
    names = {name: name for name in [*more, *choices]}

    def check(name: str) -> str:
        return choose(name, names, "name")

    return AfterValidator(check)
