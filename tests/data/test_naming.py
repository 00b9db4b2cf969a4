"""Choices by name."""

import pytest

from data import GlimpseError
from data.naming import choose, did_you_mean

CHOICES = {"bahdanau": 1, "luong-general": 2, "luong-dot": 3}


@pytest.mark.parametrize("name", CHOICES)
def test_a_name_is_looked_up(name: str) -> None:
    assert choose(name, CHOICES, "attention") == CHOICES[name]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(GlimpseError) as caught:
        choose("bahdanou", CHOICES, "attention")
    assert str(caught.value) == (
        "Unknown attention 'bahdanou': expected one of bahdanau, luong-dot, "
        "luong-general; did you mean 'bahdanau'?"
    )
    # As Keras and pydantic expect of a wrong value.
    assert isinstance(caught.value, ValueError)


def test_a_name_like_none_is_refused_without_a_guess() -> None:
    with pytest.raises(GlimpseError) as caught:
        choose("xyz", CHOICES, "attention")
    assert str(caught.value).endswith("of bahdanau, luong-dot, luong-general")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("luong_dot", "; did you mean 'luong-dot'?"),
        ("xyz", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_a_question(name: str, hint: str) -> None:
    assert did_you_mean(name, iter(CHOICES)) == hint
    assert did_you_mean(name, []) == ""
