"""Where corpora are read from and kept."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The folders of raw and of prepared data.

    Attributes:
        data_dir: holds the user's raw files and is only read; None for the
            environment variable GLIMPSE_DATA_DIR, which may be unset.
        cache_dir: takes what is downloaded and prepared; None for TFDS's own.
    """

    data_dir: Path | None = None
    cache_dir: Path | None = None

    @property
    def raw(self) -> Path | None:
        """The folder that raw files were put into, if one was named."""
        named = self.data_dir or os.environ.get("GLIMPSE_DATA_DIR")
        return _at_home(named) if named else None

    @property
    def downloads(self) -> Path:
        """The folder that raw files are downloaded into."""
        root = self.cache_dir or _place_of_tfds()
        return root.expanduser() / "downloads"

    def find(self, name: str) -> Path | None:
        """Return the file of this name: as it stands, else in `raw`.

        `~` at its start is the user's home.
        """
        path = _at_home(name)
        paths = [path, *([self.raw / path] if self.raw else [])]
        return next((path for path in paths if path.exists()), None)


def _place_of_tfds() -> Path:
    # On demand: it takes long to import.
    import tensorflow_datasets as tfds

    return Path(tfds.core.constants.DATA_DIR)


def _at_home(name: str | Path) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:  # no such user: it is a name like any other
        return Path(name)
