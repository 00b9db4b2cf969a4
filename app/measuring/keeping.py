"""Writing of result files: names of the files, and handling of errors.

The results for a split, measured with the run's own options, are saved as
`SPLIT.json`, which `Run.result` reads, and in files named `SPLIT` with other
endings. If options differ from the run's own, the file names contain these
options, as in `test.beam1.json`. The results for the user's own files are saved
in a folder of their own, under names that contain a hash of the paths of these
files.
"""

import hashlib
import logging
import os
import re
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
    """Return the name, without ending, of the files of a measurement.

    Different measurements get different names.

    Args:
        split: name of the split of the corpus; for files of the user, name of
            their source file.
        files: the files of the user, in a fixed order, with None for a file
            that is not given; empty for a split of the corpus.
        options: dictionary whose keys are names of options. A value is true if
            the measurement overrode the run's setting of the option; the name
            of the option then becomes part of the returned name.
    """
    told = [name for name, differs in (options or {}).items() if differs]
    if not any(files):
        return ".".join((split, *told))
    places = [os.path.abspath(path) if path else "" for path in files]
    mark = _hash("\n".join(places))
    return f"{FILES}/" + ".".join((f"{split[:LONGEST_NAME]}-{mark}", *told))


def setting_name(setting: str) -> str:
    """Return a part of a file name for a setting `search.KEY=VALUE`."""
    key, _, value = setting.removeprefix("search.").partition("=")
    name = f"{key.strip()}={value.strip()}"
    if len(name) <= LONGEST_NAME and re.fullmatch(r"[\w.=-]+", name):
        return name
    return f"{key.strip()[:LONGEST_NAME]}-{_hash(value)}"


def ensemble_name(runs: Sequence[Path]) -> str:
    """Return a part of a file name for the further runs of an ensemble."""
    return f"ensemble-{_hash(chr(10).join(map(os.path.abspath, runs)))}"


def _hash(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]


def keep(stem: Path, parts: Mapping[str, Callable[[Path], Any]]) -> None:
    """Write results to several files; warn of files that cannot be written.

    Args:
        stem: path of the files without their endings; its folder is made if
            needed.
        parts: dictionary whose keys are endings of file names, and whose values
            are functions. Each function is called with the path of its file,
            and writes its part of the results to that file.
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
            "Could not write in %s (%s): %s; older files of these names were "
            "not changed: give another folder with --output, or free some "
            "space",
            stem.parent,
            "; ".join(dict.fromkeys(failed.values())),
            ", ".join(failed),
        )
    if len(failed) < len(parts):
        log.info("The results are kept as %s.*", stem)


def _reason(error: Exception) -> str:
    """Return why a file could not be written.

    If the error or its cause is an `OSError`, the result is the message of the
    operating system; else it is the text of the error.
    """
    said = error if isinstance(error, OSError) else error.__cause__
    if isinstance(said, OSError):
        return said.strerror or str(said)
    return str(error)
