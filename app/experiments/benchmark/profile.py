"""Profile of training: the share of time of each kind of operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tensorflow as tf
from tensorflow.tsl.profiler.protobuf import xplane_pb2

PLANE = "/host:CPU"
SHOWN = 12  # number of kinds of operations that are listed
REST = "everything else"


def time_shares(work: Callable[[], Any]) -> dict[str, float]:
    """Profile a function; return the share of time of each kind of operation.

    The kinds are TensorFlow's, such as MatMul. The time of a kind is the sum
    over all cores.

    Args:
        work: function to profile. It should have run once before, so that its
            graphs are built already.

    Returns:
        The share of each kind, from largest to smallest. Only the first `SHOWN`
        kinds are listed; the last key, `REST`, has the share of all others.
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
    """Return the time of each kind of operation on the CPU, in picoseconds.

    Args:
        space: the profile that TensorFlow has written, an `XSpace`.
    """
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
    """Return the kind of operation that an event of the profile shows.

    The name of an operation's event has the form "NAME:KIND". If the event is
    not an operation, return "".
    """
    name, colon, kind = metadata.name.rpartition(":")
    is_operation = bool(colon and name and "::" not in metadata.name)
    return kind if is_operation and kind.isidentifier() else ""
