"""Reading and writing of YAML 1.2.

Unquoted values are read by the core schema (YAML 1.2.2, section 10.3.2): `no`,
`on` and `12:30` are strings, and `010` is ten. In YAML 1.1, `no` was false,
`on` was true, `12:30` was a number of seconds, and `010` was eight. Merge keys
(`<<`) are read as in YAML 1.1.
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

_SCHEMA = (  # tag, pattern of a value, first characters ("" if empty)
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
    """Resolver that finds the type of each unquoted value by the core schema.

    It replaces the resolver of ruamel.yaml, which also recognises dates, and
    numbers such as `1_000`.
    """

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
    """Representer that escapes only unprintable characters, not é or 日."""

    def represent_str(self, data: str) -> ScalarNode:
        style = None if data.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Escaping.add_representer(str, _Escaping.represent_str)


def read(path: Path) -> Any:
    """Read a YAML file; return its mappings, lists and plain values.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not UTF-8, or not YAML; the message gives the
            place and the reason.
    """
    return load(path.read_text("utf-8"))


def load(text: str) -> Any:
    """Parse a YAML text; return its mappings, lists and plain values.

    Raises:
        ValueError: the text is not YAML; the message gives the place and the
            reason.
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
    except (YAMLError, LookupError) as error:  # !!bool x raises LookupError
        raise ValueError(" ".join(str(error).split())) from error


def dump(values: Any) -> str:
    """Return `values` as YAML text; keys of mappings keep their order."""
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
