"""Tatoeba corpus: everyday sentences in English and French.

The raw file is a list of sentence pairs for the flashcard program Anki.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tensorflow_datasets as tfds

from data.corpora.corpus import (
    Example,
    Pair,
    split_key,
    with_all_references,
)
from data.corpora.download import RemoteFile, fetch
from data.corpora.places import Places
from data.corpora.prepared import PreparedCorpus, prepared
from data.errors import GlimpseError
from data.text import normalise

LANGUAGES = ("en", "fr")
FILE = RemoteFile(
    "fra-eng.zip",
    "http://www.manythings.org/anki/fra-eng.zip",
    # Version of 2019-04-07. The public file is updated from time to time.
    "161c93f18da3a7e6df611ed961426613260de8af06ccf8c79c977afe5135ac44",
    strict=False,
)
HELD_OUT = 5_000  # number of English sentences in validation, and in test


@dataclass(frozen=True)
class TatoebaCorpus(PreparedCorpus):
    """Tatoeba corpus, whose sentences have one or more translations."""

    def examples(self, split: str) -> list[Example]:
        return with_all_references(self.pairs(split))


class TatoebaEnFr(tfds.core.GeneratorBasedBuilder):
    """TFDS builder "tatoeba_en_fr" of pairs of normalised sentences.

    `data.normalise` normalises the sentences. Each English sentence is in one
    split only. The English sentences are sorted by their SHA-256: the first are
    in validation, the next in test, and the rest in training. As a result, only
    a few sentences change to another split when the published list grows. The
    builder's manual directory must hold fra-eng.zip. The sentences are from
    manythings.org/anki and tatoeba.org, under the licence CC-BY 2.0.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Put {FILE.name} into the manual directory; it is from {FILE.address}."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {language: tfds.features.Text() for language in LANGUAGES}
        return tfds.core.DatasetInfo(
            builder=self,
            description="Everyday sentences in English and French.",
            features=tfds.features.FeaturesDict(features),
            disable_shuffling=True,  # keeps the order of the list
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator]:
        pairs = read_pairs(Path(dl_manager.manual_dir) / FILE.name)
        return {
            split: self._generate_examples(chosen)
            for split, chosen in split_pairs(pairs).items()
        }

    def _generate_examples(self, pairs: list[Pair]) -> Iterator:
        for place, pair in enumerate(pairs):
            yield place, dict(zip(LANGUAGES, pair, strict=True))


def load(source: str, target: str, places: Places) -> TatoebaCorpus:
    """Return the Tatoeba corpus in one direction of translation.

    Its raw file is downloaded if it is missing, and the corpus is prepared on
    disk at the first use.

    Args:
        source: code of the language translated from.
        target: code of the language translated into.
        places: folders of raw files and of prepared data.

    Raises:
        GlimpseError: the file can't be downloaded, or is damaged.
    """
    path = places.raw / "tatoeba" / FILE.name if places.raw else None
    if path is None or not path.is_file():
        path = fetch(FILE, places.downloads / "tatoeba")
    builder = prepared("tatoeba_en_fr", Path(__file__), [path], places)
    return TatoebaCorpus("tatoeba", source, target, builder, path.parent)


def read_pairs(path: Path) -> list[Pair]:
    """Return the normalised pairs (English, French) of fra-eng.zip.

    The archive holds the table fra.txt. Each of its lines has an English
    sentence, a French sentence and, in newer versions, the origin of the two
    sentences, separated by tabs.

    Raises:
        GlimpseError: the archive is damaged, or has no such table.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (name,) = (
                name
                for name in archive.namelist()
                if name.rpartition("/")[2] == "fra.txt"
            )
            lines = archive.read(name).decode("utf-8").split("\n")
    # The type of error that zipfile raises depends on the damage.
    except Exception as error:
        raise GlimpseError(
            f"{path} cannot be read as a zip archive with one fra.txt in UTF-8 "
            f"({error}): fetch it again from {FILE.address}."
        ) from error
    return [
        _pair(path, number, line)
        for number, line in enumerate(lines, start=1)
        if line
    ]


def split_pairs(
    pairs: list[Pair], held_out: int = HELD_OUT
) -> dict[str, list[Pair]]:
    """Divide pairs into training, validation and test.

    All pairs with the same English sentence go to the same split.

    Args:
        pairs: pairs (English, French).
        held_out: number of different English sentences in validation; test has
            the same number.

    Returns:
        Mapping whose keys are names of splits, and whose values are the pairs
        of these splits.
    """
    english = sorted({source for source, _ in pairs}, key=split_key)
    where = dict.fromkeys(english, "train")
    where |= dict.fromkeys(english[:held_out], "validation")
    where |= dict.fromkeys(english[held_out : 2 * held_out], "test")
    splits: dict[str, list[Pair]] = {"train": [], "validation": [], "test": []}
    for pair in pairs:
        splits[where[pair[0]]].append(pair)
    return splits


def _pair(path: Path, number: int, line: str) -> Pair:
    columns = line.split("\t")
    if len(columns) not in (2, 3):
        raise GlimpseError(
            f"{path} has {len(columns)} columns in line {number} of fra.txt, "
            "but English, French and at most their origin are wanted: fetch it "
            f"again from {FILE.address}."
        )
    return normalise(columns[0]), normalise(columns[1])
