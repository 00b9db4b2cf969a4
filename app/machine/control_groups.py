"""Limits of CPU time, as set by Linux control groups (used by containers)."""

from collections.abc import Iterator
from math import inf
from pathlib import Path, PurePosixPath

ROOT = Path("/")


def quota(root: Path = ROOT) -> float:
    """Return the CPU time that this process may use, as a number of cores.

    Control groups are nested. The result is the lowest limit among the groups
    of this process and all groups that contain these groups; it is infinite if
    no group has a limit. Version 2 of control groups has the limit in the file
    `cpu.max`; version 1 has it in the files `cpu.cfs_quota_us` and
    `cpu.cfs_period_us`.

    Args:
        root: the folder that contains `proc` and `sys`.
    """
    own = _words(root / "proc/self/cgroup", "\n")
    found = (each for line in own for each in _quotas(line, root))
    return min(found, default=inf)


def _quotas(line: str, root: Path) -> Iterator[float]:
    """Yield the limits of a control group and of the groups that contain it.

    Args:
        line: line of `/proc/self/cgroup`, in the form
            `NUMBER:CONTROLLERS:PATH`.
        root: the folder that contains `sys`.
    """
    mount = root / "sys/fs/cgroup"
    _, controllers, path = line.split(":", 2)
    # In a container, this may be the path on the host, while only the end of
    # that path exists here.
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
    """Return a limit in cores: the allowed CPU time divided by the period.

    Args:
        words: the CPU time that is allowed in each period, and the length of
            the period, in the same unit. If they are missing, or the time is -1
            or "max", the limit is infinite.
    """
    match words:
        case [time, period] if time.isdecimal():
            return int(time) / int(period)
    return inf


def _words(path: Path, separator: str | None = None) -> list[str]:
    """Return the text of a file, split at separators.

    The list is empty if the file cannot be read.

    Args:
        path: the file.
        separator: the separator; None for white space.
    """
    try:
        return path.read_text().strip().split(separator)
    except OSError:
        return []
