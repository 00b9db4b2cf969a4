"""Command line for training, evaluating and using sequence-to-sequence models.

Usage: `python -m app COMMAND`. Each command is a file in `app/commands`.
"""

import atexit
import io
import logging
import os
import sys
from contextlib import suppress
from typing import Any

import typer

from app.commands.align import align
from app.commands.average import average
from app.commands.benchmark import benchmark
from app.commands.compare import compare
from app.commands.evaluate import evaluate
from app.commands.prepare import prepare
from app.commands.serve import serve
from app.commands.train import train
from app.commands.translate import translate
from app.commands.tune import tune
from app.commands.variants import variants
from app.machine import chatter

# The commands import TensorFlow later. This hides its start-up messages, which
# are of no use to people.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Use the matrix products of oneDNN: without this, TensorFlow uses them only
# with AVX-512.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

COMMANDS = (
    *(train, average, prepare, evaluate, compare, translate, align),
    *(tune, serve, benchmark, variants),
)

app = typer.Typer(
    help="Train sequence-to-sequence models with attention, measure them, "
    "and translate with them. Start with: python -m app train",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)


def _write_utf8() -> None:
    """Set the encoding of stdout to UTF-8; stderr keeps its encoding.

    In both streams, a character that the encoding cannot represent is written
    as an escape sequence with a backslash.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # it is None if closed
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")


def main() -> None:
    """Set up output and logging, then run the command that the user gave."""
    _write_utf8()
    chatter.leave_out()
    logging.basicConfig(
        level=logging.INFO, format="%(message)s", stream=sys.stderr
    )
    logging.getLogger("absl").setLevel(logging.ERROR)
    app(prog_name="python -m app")


def _end_at_once(code: Any) -> None:
    """End the process without TensorFlow's clean-up, which takes seconds.

    Functions registered with `atexit` are called first, and buffered output is
    written. If the output cannot be written, this function returns, so that
    Python reports the error and ends as usual.

    Args:
        code: exit status of the process; None means 0.
    """
    atexit._run_exitfuncs()
    with suppress(OSError):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # it is not closed
                stream.flush()
        os._exit(code or 0)


if __name__ == "__main__":
    try:
        main()
    except SystemExit as end:
        if "tensorflow" in sys.modules:
            _end_at_once(end.code)
        raise
