"""What reaches a terminal: results in UTF-8, and no chatter."""

import os
import subprocess
import sys

import pytest

# A command of its own, since a real one would load TensorFlow.
SPEAK = """
import sys
from app.__main__ import app, main
@app.command()
def speak() -> None:
    text = "caf\\xe9 \\u6771\\u4eac \\udcff"
    print(text)
    print(text, file=sys.stderr)
sys.argv = ["app", *sys.argv[1:]]
main()
"""
CHATTER = """\
WARNING: All log messages before absl::InitializeLog() is called are written \
to STDERR
I0000 00:00:1796059426.482826    7533 port.cc:153] oneDNN custom operations \
are on.
I0000 00:00:1796059426.483199 7533 cudart_stub.cc:31] Could not find cuda.
normalizer.cc(51) LOG(INFO) precompiled_charsmap is empty.
"""
WORTH_HEARING = """\
W0000 00:00:1796059426.482826    7533 gpu_device.cc:42] Cannot dlopen.
E0000 00:00:1796059425.318789    7522 cuda_platform.cc:52] failed call
trainer.cc(51) LOG(WARNING) Too few sentences
In words: I0000 00:00:1796059426.4 75 port.cc:1] is a line of TensorFlow's.
F0000 00:00:1796059425.318789    7522 cpu.cc:9] A CPU with AVX is needed
half a line"""
FAIL = f"""
import os, sys
from app.machine import chatter
chatter.leave_out()
print("from Python", file=sys.stderr)
os.write(2, {CHATTER + WORTH_HEARING!r}.encode())
os.abort()
"""

# As one that has loaded TensorFlow ends.
END = """
import atexit, sys
from app.__main__ import _end_at_once
atexit.register(print, "last words")
print("said", end=" ")
_end_at_once(3)
"""


def run(
    program: str, *arguments: str, **environment: str
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "latin-1"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=str,
)
def test_results_are_utf_8_whatever_the_terminal(
    environment: dict[str, str],
) -> None:
    done = run(SPEAK, "speak", **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("utf-8") == "café 東京 \\udcff\n"
    assert b"\\u6771\\u4eac" in done.stderr


def test_help_is_utf_8_too() -> None:
    done = run(SPEAK, "translate", "--help", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "╭" in done.stdout.decode("utf-8")


def test_chatter_is_left_out_and_last_words_are_not() -> None:
    done = run(FAIL, TF_CPP_MIN_LOG_LEVEL="3")
    assert done.returncode < 0  # it was killed by a signal
    assert done.stderr.decode() == f"from Python\n{WORTH_HEARING}"


def test_chatter_is_heard_by_whoever_asks_for_it() -> None:
    done = run(FAIL, TF_CPP_MIN_LOG_LEVEL="0")
    assert done.stderr.decode() == f"from Python\n{CHATTER}{WORTH_HEARING}"


def test_a_command_that_ends_at_once_leaves_nothing_unsaid() -> None:
    done = run(END)
    assert (done.returncode, done.stdout) == (3, b"said last words\n")


def test_what_cannot_be_said_at_the_end_is_complained_of() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", END],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode != 3
    assert b"No space left on device" in done.stderr
