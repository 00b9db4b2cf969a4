"""History of a run: a CSV file with a row of numbers for each validation."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data import GlimpseError
from data.writing import replacing

NAME = "history.csv"


def has_history(run: Path | str) -> bool:
    """Tell whether a run folder contains a history."""
    return (Path(run) / NAME).is_file()


def read_history(run: Path | str) -> list[dict[str, float]]:
    """Read the history of a run folder; return a dictionary for each row.

    Raises:
        GlimpseError: the history cannot be read, or contains values that are
            not numbers.
    """
    path = Path(run) / NAME
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                {key: float(value or "nan") for key, value in row.items()}
                for row in csv.DictReader(file)
            ]
    except OSError as error:
        raise GlimpseError(
            f"{path} cannot be read ({error.strerror or error}); a run has "
            "this file after its first epoch: train the run that far"
        ) from error
    except (ValueError, TypeError, csv.Error) as error:
        raise GlimpseError(
            f"{path} holds something else than numbers ({error}); training "
            "wrote only numbers: restore the file, or train the run again"
        ) from error


def write_history(run: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the history of a run folder, in place of an earlier history.

    Args:
        run: the run folder.
        rows: dictionaries with the same keys, one for each row; at least one.
    """
    with (
        replacing(run / NAME) as beside,
        beside.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
