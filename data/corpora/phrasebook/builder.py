"""The phrasebook as a TensorFlow dataset."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tensorflow_datasets as tfds

from data.corpora.alignments import flip_links
from data.corpora.phrasebook.corpus import splits
from data.corpora.phrasebook.surface import Pair
from data.corpora.places import Places
from data.corpora.prepared import PreparedCorpus, prepared

LANGUAGES = ("en", "fr")


@dataclass(frozen=True)
class PhrasebookCorpus(PreparedCorpus):
    """The phrasebook with its gold alignments, which all splits have."""

    def gold_alignments(self, split: str) -> dict[int, str]:
        turn = str if self.source == "en" else flip_links
        links = self._columns(split, ["alignment"])
        return {place: turn(line) for place, (line,) in enumerate(links)}


def load(source: str, target: str, places: Places) -> PhrasebookCorpus:
    """Return the corpus, drawn from the grammar when it is first wanted."""
    package = Path(__file__).with_name("__init__.py")
    builder = prepared("phrasebook", package, cache_dir=places.cache_dir)
    return PhrasebookCorpus("phrasebook", source, target, builder)


class Phrasebook(tfds.core.GeneratorBasedBuilder):
    """English and French sentences with exact gold word alignments.

    The corpus is drawn from rules and a lexicon when it is prepared, the same
    each time; nothing is downloaded. `docs/phrasebook.md` describes it.
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
        self, pairs: list[Pair]
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
