"""Saving of figures as files; equal figures give identical files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from data import GlimpseError
from data.writing import replacing

FORMATS = ("png", "svg")

# Letters in SVG files are drawn as outlines. So a viewer shows them correctly
# even without the fonts, or without support for Arabic. But the text in such
# files cannot be searched.
SETTINGS: Any = {"svg.fonttype": "path", "svg.hashsalt": "glimpse"}
NO_DATE = {"png": None, "svg": {"Date": None}}


def save(
    figure: Figure, stem: Path | str, formats: Sequence[str] = FORMATS
) -> tuple[Path, ...]:
    """Write a figure to the files `STEM.png` and `STEM.svg`.

    If writing fails, no incomplete file is left, and an older file of the same
    name stays unchanged.

    Args:
        figure: the figure to write.
        stem: path of the files without their suffix; its folder is made if it
            does not exist.
        formats: the formats to write: "png", "svg", or both.

    Returns:
        The paths of the files, in the order of `formats`.

    Raises:
        GlimpseError: the files cannot be written, or a format is unknown.
    """
    for each in formats:
        if each not in FORMATS:
            raise GlimpseError(
                f"Pictures got the format '{each}'; choose from "
                f"{', '.join(FORMATS)}"
            )
    folder, name = Path(stem).parent, Path(stem).name
    _make(folder)
    return tuple(_write(figure, folder / f"{name}.{f}", f) for f in formats)


def _write(figure: Figure, path: Path, kind: str) -> Path:
    with replacing(path) as beside, rc_context(SETTINGS):
        figure.savefig(beside, format=kind, metadata=NO_DATE[kind])
    return path


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GlimpseError(
            f"The folder {folder} cannot be made ({error.strerror or error}); "
            "give another one for the pictures"
        ) from error
