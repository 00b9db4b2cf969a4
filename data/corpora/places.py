"""Places: the folders of raw files and of prepared corpora."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """Folders of raw data and of prepared data.

    Attributes:
        data_dir: folder of the user's raw files, in which nothing is written.
            If None, the environment variable GLIMPSE_DATA_DIR names the folder;
            if this variable is not set, there is no such folder.
        cache_dir: folder for downloaded and prepared data. If None, the default
            folder of TensorFlow Datasets (TFDS) is used.
    """

    data_dir: Path | None = None
    cache_dir: Path | None = None

    @property
    def raw(self) -> Path | None:
        """Folder of the user's raw files; None if no folder was named."""
        named = self.data_dir or os.environ.get("GLIMPSE_DATA_DIR")
        return _at_home(named) if named else None

    @property
    def downloads(self) -> Path:
        """Folder into which raw files of corpora are downloaded."""
        root = self.cache_dir or _place_of_tfds()
        return root.expanduser() / "downloads"

    def arguments(self) -> list[str]:
        """Return the command-line arguments that name these folders."""
        named = {"--data-dir": self.data_dir, "--cache-dir": self.cache_dir}
        given = [[name, str(path)] for name, path in named.items() if path]
        return [part for pair in given for part in pair]

    def find(self, name: str) -> Path | None:
        """Return the path of one of the user's files.

        The file is looked for in the current folder first, and then in the
        folder of the user's raw files, `raw`.

        Args:
            name: path of the file, absolute or relative to one of the folders;
                a `~` at the start is the user's home directory.

        Returns:
            Path of the file; None if it is in neither folder.
        """
        path = _at_home(name)
        paths = [path, *([self.raw / path] if self.raw else [])]
        return next((path for path in paths if path.exists()), None)


def _place_of_tfds() -> Path:
    # Imported on demand: TFDS takes long to import.
    import tensorflow_datasets as tfds

    return Path(tfds.core.constants.DATA_DIR)


def _at_home(name: str | Path) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:  # no such user, so it is an ordinary name
        return Path(name)
