"""What control groups, such as a container's, leave a process of the cores."""

from collections.abc import Iterator
from math import inf
from pathlib import Path, PurePosixPath

ROOT = Path("/")


def quota(root: Path = ROOT) -> float:
    """Cores' worth of time that this process may take; infinite for all.

    Every group that the process is in counts, and every group around one:
    `cpu.max` of version 2, `cpu.cfs_quota_us` of version 1.

    Args:
        root: where /proc and /sys are.
    """
    own = _words(root / "proc/self/cgroup", "\n")
    found = (each for line in own for each in _quotas(line, root))
    return min(found, default=inf)


def _quotas(line: str, root: Path) -> Iterator[float]:
    """Those of one hierarchy, `NUMBER:CONTROLLERS:PATH`."""
    mount = root / "sys/fs/cgroup"
    _, controllers, path = line.split(":", 2)
    # A container may be told a path of its host, of which it sees but an end.
    for group in (place := PurePosixPath(path), *place.parents):
        inside = group.relative_to("/")
        if not controllers:
            yield _quota(_words(mount / inside / "cpu.max"))
        elif "cpu" in controllers.split(","):
            folder = mount / "cpu" / inside
            yield _quota(
                [
                    *_words(folder / "cpu.cfs_quota_us"),
                    *_words(folder / "cpu.cfs_period_us"),
                ]
            )


def _quota(words: list[str]) -> float:
    """Of a time and its period; without a limit that is -1 or "max"."""
    match words:
        case [time, period] if time.isdecimal():
            return int(time) / int(period)
    return inf


def _words(path: Path, separator: str | None = None) -> list[str]:
    """What a file holds; nothing where it cannot be read."""
    try:
        return path.read_text().strip().split(separator)
    except OSError:
        return []
