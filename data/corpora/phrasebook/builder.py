"""TensorFlow Datasets (TFDS) builder and corpus class of the phrasebook."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tensorflow_datasets as tfds

from data.corpora.phrasebook.corpus import splits
from data.corpora.phrasebook.surface import WrittenPair
from data.corpora.places import Places
from data.corpora.prepared import PreparedCorpus, prepared
from data.links import flip_links

LANGUAGES = ("en", "fr")


@dataclass(frozen=True)
class PhrasebookCorpus(PreparedCorpus):
    """Phrasebook corpus; all its splits have exact word alignments."""

    def gold_alignments(self, split: str) -> dict[int, str]:
        turn = str if self.source == "en" else flip_links
        links = self._columns(split, ["alignment"])
        return {place: turn(line) for place, (line,) in enumerate(links)}


def load(source: str, target: str, places: Places) -> PhrasebookCorpus:
    """Return the phrasebook in one direction of translation.

    At the first use, its sentences are generated and stored on disk.

    Args:
        source: code of the language translated from.
        target: code of the language translated into.
        places: folders of data; its `cache_dir` is for the prepared corpus.

    Raises:
        GlimpseError: the folder for prepared data cannot be written to.
    """
    package = Path(__file__).with_name("__init__.py")
    builder = prepared("phrasebook", package, [], places)
    return PhrasebookCorpus("phrasebook", source, target, builder)


class Phrasebook(tfds.core.GeneratorBasedBuilder):
    """TFDS builder "phrasebook" of sentence pairs and their word alignments.

    When the corpus is prepared, a grammar generates its sentences from rules
    and a lexicon. The sentences are the same each time, and nothing is
    downloaded.
    `docs/phrasebook.md` describes the corpus.
    """

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "First release."}  # noqa: RUF012, as TFDS asks

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(
            description="Simple English sentences, their French translations "
            "and gold word alignments, drawn from a synchronous grammar.",
            features=tfds.features.FeaturesDict(
                {
                    "en": tfds.features.Text(),
                    "fr": tfds.features.Text(),
                    "alignment": tfds.features.Text(doc="Pharaoh: i-j, ipj"),
                }
            ),
            supervised_keys=("en", "fr"),
            disable_shuffling=True,
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[int, dict[str, str]]]]:
        del dl_manager
        return {
            name: self._generate_examples(pairs)
            for name, pairs in splits().items()
        }

    def _generate_examples(
        self, pairs: list[WrittenPair]
    ) -> Iterator[tuple[int, dict[str, str]]]:
        for place, pair in enumerate(pairs):
            yield (
                place,
                {
                    "en": pair.english,
                    "fr": pair.french,
                    "alignment": pair.alignment,
                },
            )
