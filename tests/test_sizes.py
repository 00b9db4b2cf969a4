"""Files and functions stay short enough to be read in one sitting."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("data", "models", "app")
LONGEST_FILE, LONGEST_FUNCTION = 400, 60  # lines


def too_long(root: Path) -> Iterator[str]:
    """Name every file and function that is too long, and how long it is."""
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            name = path.relative_to(root)
            text = path.read_text("utf-8")
            if (lines := len(text.splitlines())) > LONGEST_FILE:
                yield f"{name}: {lines}"
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    lines = (node.end_lineno or 0) - node.lineno + 1
                    if lines > LONGEST_FUNCTION:
                        yield f"{name}, {node.name}: {lines}"


def test_files_and_functions_are_short() -> None:
    assert list(too_long(ROOT)) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("x = 1\n" * 401, ["app/planted.py: 401"]),
        ("x = 1\n" * 400, []),
        ("def f():\n" + "    x = 1\n" * 60, ["app/planted.py, f: 61"]),
        ("async def f():\n" + "    x = 1\n" * 59, []),
    ],
)
def test_what_is_too_long_is_found(
    tmp_path: Path, code: str, found: list[str]
) -> None:
    planted = tmp_path / "app" / "planted.py"
    planted.parent.mkdir()
    planted.write_text(code)

    assert list(too_long(tmp_path)) == found
