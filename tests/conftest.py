"""What all tests share: quiet TensorFlow, the real corpora, one TFDS cache."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a core of its own
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")


def pytest_collection_finish() -> None:
    """Leave what is imported out of each collection of garbage."""
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def little_to_collect() -> Iterator[None]:
    """Leave out what stays of a module too, such as graphs that Keras keeps.

    Collections took seconds at the end, and some tests ask for them.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the real corpora; skips the test where there is none."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GLIMPSE_DATA_DIR") or beside)
    if not (folder / "multi30k").is_dir():
        pytest.skip("needs the real corpora: set GLIMPSE_DATA_DIR")
    return folder


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder of prepared corpora for the whole session."""
    return tmp_path_factory.mktemp("tfds")
