"""Corpora of fixed text: TFDS builders, and how they are built and read."""

from __future__ import annotations

import fcntl
import hashlib
import io
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow_datasets as tfds

from data import text
from data.corpora.corpus import Corpus, Pair
from data.errors import GlimpseError

logger = logging.getLogger(__name__)

_STAMP = "made_from.sha256"
_BATCH = 1024  # sentences read at a time; one by one is ten times slower


@dataclass(frozen=True)
class PreparedCorpus(Corpus):
    """A corpus that TFDS holds prepared on disk.

    Attributes:
        builder: the TFDS builder, prepared.
        folder: the raw files, where the corpus has some.
    """

    builder: tfds.core.DatasetBuilder = field(repr=False, compare=False)
    folder: Path | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        return tuple(self.builder.info.splits)

    def size(self, split: str) -> int:
        self._check(split)
        return self.builder.info.splits[split].num_examples

    def pairs(self, split: str) -> Iterator[Pair]:
        for each in self._columns(split, (self.source, self.target)):
            yield each[0], each[1]

    def fingerprint(self) -> str:
        return _stamp(self.builder) or ""

    def _columns(
        self, split: str, names: Sequence[str]
    ) -> Iterator[tuple[str, ...]]:
        self._check(split)
        dataset = self.builder.as_dataset(
            split=split,
            shuffle_files=False,
            # One file after the other, or the order would be another one.
            read_config=tfds.ReadConfig(
                try_autocache=False, interleave_cycle_length=1
            ),
        )
        for batch in dataset.batch(_BATCH).as_numpy_iterator():
            columns = (batch[name] for name in names)
            for row in zip(*columns, strict=True):
                yield tuple(cell.decode() for cell in row)


def prepared(
    name: str,
    code: Path,
    raw_files: Sequence[Path] = (),
    cache_dir: Path | None = None,
) -> tfds.core.DatasetBuilder:
    """Return a builder of a copy made from these very files and this code.

    Args:
        name: what the builder is registered as.
        code: the module or package that defines it.
        raw_files: what it reads, all in one folder, its manual directory.
        cache_dir: where the copy is, or will be; by default TFDS's own place.
    """
    made_from = _fingerprint([*_code(code), *raw_files])
    folder = raw_files[0].parent if raw_files else None
    builder = _builder(name, cache_dir)
    if _stamp(builder) == made_from:
        return builder
    with _one_at_a_time(builder):
        # Another process may have been the first.
        if _stamp(builder) != made_from:
            logger.info("Preparing corpus %s", name)
            shutil.rmtree(builder.data_path, ignore_errors=True)
            _prepare(_builder(name, cache_dir), folder)
            Path(builder.data_path, _STAMP).write_text(made_from)
    return _builder(name, cache_dir)


def _builder(name: str, cache_dir: Path | None) -> tfds.core.DatasetBuilder:
    return tfds.builder_cls(name)(data_dir=cache_dir)


def _prepare(builder: tfds.core.DatasetBuilder, folder: Path | None) -> None:
    tfds.disable_progress_bar()
    # TFDS prints to the stream that results go to.
    with redirect_stdout(io.StringIO()):
        builder.download_and_prepare(
            download_config=tfds.download.DownloadConfig(
                manual_dir=folder, try_download_gcs=False
            )
        )


def _code(code: Path) -> list[Path]:
    package = code.name == "__init__.py"
    own = code.parent.rglob("*") if package else [code]
    return sorted(
        path
        for path in [*own, Path(text.__file__)]
        if path.is_file() and path.suffix != ".pyc"
    )


def _fingerprint(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _stamp(builder: tfds.core.DatasetBuilder) -> str | None:
    path = Path(builder.data_path, _STAMP)
    return path.read_text() if path.is_file() else None


@contextmanager
def _one_at_a_time(builder: tfds.core.DatasetBuilder) -> Iterator[None]:
    root = Path(builder.data_path).parents[1]
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = open(root / f".{builder.name}.lock", "w")  # noqa: SIM115
    except OSError as error:
        raise GlimpseError(
            f"Prepared data cannot be written to {root} "
            f"({error.strerror or error}): name another folder with "
            "--cache-dir."
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
