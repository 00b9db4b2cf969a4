"""Names and paths of the presets and search spaces that come with the package.

Presets are configurations of training; search spaces are configurations of
hyperparameter searches. Both are YAML files. This module finds the files, but
does not read them. It imports no other module of the project, so that `--help`
can list the names without importing TensorFlow.
"""

from pathlib import Path
from typing import Literal

Kind = Literal["presets", "spaces"]
FOLDER = Path(__file__).parent / "config"


def names(kind: Kind) -> list[str]:
    """List the names of all presets or search spaces, in alphabetical order."""
    return sorted(path.stem for path in (FOLDER / kind).glob("*.yaml"))


def find(kind: Kind, name: str) -> Path | None:
    """Find the file of a preset or of a search space.

    Args:
        kind: "presets" to find a preset, "spaces" to find a search space.
        name: name of a preset or space that comes with the package. If no
            preset or space of the package has this name, the name is taken as
            the path of a file.

    Returns:
        The path of the file; None if there is no such file.
    """
    shipped = FOLDER / kind / f"{name}.yaml"
    paths = (shipped, Path(name))
    return next((path for path in paths if path.is_file()), None)
