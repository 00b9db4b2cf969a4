"""Child process that runs a command and ends when its parent process ends.

`python -m app.child COMMAND` does what `python -m app COMMAND` does. It also
ends when its parent ends for any reason, so that training never continues
without the process that waits for the result. For this, the standard input of
the child is a pipe that the parent keeps open. When the parent ends, the system
closes the pipe. A thread of the child waits until the pipe is closed, and then
ends the child.
"""

import os
import threading

FAILED_BY_ITSELF = 1


def _end_with_parent() -> None:
    # End at once: everything of value is in a checkpoint, and another process
    # that resumes the run must not find this one still training it.
    os.read(0, 1)  # sys.stdin would be locked while Python ends
    os._exit(FAILED_BY_ITSELF)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from app.__main__ import main

    main()
