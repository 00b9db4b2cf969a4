"""Imports go one way: data, models, app, wing by wing; and in no circle."""

import ast
import re
import subprocess
import sys
from collections.abc import Container, Iterator
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


# The wings of the application, as CONTRIBUTING.md lists them: each may import
# those before it. Modules beside the wings, by the wing they count to.
WINGS = (
    *("machine", "metrics", "config", "runs", "alignment", "inference"),
    *("plots", "measuring", "training", "experiments", "tuning", "web"),
    "commands",
)
BESIDE = {"app": -1, "app.shipped": -1, "app.__main__": 99, "app.child": 100}

Graph = dict[str, set[str]]  # from a module to those that it imports


def graph(root: Path) -> Graph:
    """All modules of the rooms, and what each of them imports anywhere."""
    paths = {
        _module(path.relative_to(root)): path
        for room in MAY_IMPORT
        for path in (root / room).rglob("*.py")
    }
    return {
        name: {
            found
            for _, imported in imports(path, root)
            if (found := _known(imported, paths)) not in (None, name)
        }
        for name, path in paths.items()
    }


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _known(imported: str, modules: Container[str]) -> str | None:
    """The module that a name is, or that it is in."""
    while imported and imported not in modules:
        imported = imported.rpartition(".")[0]
    return imported or None


def circle(found: Graph) -> list[str]:
    """Modules each of which imports the next, and the last the first."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return path[path.index(name) :]
        if name in done:
            return []
        for other in sorted(found[name]):
            if there := walk(other, [*path, name]):
                return there
        done.add(name)
        return []

    return next(filter(None, (walk(name, []) for name in sorted(found))), [])


def against_wings(found: Graph) -> list[str]:
    """Every import of a later wing: "app.runs.folder imports app.web"."""
    return [
        f"{name} imports {other}"
        for name, others in found.items()
        for other in sorted(others)
        if name.split(".")[0] == other.split(".")[0] == "app"
        and _place(other) > _place(name)
    ]


def _place(name: str) -> int:
    return BESIDE[name] if name in BESIDE else WINGS.index(name.split(".")[1])


def test_no_module_imports_itself_in_a_circle() -> None:
    found = graph(ROOT)
    assert len(found) > 150
    assert circle(found) == []


def test_wings_are_imported_in_their_order() -> None:
    # What the face of the application offers is imported when it is asked for.
    found = {k: v for k, v in graph(ROOT).items() if k != "app"}
    assert against_wings(found) == []


def test_the_order_of_the_wings_is_the_one_that_is_written_down() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    order = re.search(r"machine, metrics[^.]*?commands", text)
    assert order is not None
    assert tuple(re.findall(r"[a-z]+", order[0])) == WINGS
    folders = {each.parent.name for each in ROOT.glob("app/*/__init__.py")}
    assert folders == set(WINGS)


@pytest.mark.parametrize(
    ("files", "circled"),
    [
        ({"a": "import app.b", "b": "import app.a"}, {"app.a", "app.b"}),
        (
            {
                "a": "def f():\n    from app.b import x",
                "b": "from app import a",
            },
            {"app.a", "app.b"},
        ),
        (
            {
                "a": "from app.b import x",
                "b": "import app.c",
                "c": "if True:\n    from app.a import y",
            },
            {"app.a", "app.b", "app.c"},
        ),
        ({"a": "import app.b", "b": "import app.c", "c": ""}, set()),
    ],
)
def test_a_circle_is_found(
    tmp_path: Path, files: dict[str, str], circled: set[str]
) -> None:
    (tmp_path / "app").mkdir()
    for name, code in files.items():
        (tmp_path / "app" / f"{name}.py").write_text(code)

    assert set(circle(graph(tmp_path))) == circled


def test_an_import_against_the_wings_is_found() -> None:
    found = {"app.runs.folder": {"app.web.server", "app.config"}}
    assert against_wings(found) == ["app.runs.folder imports app.web.server"]


def test_places_are_made_in_commands_alone() -> None:
    taking = [
        f"{path.relative_to(ROOT)}, {node.name}"
        for room in MAY_IMPORT
        for path in sorted((ROOT / room).rglob("*.py"))
        if "commands" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
        and {"data_dir", "cache_dir"}
        & {each.arg for each in (*node.args.args, *node.args.kwonlyargs)}
    ]
    # Of one corpus, whose builder takes no other place.
    assert taking == []


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
