"""Where results of an evaluation are kept, and what if they cannot be.

A split measured as its run would is `SPLIT.json` and so on, what `Run.result`
reads. What was measured otherwise has another name: `test.beam1`. Files of the
user's own have a folder to themselves, and a mark made of where they lie.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from data import GlimpseError

log = logging.getLogger(__name__)
FILES = "files"
LONGEST_NAME = 40  # characters; a file system takes 255 bytes


def result_name(
    split: str,
    files: Sequence[Path | None] = (),
    options: Mapping[str, bool] | None = None,
) -> str:
    """What results are called: the same name for the same question alone.

    Args:
        split: of the corpus, or the name of the file of sources.
        files: those of the user's own, in a fixed order; None for one that is
            not given.
        options: whether each makes a difference, by name.
    """
    told = [name for name, differs in (options or {}).items() if differs]
    if not any(files):
        return ".".join((split, *told))
    places = [os.path.abspath(path) if path else "" for path in files]
    mark = hashlib.sha256(os.fsencode("\n".join(places))).hexdigest()[:8]
    return f"{FILES}/" + ".".join((f"{split[:LONGEST_NAME]}-{mark}", *told))


def keep(stem: Path, parts: Mapping[str, Callable[[Path], Any]]) -> None:
    """Write what can be written, and warn of what cannot.

    Args:
        stem: what all paths begin with; its folder is made.
        parts: what writes each, given its path, by the end of its name.
    """
    failed: dict[str, str] = {}
    for ending, write in parts.items():
        path = stem.with_name(f"{stem.name}{ending}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
        except (OSError, GlimpseError) as error:
            failed[path.name] = _reason(error)
    if failed:
        log.warning(
            "Not kept in %s (%s): %s; what had these names before is still "
            "there: give a folder that can be written to with --output, or "
            "free some space",
            stem.parent,
            "; ".join(dict.fromkeys(failed.values())),
            ", ".join(failed),
        )
    if len(failed) < len(parts):
        log.info("The results are kept as %s.*", stem)


def _reason(error: Exception) -> str:
    """What the system said, however it was wrapped."""
    said = error if isinstance(error, OSError) else error.__cause__
    if isinstance(said, OSError):
        return said.strerror or str(said)
    return str(error)
