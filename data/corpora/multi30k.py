"""Multi30k corpus, task 1: image captions in English, French and German."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tensorflow_datasets as tfds

from data.corpora.download import RemoteFile, fetch
from data.corpora.files import find_file, read_lines
from data.corpora.multi30k_tokens import map_links, words_of_tokens
from data.corpora.places import Places
from data.corpora.prepared import PreparedCorpus, prepared
from data.errors import GlimpseError
from data.links import flip_links, parse_pharaoh
from data.text import normalise

LANGUAGES = ("en", "fr", "de")
SPLITS = {"train": "train", "validation": "val", "test": "test_2016_flickr"}
ADDRESS = (
    "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/"
)
# SHA-256 checksums: of the unpacked text of raw/NAME.gz, and of tok/NAME.
RAW = {
    "train.en": "460a15fbd157e34a7a9957ee388c1ca2"
    "47fe47af3ef25fb50442af6c274e0fc6",
    "train.fr": "5925a3c18f1587b6b54b87743106e6e8"
    "ab93618edb6f65d19eac0621f853a10d",
    "train.de": "2c2b73fd2b548fbcde3a875e0a78d6ee"
    "94d498bfdee6bd3eae3945779e9ddf72",
    "val.en": "1f2a23d992769b5b3d209b0a10dd0b77"
    "c08cceb1f20dfb97ed0aafa49d107227",
    "val.fr": "5304e444d842e962b2dda4d816b70b22"
    "a1765b15401642b7ca37a67477e708dc",
    "val.de": "660e09eb7e1da2f856ea13ee5ad3cf6d"
    "36b3d5b0b733c857e94c5747a3dfc660",
    "test_2016_flickr.en": "399a4382932c1aadd3ceb9bef1008d38"
    "8a64c76d4ae4e9d4728c6f4301cac182",
    "test_2016_flickr.fr": "cb3160d69b002bb638e66cc7612fcd56"
    "cb0af82eadc9c142dedc438afb885ef6",
    "test_2016_flickr.de": "4be6b5b3236b79c25475c6bb829800a7"
    "ce559e9ba7a1f6c2394fe4d40be46d16",
}
PROCESSED = {
    "test_2016_flickr.lc.norm.tok.en": "5b7f32627cf99eced828311b955dae98"
    "00bb52bc8b91cf8b6526829e605b29d2",
    "test_2016_flickr.lc.norm.tok.fr": "1463bd5960f9bfe098ec3cd752d3df0c"
    "49c84dc646fb518964a29232658cd836",
    "test_2016_flickr.lc.norm.tok.de": "c6a33d39d48f9f510de147651316cd9d"
    "918e09ad0219df734a2f16b6baccacc4",
}
# Source sentences that the published corpus has both in training and in
# validation.
LEAKS = frozenset(
    {
        "A man in a black shirt is singing into a microphone.",
        "Un nageur nageant dans une piscine.",
        "Le chien blanc et marron court dans l'herbe.",
        "Un homme en T-shirt noir chante dans un micro.",
        "Drei Hunde spielen im Schnee.",
    }
)
_GOLD = "gold_alignments.test_2016_flickr.en-fr.txt"


@dataclass(frozen=True)
class Multi30kCorpus(PreparedCorpus):
    """Multi30k corpus; its test split has hand-made word alignments.

    The corpus also has a second form of the test split's references, which the
    tool Moses has lower-cased, normalised and tokenised. Published scores are
    computed on this second form.
    """

    def gold_alignments(self, split: str) -> dict[int, str] | None:
        self._check(split)
        return gold_alignments(self.folder, split, self.source, self.target)

    def processed_references(self, split: str) -> list[str] | None:
        self._check(split)
        return processed_references(self.folder, split, self.target)

    def known_leaks(self) -> frozenset[str]:
        return LEAKS


def load(source: str, target: str, places: Places) -> Multi30kCorpus:
    """Return the Multi30k corpus for one pair of languages.

    Missing raw files are downloaded, and the corpus is prepared on disk at the
    first use.

    Args:
        source: code of the language translated from.
        target: code of the language translated into.
        places: folders of raw files and of prepared data.

    Raises:
        GlimpseError: the files can't be fetched, or are damaged.
    """
    folder = find_folder(places)
    files = [path for name in RAW if (path := find_file(folder, name))]
    builder = prepared("multi30k", Path(__file__), files, places)
    return Multi30kCorpus("multi30k", source, target, builder, folder)


class Multi30k(tfds.core.GeneratorBasedBuilder):
    """TFDS builder "multi30k" of captions in three languages.

    In each language, the training split has 29,000 captions, the validation
    split has 1,014, and the test split has 1,000. The captions are normalised
    by `data.normalise`, and are in the order of the raw files. The builder's
    manual directory must contain the files of `RAW`, each of which may be
    compressed as `.gz`.
    """

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Put {train,val,test_2016_flickr}.{en,fr,de}.gz into the manual "
        f"directory; they come from {ADDRESS}raw/NAME.gz."
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
        return {
            split: self._generate_examples(_captions(folder, stem))
            for split, stem in SPLITS.items()
        }

    def _generate_examples(self, captions: list[tuple[str, ...]]) -> Iterator:
        for place, texts in enumerate(captions):
            features = zip(LANGUAGES, map(normalise, texts), strict=True)
            yield place, dict(features)


def find_folder(places: Places) -> Path:
    """Return a folder that holds all raw files of Multi30k.

    It is the folder "multi30k" of the user's data directory, if all raw files
    are there. Otherwise the files are downloaded into the cache directory.

    Raises:
        GlimpseError: the user has no such folder, and a download failed.
    """
    given = places.raw / "multi30k" if places.raw else None
    missing = [name for name in RAW if not given or not find_file(given, name)]
    if given and not missing:
        return given
    downloads = places.downloads / "multi30k"
    try:
        for name, checksum in RAW.items():
            address = f"{ADDRESS}raw/{name}.gz"
            fetch(RemoteFile(f"{name}.gz", address, checksum), downloads)
        for name, checksum in PROCESSED.items():
            fetch(RemoteFile(name, f"{ADDRESS}tok/{name}", checksum), downloads)
    except GlimpseError as error:
        raise GlimpseError(
            f"Corpus multi30k wants {', '.join(f'{n}.gz' for n in missing)}, "
            f"which {'is' if len(missing) == 1 else 'are'} "
            f"{f'not in {given}' if given else 'in no folder that was named'}; "
            f"{error} Or fetch each from {ADDRESS}raw/NAME.gz into the folder "
            "multi30k of a data directory, and name that directory with "
            "--data-dir or GLIMPSE_DATA_DIR."
        ) from error
    return downloads


def processed_references(
    folder: Path | None, split: str, target: str
) -> list[str] | None:
    """Return the sentences of a split in one language, processed by Moses.

    The tool Moses has lower-cased the sentences, normalised their punctuation
    and tokenised them. Published scores are computed on this form of the text.

    Args:
        folder: folder of the raw files, if there is one.
        split: name of the split.
        target: code of the language of the sentences.

    Returns:
        One string for each sentence; None if the file is missing.
    """
    name = f"{SPLITS[split]}.lc.norm.tok.{target}"
    path = find_file(folder, name) if folder else None
    return read_lines(path) if path else None


def gold_alignments(
    folder: Path | None, split: str, source: str, target: str
) -> dict[int, str] | None:
    """Return the hand-made word alignments of a split.

    Args:
        folder: folder of the raw files, if there is one.
        split: name of the split; only "test" has alignments.
        source: code of the language translated from.
        target: code of the language translated into.

    Returns:
        Mapping whose keys are indices of sentence pairs in the split, and
        whose values are the alignments of these pairs in Pharaoh
        format: `i-j` is a sure link of source word i to target word j, and
        `ipj` a possible link. `data.words` splits the raw sentences into these
        words. The result is None if there are no alignments in this folder, for
        this split or for these languages.
    """
    if split != "test" or {source, target} != {"en", "fr"}:
        return None
    if not folder or not (path := folder / _GOLD).is_file():
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
    place, tab, links = line.partition("\t")
    try:
        if not (tab and place.isdecimal()):
            raise GlimpseError("it has no number, or no tab")
        parse_pharaoh(links)
    except GlimpseError as error:
        raise GlimpseError(
            f"{path} has the line '{line}', but each should be a sentence's "
            "number, a tab and links such as '0-0 1p2': fetch it again."
        ) from error
    return int(place), links


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
