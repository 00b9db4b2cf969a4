"""Functions that write command lines which users can paste into a shell."""

import re
import shlex
from pathlib import Path


def app_command(command: str, *arguments: str | Path) -> str:
    """Return `python -m app COMMAND ARGUMENTS`, quoted for a shell."""
    words = ("python", "-m", "app", command, *map(str, arguments))
    return shlex.join(words)


def make_command(target: str, run: Path) -> str:
    """Return the command line `make TARGET RUN=…`, quoted for a shell.

    The path in RUN is also escaped, since it is expanded twice more. First,
    make expands `$` in the path. Then make starts a shell, which expands the
    path again, because the Makefile writes it between double quotes.

    Args:
        target: the target of the Makefile.
        run: the run folder.
    """
    quoted = re.sub(r'([\\"$`])', r"\\\1", str(run))
    return f"make {target} RUN={shlex.quote(quoted.replace('$', '$$'))}"
