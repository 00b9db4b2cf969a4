"""Figures as files: the same figure gives the same bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from app.run import replacing
from data import GlimpseError

FORMATS = ("png", "svg")

# Letters are drawn as outlines: a viewer without the fonts, or without rules
# for Arabic, still shows what was drawn here. Their text cannot be searched.
SETTINGS: Any = {"svg.fonttype": "path", "svg.hashsalt": "glimpse"}
NO_DATE = {"png": None, "svg": {"Date": None}}


def save(
    figure: Figure, stem: Path | str, formats: Sequence[str] = FORMATS
) -> tuple[Path, ...]:
    """Write a figure as `STEM.png` and `STEM.svg`, each whole or not at all.

    Args:
        figure: what to write.
        stem: path without a suffix; its folder is made if it is not there.
        formats: of `FORMATS`.

    Returns:
        The paths, in the order of `formats`.

    Raises:
        GlimpseError: there is nowhere to write, or no such format.
    """
    for each in formats:
        if each not in FORMATS:
            raise GlimpseError(
                f"Pictures got the format '{each}'; choose of "
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
