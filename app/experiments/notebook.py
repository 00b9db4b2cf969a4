"""Execution of the project's notebooks, and access to the runs they show."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from app.runs import Run
from data import GlimpseError
from data.writing import replacing

FOLDER = Path(__file__).parents[2] / "runs" / "notebooks"
CELL_SECONDS = 600  # time limit of a cell


def open_runs(*names: str) -> dict[str, Run]:
    """Open the runs that a notebook shows.

    A run is the folder of a trained model. The runs are read from the folder
    that the environment variable GLIMPSE_RUNS names. If it is not set, they are
    read from the folder to which `make notebooks` writes.

    Args:
        names: names of runs in the plan notebooks/runs.yaml.

    Returns:
        The runs by name.

    Raises:
        GlimpseError: some of the runs have not been trained and measured yet.
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
            "with 'make notebooks' (about half an hour on two cores), "
            "or name their folder in GLIMPSE_RUNS"
        )
    return {name: Run.open(path) for name, path in folders.items()}


def execute(path: Path, kernel: AsyncKernelManager | None = None) -> None:
    """Run a notebook from start to end, and save its outputs in its file.

    Execution times are not saved. If a cell is tagged "quiet", its outputs on
    stderr are not saved either. Therefore the file does not change if the
    notebook is run again with the same models.

    Args:
        path: file of the notebook.
        kernel: manager of the Jupyter kernel to run the notebook in; the kernel
            may be running already. None to start a new kernel.

    Raises:
        GlimpseError: a cell failed; the file is left unchanged.
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
            client.kc.stop_channels()  # the given kernel stays alive
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
    """Run notebooks one after the other, and save each in its own file.

    Args:
        paths: files of the notebooks.

    Returns:
        The exit code: 0, or 1 if a notebook failed. After a failure the
        remaining notebooks are not run.
    """
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
