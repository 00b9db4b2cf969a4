"""The corpora: TFDS builders, and what the application reads of them."""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import io
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow_datasets as tfds

from data import text
from data.corpora import multi30k
from data.corpora.alignments import flip_links
from data.errors import GlimpseError

if TYPE_CHECKING:
    import tensorflow as tf

logger = logging.getLogger(__name__)

_LANGUAGES = {"phrasebook": ("en", "fr"), "multi30k": multi30k.LANGUAGES}
_STAMP = "made_from.sha256"
_BATCH = 1024  # sentences read at a time; one by one is ten times slower


@dataclass(frozen=True)
class Example:
    """A sentence, its translations, and which words go together.

    Attributes:
        source: the sentence.
        references: one translation or more.
        alignment: Pharaoh links ("i-j" sure, "ipj" possible) over `data.words`
            of source and first reference; None where nobody made them.
    """

    source: str
    references: tuple[str, ...]
    alignment: str | None = None


@dataclass(frozen=True)
class Corpus:
    """A prepared corpus in one direction; `load_corpus` makes it.

    Attributes:
        name: name of the corpus.
        source: code of the language translated from.
        target: code of the language translated into.
        splits: names `dataset` and `examples` accept.
        builder: the TFDS builder, prepared.
        folder: the raw files, where the corpus has some.
    """

    name: str
    source: str
    target: str
    splits: tuple[str, ...]
    builder: tfds.core.DatasetBuilder = field(repr=False, compare=False)
    folder: Path | None = None

    def dataset(self, split: str) -> tf.data.Dataset:
        """Return pairs (source, target) of scalar strings, in file order.

        The strings are as `data.normalise` writes them.

        Raises:
            GlimpseError: there is no such split.
        """
        source, target = self.source, self.target
        return self._features(split).map(
            lambda features: (features[source], features[target])
        )

    def examples(self, split: str) -> list[Example]:
        """Return the sentences of a split, in file order.

        Raises:
            GlimpseError: there is no such split.
        """
        gold = self.gold_alignments(split) or {}
        return [
            Example(source.decode(), (target.decode(),), gold.get(place))
            for place, (source, target) in enumerate(
                _unbatched(self.dataset(split))
            )
        ]

    def gold_alignments(self, split: str) -> dict[int, str] | None:
        """Return Pharaoh links over `data.words`, by place in the split.

        None where the corpus has no gold for this split and direction.
        """
        self._check(split)
        if "alignment" in self.builder.info.features:
            return self._alignment_feature(split)
        if self.folder is None:
            return None
        return multi30k.gold_alignments(
            self.folder, split, self.source, self.target
        )

    def processed_references(self, split: str) -> list[str] | None:
        """Return the split's targets as published figures are counted on.

        That is lower-cased, with normalised punctuation and tokenised by Moses,
        one line a sentence; None where no such file was supplied.
        """
        self._check(split)
        if self.folder is None:
            return None
        return multi30k.processed_references(self.folder, split, self.target)

    def _features(self, split: str) -> tf.data.Dataset:
        self._check(split)
        return self.builder.as_dataset(
            split=split,
            shuffle_files=False,
            # One file after the other, or the order would be another one.
            read_config=tfds.ReadConfig(
                try_autocache=False, interleave_cycle_length=1
            ),
        )

    def _alignment_feature(self, split: str) -> dict[int, str]:
        links = self._features(split).map(lambda each: (each["alignment"],))
        return {
            place: line.decode()
            if self.source == "en"
            else flip_links(line.decode())
            for place, (line,) in enumerate(_unbatched(links))
        }

    def _check(self, split: str) -> None:
        if split not in self.splits:
            raise GlimpseError(
                f"Corpus {self.name} has no split '{split}': choose one of "
                f"{', '.join(self.splits)}."
            )


def load_corpus(
    name: str,
    *,
    source: str = "en",
    target: str = "fr",
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
) -> Corpus:
    """Return a corpus, prepared on first use and again when its files change.

    Args:
        name: "phrasebook" or "multi30k".
        source: code of the language to translate from.
        target: code of the language to translate into.
        data_dir: where raw files are, each corpus's in a folder of its name;
            by default the environment variable `GLIMPSE_DATA_DIR`.
        cache_dir: where prepared data goes; by default where TFDS puts it.

    Raises:
        GlimpseError: an unknown corpus or language, or raw files that are
            missing or damaged.
    """
    _check_names(name, source, target)
    folder = _folder(name, data_dir)
    raw_files = multi30k.raw_files(folder) if name == "multi30k" else []
    builder = _prepared(name, raw_files, folder, cache_dir)
    return Corpus(
        name, source, target, tuple(builder.info.splits), builder, folder
    )


def _check_names(name: str, source: str, target: str) -> None:
    if name not in _LANGUAGES:
        near = difflib.get_close_matches(name, _LANGUAGES, n=1)
        hint = f"did you mean '{near[0]}'" if near else "choose one of those"
        raise GlimpseError(
            f"There is no corpus '{name}', only {' and '.join(_LANGUAGES)}: "
            f"{hint}?"
        )
    languages = _LANGUAGES[name]
    if source == target or not {source, target} <= set(languages):
        raise GlimpseError(
            f"Corpus {name} cannot be translated from '{source}' into "
            f"'{target}': give two different ones of {', '.join(languages)} "
            "as source and target."
        )


def _folder(name: str, data_dir: Path | None) -> Path | None:
    if name == "phrasebook":
        return None
    place = data_dir or os.environ.get("GLIMPSE_DATA_DIR")
    return Path(place) / name if place else None


def _prepared(
    name: str,
    raw_files: list[Path],
    folder: Path | None,
    cache_dir: Path | None,
) -> tfds.core.DatasetBuilder:
    """Return the builder of a copy made from these very files and this code."""
    made_from = _fingerprint([*_code(name), *raw_files])
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


def _code(name: str) -> list[Path]:
    here = Path(__file__).parent
    package = here / name
    own = package.rglob("*") if package.is_dir() else [here / f"{name}.py"]
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


def _unbatched(dataset: tf.data.Dataset) -> Iterator[tuple[bytes, ...]]:
    for columns in dataset.batch(_BATCH).as_numpy_iterator():
        yield from zip(*columns, strict=True)


# Registers the builder; below, because it reads this package's modules.
from data.corpora import phrasebook  # noqa: E402, F401
