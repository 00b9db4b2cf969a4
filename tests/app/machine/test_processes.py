"""Commands in processes of their own, which end with whoever started them."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from app.machine.processes import last_words, start

PARENT = """
import sys, time
from pathlib import Path
from app.machine.processes import start
with start(["serve", "--port", "0", sys.argv[1]], Path(sys.argv[2])) as child:
    print(child.pid, flush=True)
    child.wait()
"""


def test_a_command_is_run_and_what_it_said_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"

    with start(["evaluate", str(tmp_path)], log) as child:
        code = child.wait()

    assert code == 1
    assert "is not a run folder" in last_words(log)
    said = log.read_text()  # not how well TensorFlow was loaded
    assert "InitializeLog" not in said
    assert not re.search("^I0000", said, re.MULTILINE)
    assert last_words(tmp_path / "none") == ""


def test_no_process_outlives_the_one_that_started_it(
    tmp_path: Path, tiny_run: Path
) -> None:
    """kill -9 asks nobody: the command notices by itself."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tiny_run), str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert parent.stdout is not None
    with parent:
        child = int(parent.stdout.readline())
        os.kill(child, 0)  # it is there
        parent.send_signal(signal.SIGKILL)
        parent.wait()

    for _ in range(200):
        if _has_ended(child):
            return
        time.sleep(0.1)
    raise AssertionError("the command goes on")


def _has_ended(process: int) -> bool:
    """Whoever inherits it may be slow to reap it: a zombie has ended too."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"
