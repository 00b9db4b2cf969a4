"""What the notebooks in notebooks/ need besides the packages.

Their runs, and a way to run them without opening them.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from app.run import Run, replacing
from data import GlimpseError

FOLDER = Path(__file__).parents[1] / "runs" / "notebooks"
CELL_SECONDS = 600  # that a cell may take


def open_runs(*names: str) -> dict[str, Run]:
    """Open runs of notebooks/runs.yaml, by name.

    They lie where `make notebooks` trains them, or where the environment
    variable GLIMPSE_RUNS says.

    Raises:
        GlimpseError: some are not trained and measured yet.
    """
    folder = Path(os.environ.get("GLIMPSE_RUNS", FOLDER))
    folders = {name: folder / f"{name}-seed1" for name in names}
    missing = [
        name
        for name, path in folders.items()
        if not (path / "evaluation" / "long.json").is_file()
    ]
    if missing:
        raise GlimpseError(
            f"The runs {', '.join(missing)} are not in {folder}; train them "
            "with make notebooks, which takes about half an hour on two cores, "
            "or say where they are by GLIMPSE_RUNS"
        )
    return {name: Run.open(path) for name, path in folders.items()}


def execute(path: Path, kernel: AsyncKernelManager | None = None) -> None:
    """Run a notebook from start to end, and keep what it shows.

    What TensorFlow says to stderr while it starts, in cells tagged "quiet", is
    left out, and so are times: the same runs give the same file.

    Args:
        path: the notebook.
        kernel: to run it in, started or not; by default one of its own.

    Raises:
        GlimpseError: a cell failed; the file is as it was.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        km=kernel,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        raise GlimpseError(f"{path} failed: {error.evalue}") from error
    finally:
        if kernel is not None and client.kc is not None:
            client.kc.stop_channels()  # it leaves another's kernel running
    for cell in notebook.cells:
        if "quiet" in cell.metadata.get("tags", ()):
            cell.outputs = [
                output
                for output in cell.outputs
                if output.get("name") != "stderr"
            ]
    with replacing(path) as beside:
        nbformat.write(notebook, beside)


def main(paths: Sequence[str]) -> int:
    """Run notebooks in place, one after the other."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for path in paths:
        print(f"Running {path}", file=sys.stderr)
        try:
            execute(Path(path))
        except GlimpseError as error:
            print(f"Error: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
