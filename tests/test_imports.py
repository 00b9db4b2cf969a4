"""Imports go one way: data, then models, then app; nothing imports tests."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"data", "models", "app", "notebooks", "tests"}
MAY_IMPORT = {
    "data": {"data"},
    "models": {"data", "models"},
    "app": {"data", "models", "app"},
}


def violations(root: Path) -> list[str]:
    """Every import against the current: "file:line imports module"."""
    return [
        f"{path.relative_to(root)}:{line} imports {module}"
        for room, allowed in MAY_IMPORT.items()
        for path in sorted((root / room).rglob("*.py"))
        for line, module in imports(path, root)
        if module.split(".")[0] in ROOMS - allowed
    ]


def imports(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Line and module of every import of a file, wherever it stands."""
    package = path.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1]
            start = above if node.level else ()
            # `from .. import app` names its module last.
            parts = [*start, *(node.module or "").split(".")]
            for alias in node.names:
                yield node.lineno, ".".join(filter(None, [*parts, alias.name]))
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, name) for name in _by_name(node))


def _by_name(call: ast.Call) -> list[str]:
    """The module of `import_module("...")` or `__import__("...")`."""
    function = ast.unparse(call.func).split(".")[-1]
    if function not in {"import_module", "__import__"}:
        return []
    names = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    return [str(name) for name in names[:1]]


def test_imports_go_one_way() -> None:
    assert violations(ROOT) == []


def test_every_room_is_looked_at() -> None:
    for room in MAY_IMPORT:
        assert list((ROOT / room).rglob("*.py"))


@pytest.mark.parametrize(
    ("room", "code", "module"),
    [
        ("data", "import models", "models"),
        ("data", "import keras, app.config", "app.config"),
        ("data", "from models.search import search", "models.search.search"),
        ("models", "from app import Translator", "app.Translator"),
        ("models", "def late():\n    import app", "app"),
        (
            "models",
            "if True:\n    from tests import conftest",
            "tests.conftest",
        ),
        ("data", "from .. import models", "models"),
        ("data", "from ..models import cells", "models.cells"),
        ("models", "import importlib\nimportlib.import_module('app')", "app"),
        ("app", "__import__('tests.models')", "tests.models"),
    ],
)
def test_an_import_against_the_current_is_found(
    tmp_path: Path, room: str, code: str, module: str
) -> None:
    planted = tmp_path / room / "planted.py"
    planted.parent.mkdir()
    planted.write_text(code)

    (found,) = violations(tmp_path)

    assert found.endswith(f" imports {module}")
    assert found.startswith(f"{room}/planted.py:{code.count(chr(10)) + 1}")


@pytest.mark.parametrize(
    ("room", "code"),
    [
        ("data", "import database, modelscope\nfrom data.text import words"),
        ("data", "from . import text\nfrom .corpora import multi30k"),
        ("models", "from data import Tokenizer\nfrom . import cells"),
        ("app", "from data import words\nfrom models import search\n"),
    ],
)
def test_an_import_with_the_current_is_not(
    tmp_path: Path, room: str, code: str
) -> None:
    allowed = tmp_path / room / "allowed.py"
    allowed.parent.mkdir()
    allowed.write_text(code)

    assert violations(tmp_path) == []


EFFECTS = """
import logging, os, random, sys, warnings
import keras, numpy, tensorflow, tensorflow_datasets

def world():
    return {
        "policy": keras.config.dtype_policy().name,
        "numbers": (random.getstate(), str(numpy.random.get_state())),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "handlers": list(logging.getLogger().handlers),
        "warnings": list(warnings.filters),
    }

before = world()
import data, models
after = world()
print([name for name in before if after[name] != before[name]])
print([name for name in sys.modules if name.split(".")[0] == "app"])
"""


def test_importing_changes_nothing_but_the_registers() -> None:
    run = subprocess.run(
        [sys.executable, "-c", EFFECTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout == "[]\n[]\n"
