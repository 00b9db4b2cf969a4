"""Translation sets of TensorFlow Datasets: made up by its mock, and real."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from data import GlimpseError, Places, load_corpus

PAIRS = [
    (f"The  cat {place}.", f"Le\u00a0chat {place}.") for place in range(60)
]


class TinyTranslation(tfds.core.GeneratorBasedBuilder):
    """A set of the catalogue without validation and test."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.Translation(languages=["en", "fr"]),
        )

    def _split_generators(self, manager: object) -> dict[str, Iterator]:
        return {"train": self._generate_examples()}

    def _generate_examples(self) -> Iterator:
        for place, (english, french) in enumerate(PAIRS):
            yield place, {"en": english, "fr": french}


class TinySplit(TinyTranslation):
    """One with a validation split."""

    def _split_generators(self, manager: object) -> dict[str, Iterator]:
        both = list(self._generate_examples())
        return {"train": iter(both[:50]), "validation": iter(both[50:])}


def test_a_split_of_a_set_has_a_sample(tmp_path: Path) -> None:
    corpus = load_corpus("tfds:tiny_split", places=Places(cache_dir=tmp_path))
    assert corpus.size("validation") == 10
    for split in corpus.splits:
        assert corpus.sample(split) == list(corpus.pairs(split))


def test_a_set_is_prepared_normalised_and_split(tmp_path: Path) -> None:
    corpus = load_corpus(
        "tfds:tiny_translation", places=Places(cache_dir=tmp_path)
    )
    assert corpus.splits == ("train", "validation", "test")
    found = [pair for split in corpus.splits for pair in corpus.pairs(split)]
    assert sorted(found) == sorted(
        (one.replace("  ", " "), other.replace("\u00a0", " "))
        for one, other in PAIRS
    )
    assert corpus.size("validation") == corpus.size("test") == 3
    assert list(corpus.pairs("train")) == list(corpus.pairs("train"))
    assert corpus.sample() == list(corpus.pairs("train"))
    turned = load_corpus(
        "tfds:tiny_translation",
        source="fr",
        target="en",
        places=Places(cache_dir=tmp_path),
    )
    assert next(turned.pairs("train"))[0].startswith("Le chat")


def test_a_large_set_is_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.corpora.catalogue.SAMPLE_SIZE", 40)
    corpus = load_corpus(
        "tfds:tiny_translation", places=Places(cache_dir=tmp_path)
    )
    held = corpus.size("validation") + corpus.size("test")
    assert len(corpus.sample()) == 40 - held
    assert len(list(corpus.pairs("train"))) == 60 - held


def test_the_catalogue_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The mock knows features, but no splits, of what was never prepared.
    counts = {"train": 50, "validation": 7, "test": 11}
    splits = tfds.core.splits.SplitDict(
        tfds.core.SplitInfo(name=name, shard_lengths=[count], num_bytes=1)
        for name, count in counts.items()
    )
    monkeypatch.setattr(tfds.core.DatasetInfo, "splits", splits)
    with tfds.testing.mock_data(num_examples=50):
        corpus = load_corpus(
            "tfds:wmt14_translate/fr-en", places=Places(cache_dir=tmp_path)
        )
        assert corpus.splits == ("train", "validation", "test")
        assert {each: corpus.size(each) for each in counts} == counts
        pairs = list(corpus.pairs("train"))
        assert len(pairs) == 50
        assert all(one and other for one, other in pairs)
        with pytest.raises(
            GlimpseError, match="from 'en' into 'de': its texts are "
        ):
            load_corpus(
                "tfds:wmt14_translate/fr-en",
                target="de",
                places=Places(cache_dir=tmp_path),
            )


@pytest.mark.parametrize("name", ["tfds:no_such_set", "tfds:", "tfds:a b"])
def test_a_set_that_there_is_not(name: str, tmp_path: Path) -> None:
    with pytest.raises(
        GlimpseError, match=rf"cannot provide {name} .*wmt14_translate/fr-en"
    ):
        load_corpus(name, places=Places(cache_dir=tmp_path))


def test_a_set_that_is_no_translation(tmp_path: Path) -> None:
    with (
        tfds.testing.mock_data(num_examples=5),
        pytest.raises(GlimpseError, match=r"mnist cannot .*texts are none"),
    ):
        load_corpus("tfds:mnist", places=Places(cache_dir=tmp_path))
