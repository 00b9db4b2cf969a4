"""CONTRIBUTING.md says where things are, and they are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
ANSWERS = re.findall(r"^\| (.+\?) \| `(.+)` \|$", TEXT, flags=re.MULTILINE)


def test_eleven_questions_are_answered() -> None:
    assert len(ANSWERS) == 11


@pytest.mark.parametrize(("question", "place"), ANSWERS)
def test_the_place_is_there(question: str, place: str) -> None:
    path = ROOT / place
    assert path.is_dir() if place.endswith("/") else path.is_file(), question


def test_every_room_and_wing_is_described() -> None:
    described = set(re.findall(r"^\| `(.+?)/` \|", TEXT, flags=re.MULTILINE))
    wings = {path.parent.name for path in ROOT.glob("app/*/__init__.py")}
    rooms = {"data", "models", "app", "notebooks", "tests"}
    assert described == wings | rooms
