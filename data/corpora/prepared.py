"""Prepared corpora: text that TensorFlow Datasets (TFDS) keeps on disk.

A TFDS builder writes the text to disk once; later runs only read it.
"""

from __future__ import annotations

import hashlib
import io
import logging
import shutil
import zlib
from collections.abc import Iterator, Sequence
from contextlib import (
    ExitStack,
    contextmanager,
    redirect_stdout,
    suppress,
)
from dataclasses import dataclass, field
from pathlib import Path

import tensorflow_datasets as tfds

from data import text
from data.corpora.corpus import Corpus, Pair
from data.corpora.places import Places
from data.errors import GlimpseError
from data.writing import after_others

logger = logging.getLogger(__name__)

_STAMP = "made_from.sha256"  # file with the checksum of raw files and code
_TEXT = "text.crc32"  # file with the checksum of the training text
# Files are read one after the other, to keep the order.
_IN_ORDER = tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1)
_BATCH = 1024  # sentences read at a time; one by one is ten times slower


@dataclass(frozen=True)
class PreparedCorpus(Corpus):
    """Corpus that is read from the data that a TFDS builder prepared.

    Attributes:
        builder: TFDS builder that has prepared the data.
        folder: folder of the raw files; None if the corpus has no raw files.
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
        return _text_checksum(self.builder)

    def _columns(
        self, split: str, names: Sequence[str]
    ) -> Iterator[tuple[str, ...]]:
        self._check(split)
        dataset = self.builder.as_dataset(
            split=split,
            shuffle_files=False,
            read_config=_IN_ORDER,
        )
        for batch in dataset.batch(_BATCH).as_numpy_iterator():
            columns = (batch[name] for name in names)
            for row in zip(*columns, strict=True):
                yield tuple(cell.decode() for cell in row)


def prepared(
    name: str,
    code: Path,
    raw_files: Sequence[Path],
    places: Places,
) -> tfds.core.DatasetBuilder:
    """Return a TFDS builder whose prepared data is up to date.

    The data is prepared if it is missing, or if the raw files or the code have
    changed since it was prepared.

    Args:
        name: name of the builder in the registry of TFDS.
        code: path of the module that defines the builder; for a package, the
            path of its `__init__.py`.
        raw_files: paths of the files that the builder reads, all in the same
            folder, which becomes the builder's manual directory.
        places: folders of data; its `cache_dir` is for the prepared data.

    Raises:
        GlimpseError: the folder for prepared data cannot be written to.
    """
    made_from = _fingerprint([*_code(code), *raw_files])
    folder = raw_files[0].parent if raw_files else None
    builder = _builder(name, places)
    if _stamp(builder) == made_from:
        return builder
    with _one_at_a_time(builder):
        # Another process may have prepared the data meanwhile.
        if _stamp(builder) != made_from:
            logger.info("Preparing corpus %s", name)
            shutil.rmtree(builder.data_path, ignore_errors=True)
            _prepare(_builder(name, places), folder)
            Path(builder.data_path, _STAMP).write_text(made_from)
    return _builder(name, places)


def _builder(name: str, places: Places) -> tfds.core.DatasetBuilder:
    return tfds.builder_cls(name)(data_dir=places.cache_dir)


def _prepare(builder: tfds.core.DatasetBuilder, folder: Path | None) -> None:
    tfds.disable_progress_bar()
    # TFDS prints to standard output, which is only for results.
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


def _text_checksum(builder: tfds.core.DatasetBuilder) -> str:
    """Return the CRC-32 of the training text, in hexadecimal.

    The checksum is computed once and stored in a file beside the prepared
    data.
    """
    path = Path(builder.data_path, _TEXT)
    if path.is_file():
        return path.read_text()
    checksum = 0
    names = sorted(builder.info.features)
    dataset = builder.as_dataset(split="train", read_config=_IN_ORDER)
    for batch in dataset.batch(_BATCH).as_numpy_iterator():
        for row in zip(*(batch[name] for name in names), strict=True):
            checksum = zlib.crc32(repr(row).encode(), checksum)
    found = f"{checksum:08x}"
    with suppress(OSError):  # the cache may not be writable
        path.write_text(found)
    return found


@contextmanager
def _one_at_a_time(builder: tfds.core.DatasetBuilder) -> Iterator[None]:
    root = Path(builder.data_path).parents[1]
    with ExitStack() as lock:
        try:
            root.mkdir(parents=True, exist_ok=True)
            lock.enter_context(after_others(root / f".{builder.name}.lock"))
        except OSError as error:
            raise GlimpseError(
                f"Prepared data cannot be written to {root} "
                f"({error.strerror or error}): name another folder with "
                "--cache-dir."
            ) from error
        yield
