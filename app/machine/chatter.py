"""Filter that keeps chatter of C++ libraries out of stderr.

Chatter means informational log messages, such as those about the CPU.
TensorFlow obeys the variable TF_CPP_MIN_LOG_LEVEL only after its first
messages, and the SentencePiece library inside TensorFlow Text obeys no setting.
Therefore everything that C++ libraries write to stderr goes through a separate
process. That process drops chatter and passes on all other lines. If the
program crashes, that process still passes on the program's last messages.
"""

import atexit
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import BinaryIO

LEVEL = "TF_CPP_MIN_LOG_LEVEL"  # 0 shows all
CHATTER = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog\(\) is called"
    rb"|I\d{4} \d\d:\d\d:[\d.]+ +\d+ \S+\.cc:\d+\] "  # TensorFlow
    rb"|\S+\.cc\(\d+\) LOG\(INFO\) "  # SentencePiece
)


def leave_out() -> None:
    """Filter chatter (informational C++ log messages) out of stderr."""
    is_file = isinstance(sys.stderr, io.TextIOWrapper)  # not if closed
    if not is_file or os.environ.get(LEVEL) == "0":
        return
    with suppress(OSError):  # on failure, chatter is shown
        _filter(
            subprocess.Popen(
                [sys.executable, "-I", "-S", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C does not reach it directly
            )
        )


def _filter(process: "subprocess.Popen[bytes]") -> None:
    """Send everything that C++ libraries write to stderr to `process`.

    Python's own output still goes to the original stderr.
    """
    assert process.stdin is not None
    sys.stderr.flush()
    own = os.dup(2)
    # Python's own output does not go through `process`, so that it comes at
    # once, and still goes to a terminal if stderr is one.
    sys.stderr = open(  # noqa: SIM115
        own,
        "w",
        buffering=1,
        encoding=sys.stderr.encoding,
        errors=sys.stderr.errors,
        closefd=False,
    )
    os.dup2(process.stdin.fileno(), 2)
    process.stdin.close()
    atexit.register(_end, process, own)


def _end(process: "subprocess.Popen[bytes]", own: int) -> None:
    """Restore stderr; wait for the end of `process`, but at most a second.

    Args:
        process: the process that filters chatter.
        own: file descriptor of the original stderr.
    """
    os.dup2(own, 2)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1)  # a child may still write to it


def without_chatter(lines: Iterable[bytes], output: BinaryIO) -> None:
    """Copy all lines except chatter to `output`; flush after each line."""
    for line in lines:
        if not CHATTER.match(line):
            output.write(line)
            output.flush()


if __name__ == "__main__":
    without_chatter(sys.stdin.buffer, sys.stderr.buffer)
