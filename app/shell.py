"""Commands to print, so that they can be pasted into a shell as they are."""

import re
import shlex
from pathlib import Path


def app_command(command: str, *arguments: str | Path) -> str:
    """`python -m app COMMAND ARGUMENTS`, whatever their characters."""
    words = ("python", "-m", "app", command, *map(str, arguments))
    return shlex.join(words)


def make_command(target: str, run: Path) -> str:
    """`make TARGET RUN=…`, whatever the characters of a run folder.

    Make expands what it is given, and the Makefile puts it between double
    quotes, where the shell looks inside too.
    """
    quoted = re.sub(r'([\\"$`])', r"\\\1", str(run))
    return f"make {target} RUN={shlex.quote(quoted.replace('$', '$$'))}"
