"""Names and paths of the presets and search spaces that come with the package.

Presets are configurations of training; search spaces are configurations of
hyperparameter searches. Both are YAML files. This module finds the files, but
does not read them. `names` needs no other module of the project, so that
`--help` can list the names without importing TensorFlow.
"""

from pathlib import Path
from typing import Literal

Kind = Literal["presets", "spaces"]
FOLDER = Path(__file__).parent / "config"
NOUNS: dict[Kind, str] = {"presets": "preset", "spaces": "search space"}


def names(kind: Kind) -> list[str]:
    """List the names of all presets or search spaces, in alphabetical order."""
    return sorted(path.stem for path in (FOLDER / kind).glob("*.yaml"))


def find(kind: Kind, name: str) -> Path:
    """Return the path of the file of a preset or of a search space.

    Args:
        kind: "presets" to find a preset, "spaces" to find a search space.
        name: name of a preset or space that comes with the package. If no
            preset or space of the package has this name, the name is taken as
            the path of a file.

    Raises:
        GlimpseError: there is no such file.
    """
    shipped = FOLDER / kind / f"{name}.yaml"
    for path in (shipped, Path(name)):
        if path.is_file():
            return path
    # Imported on demand: `names` is all that --help needs.
    from data import GlimpseError
    from data.naming import did_you_mean

    raise GlimpseError(
        f"There is no {NOUNS[kind]} '{name}': give one of "
        f"{', '.join(names(kind))}, or the path of a YAML file"
        f"{did_you_mean(name, names(kind))}"
    )
