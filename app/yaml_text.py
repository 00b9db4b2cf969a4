"""YAML 1.2, read and written in one way.

By its core schema (YAML 1.2.2, section 10.3.2), `no`, `on` and `12:30` are
words and `010` is ten, which were false, true, a number of seconds and eight in
YAML 1.1. Merge keys (`<<`) are read as there.
"""

import io
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.representer import SafeRepresenter
from ruamel.yaml.resolver import VersionedResolver

_SCHEMA = (  # tag, what it looks like, its first characters; "" if empty
    ("null", r"~|null|Null|NULL|", ("", *"~nN")),
    ("bool", r"true|True|TRUE|false|False|FALSE", (*"tTfF",)),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", (*"-+0123456789",)),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        (*"-+.0123456789",),
    ),
    ("merge", r"<<", ("<",)),
)


class _Core(VersionedResolver):
    """What a plain word is; ruamel.yaml's own 1.2 has dates and `1_000`."""

    by_first: Mapping[str | None, list[tuple[str, re.Pattern[str]]]] = {
        first: [
            (f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{looks})\Z"))
            for tag, looks, firsts in _SCHEMA
            if first in firsts
        ]
        for first in {first for _, _, firsts in _SCHEMA for first in firsts}
    }

    @property
    def versioned_resolver(self) -> Any:
        return self.by_first


class _Escaping(SafeRepresenter):
    """Writes é and 日 as they are, and escapes what nobody would see."""

    def represent_str(self, data: str) -> ScalarNode:
        style = None if data.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Escaping.add_representer(str, _Escaping.represent_str)


def read(path: Path) -> Any:
    """What a file says.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not UTF-8, or not YAML; where and why.
    """
    return load(path.read_text("utf-8"))


def load(text: str) -> Any:
    """What a text says: mappings, lists, strings, numbers, true, false, null.

    Raises:
        ValueError: it is not YAML; where and why.
    """
    try:
        return _yaml().load(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ValueError(
            f"line {line}: the character U+{error.character:04X} cannot stand "
            "in YAML as it is"
        ) from error
    except MarkedYAMLError as error:
        raise ValueError(_sentence(error)) from error
    except (YAMLError, LookupError) as error:  # the latter of !!bool x
        raise ValueError(" ".join(str(error).split())) from error


def dump(values: Any) -> str:
    """What `load` reads back as `values`, keys in their order."""
    text = io.StringIO()
    _yaml().dump(values, text)
    return text.getvalue()


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _Core
    yaml.default_flow_style = False
    yaml.Representer = _Escaping
    yaml.width = sys.maxsize  # a value is on one line, however long
    yaml.representer.sort_base_mapping_type_on_output = False
    yaml.representer.ignore_aliases = lambda data: True
    return yaml


def _sentence(error: MarkedYAMLError) -> str:
    said = [part for part in (error.context, error.problem) if part]
    text = " ".join(", ".join(said).split()) or "this is not YAML"
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return text
    return f"line {mark.line + 1}, column {mark.column + 1}: {text}"
