"""What libraries in C++ say on stderr that all is well: left out.

TensorFlow heeds TF_CPP_MIN_LOG_LEVEL only after its first messages, and the
SentencePiece inside of TensorFlow Text heeds nothing. So what they write goes
through a process of its own, which leaves their information out and passes on
all else; it also passes on the last words of a process that is no more.
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
    """Leave chatter out of stderr from now on, in this process."""
    is_file = isinstance(sys.stderr, io.TextIOWrapper)  # not where closed
    if not is_file or os.environ.get(LEVEL) == "0":
        return
    with suppress(OSError):  # then it is heard
        _filter(
            subprocess.Popen(
                [sys.executable, "-I", "-S", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C ends it through us alone
            )
        )


def _filter(process: "subprocess.Popen[bytes]") -> None:
    """Have `process` read what is written to the file number of stderr."""
    assert process.stdin is not None
    sys.stderr.flush()
    own = os.dup(2)
    # Python writes for itself: at once, and to a terminal if it is one.
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
    """Let it write what it still has before the shell goes on."""
    os.dup2(own, 2)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1)  # another process may have inherited ours


def without_chatter(lines: Iterable[bytes], output: BinaryIO) -> None:
    """Pass on lines as they come."""
    for line in lines:
        if not CHATTER.match(line):
            output.write(line)
            output.flush()


if __name__ == "__main__":
    without_chatter(sys.stdin.buffer, sys.stderr.buffer)
