"""Where the time of a step goes, by the kind of operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

PLANE = "/host:CPU"
SHOWN = 12  # kinds of operations
REST = "everything else"


def shares(work: Callable[[], Any]) -> dict[str, float]:
    """Return which share of the time of all operations each kind takes.

    Of several cores the times are added. The largest come first; the last is
    what all others have together.

    Args:
        work: what is profiled; it should have run before.
    """
    with TemporaryDirectory() as scratch:
        tf.profiler.experimental.start(scratch)
        work()
        tf.profiler.experimental.stop()
        (path,) = Path(scratch).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
    times = _times(space)
    total = sum(times.values()) or 1
    most = times.most_common(SHOWN)
    rest = total - sum(time for _, time in most)
    return {kind: time / total for kind, time in [*most, (REST, rest)]}


def _times(space: Any) -> Counter[str]:
    """Picoseconds of each kind of operation."""
    times: Counter[str] = Counter()
    for plane in space.planes:
        if plane.name != PLANE:
            continue
        kinds = {
            number: _kind(plane, each)
            for number, each in plane.event_metadata.items()
        }
        for line in plane.lines:
            for event in line.events:
                if kind := kinds[event.metadata_id]:
                    times[kind] += event.duration_ps
    return times


def _kind(plane: Any, metadata: Any) -> str:
    """That of an operation, "NAME:KIND"; "" for anything else."""
    name, colon, kind = metadata.name.rpartition(":")
    is_operation = bool(colon and name and "::" not in metadata.name)
    return kind if is_operation and kind.isidentifier() else ""
