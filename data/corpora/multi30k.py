"""Multi30k, task 1: image captions in English, French and German."""

import re
from collections.abc import Iterator
from pathlib import Path

import tensorflow_datasets as tfds

from data.corpora.alignments import flip_links, map_links, words_of_tokens
from data.corpora.files import find_file, read_lines
from data.errors import GlimpseError
from data.text import normalise

LANGUAGES = ("en", "fr", "de")
SPLITS = {"train": "train", "validation": "val", "test": "test_2016_flickr"}
ADDRESS = (
    "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/"
)
_GOLD = "gold_alignments.test_2016_flickr.en-fr.txt"


class Multi30k(tfds.core.GeneratorBasedBuilder):
    """TFDS builder "multi30k": 29,000, 1,014 and 1,000 captions, as
    `data.normalise` writes them, in the order of the files.

    Its manual directory holds the files `raw_files` names.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put {train,val,test_2016_flickr}.{en,fr,de}.gz into the manual "
        f"directory; they come from {ADDRESS}NAME.gz."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {language: tfds.features.Text() for language in LANGUAGES}
        return tfds.core.DatasetInfo(
            builder=self,
            description="Image captions in three languages.",
            features=tfds.features.FeaturesDict(features),
            disable_shuffling=True,  # keeps the order of the files
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator]:
        folder = Path(dl_manager.manual_dir)
        raw_files(folder)
        return {
            split: self._generate_examples(_captions(folder, stem))
            for split, stem in SPLITS.items()
        }

    def _generate_examples(self, captions: list[tuple[str, ...]]) -> Iterator:
        for place, texts in enumerate(captions):
            features = zip(LANGUAGES, map(normalise, texts), strict=True)
            yield place, dict(features)


def raw_files(folder: Path | None) -> list[Path]:
    """Return the nine files the corpus is made of, in a fixed order.

    Raises:
        GlimpseError: `folder` is not known, or a file is not in it.
    """
    names = [
        f"{stem}.{language}"
        for stem in SPLITS.values()
        for language in LANGUAGES
    ]
    found = [find_file(folder, name) if folder else None for name in names]
    missing = [
        f"{name}.gz"
        for name, path in zip(names, found, strict=True)
        if path is None
    ]
    if missing:
        place = f"not in {folder}" if folder else "in no folder that was named"
        raise GlimpseError(
            f"Corpus multi30k wants {', '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} {place}: fetch each from "
            f"{ADDRESS}NAME.gz into the folder multi30k of a data directory, "
            "and name that directory with --data-dir or GLIMPSE_DATA_DIR."
        )
    return [path for path in found if path]


def processed_references(
    folder: Path, split: str, target: str
) -> list[str] | None:
    """Return the split in `target`, lower-cased, normalised and tokenised by
    Moses, as the published figures are counted; None if it is not in `folder`.
    """
    name = f"{SPLITS[split]}.lc.norm.tok.{target}"
    path = find_file(folder, name)
    return read_lines(path) if path else None


def gold_alignments(
    folder: Path, split: str, source: str, target: str
) -> dict[int, str] | None:
    """Return hand-made word alignments, or None if there are none.

    Returns:
        Pharaoh links (`i-j` sure, `ipj` possible) over `data.words` of the
        raw sentences, by the sentence's place in the split, from 0.
    """
    path = folder / _GOLD
    if split != "test" or {source, target} != {"en", "fr"}:
        return None
    if not path.is_file():
        return None
    english = _word_maps(folder, split, "en")
    french = _word_maps(folder, split, "fr")
    if english is None or french is None:
        return None
    gold = {}
    for line in read_lines(path):
        place, links = _gold_line(path, line)
        mapped = map_links(links, english[place], french[place])
        gold[place] = mapped if source == "en" else flip_links(mapped)
    return gold


def _captions(folder: Path, stem: str) -> list[tuple[str, ...]]:
    paths = [find_file(folder, f"{stem}.{each}") for each in LANGUAGES]
    columns = [read_lines(path) for path in paths if path]
    for path, column in zip(paths, columns, strict=True):
        if len(column) != len(columns[0]):
            raise GlimpseError(
                f"{paths[0]} has {len(columns[0])} lines and {path} has "
                f"{len(column)}, but line by line they should be translations "
                "of each other: fetch both again."
            )
    return list(zip(*columns, strict=True))


def _gold_line(path: Path, line: str) -> tuple[int, str]:
    match = re.fullmatch(r"(\d+)\t((\d+[-p]\d+ ?)*)", line)
    if not match:
        raise GlimpseError(
            f"{path} has the line '{line}', but each should be a sentence's "
            "number, a tab and links such as '0-0 1p2': fetch it again."
        )
    return int(match[1]), match[2]


def _word_maps(
    folder: Path, split: str, language: str
) -> list[list[tuple[int, ...]]] | None:
    processed = processed_references(folder, split, language)
    raw = find_file(folder, f"{SPLITS[split]}.{language}")
    if processed is None or raw is None:
        return None
    return [
        words_of_tokens(tokens.split(), normalise(text), language)
        for tokens, text in zip(processed, read_lines(raw), strict=True)
    ]
