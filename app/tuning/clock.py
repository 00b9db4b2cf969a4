"""Clock of a search, which counts the time of all sessions of the search."""

import time

from app.tuning.folder import Folder
from data.writing import write_whole


class Clock:
    """Clock of the time spent on a search, summed over all its sessions.

    A search that is stopped and continued has several sessions. The sum is
    saved every `EVERY` seconds, so that the time of a session that is killed is
    counted as well.

    Args:
        folder: folder of the search.
    """

    EVERY = 5.0  # seconds between savings

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._before = folder.seconds()
        self._began = self._written = time.monotonic()

    def seconds(self) -> float:
        now = time.monotonic()
        if now - self._written >= self.EVERY:
            self._written = now
            self.save()
        return self._before + now - self._began

    def save(self) -> None:
        seconds = self._before + time.monotonic() - self._began
        write_whole(self.folder.path / "seconds", f"{seconds:.1f}\n")
