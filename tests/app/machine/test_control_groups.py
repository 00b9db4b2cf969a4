"""The cores of a process, by made-up control groups."""

import os
from math import inf
from pathlib import Path

import pytest

from app.machine.control_groups import quota
from app.machine.device import cores

V2 = "sys/fs/cgroup/{}cpu.max"
TIME = "sys/fs/cgroup/cpu/{}cpu.cfs_quota_us"
PERIOD = "sys/fs/cgroup/cpu/{}cpu.cfs_period_us"


def write(root: Path, groups: str, **files: str) -> Path:
    """A root with /proc/self/cgroup and these files."""
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/", {}, inf),
        ("0::/", {V2.format(""): "max 100000"}, inf),
        ("0::/", {V2.format(""): "150000 100000"}, 1.5),
        ("0::/a/b", {V2.format("a/b/"): "70000 20000"}, 3.5),
        # What is around a group binds it too.
        (
            "0::/a/b",
            {V2.format("a/b/"): "max 100000", V2.format("a/"): "250000 50000"},
            5.0,
        ),
        (
            "0::/a/b",
            {V2.format("a/b/"): "300 100", V2.format("a/"): "700 100"},
            3.0,
        ),
        # A container that sees its own end of its host's path.
        ("0::/docker/123", {V2.format(""): "20000 100000"}, 0.2),
        ("0::/../outside", {V2.format(""): "200 100"}, 2.0),
        (
            "4:memory:/m\n3:cpu,cpuacct:/x:y\n0::/",
            {TIME.format("x:y/"): "130000", PERIOD.format("x:y/"): "100000"},
            1.3,
        ),
        ("1:cpu:/", {TIME.format(""): "-1", PERIOD.format(""): "100000"}, inf),
        ("2:cpuset:/", {TIME.format(""): "50", PERIOD.format(""): "100"}, inf),
    ],
)
def test_the_quota_of_control_groups(
    tmp_path: Path, groups: str, files: dict[str, str], expected: float
) -> None:
    assert quota(write(tmp_path, groups, **files)) == expected


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert quota(tmp_path) == inf


@pytest.mark.parametrize(
    ("time", "own", "expected"),
    [(150, 7, 2), (300, 7, 3), (20, 7, 1), (500, 3, 3)],
)
def test_cores_are_those_of_affinity_and_quota(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    time: int,
    own: int,
    expected: int,
) -> None:
    monkeypatch.setattr(
        os, "sched_getaffinity", lambda process: set(range(own)), raising=False
    )
    root = write(tmp_path, "0::/", **{V2.format(""): f"{time} 100"})
    assert cores(root) == expected
