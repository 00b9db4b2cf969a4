"""Translation sets of the TensorFlow Datasets (TFDS) catalogue, as corpora."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stdout

import tensorflow_datasets as tfds

from data.corpora.corpus import SAMPLE_SIZE, Pair
from data.corpora.places import Places
from data.corpora.streamed import Stream, StreamedCorpus, with_all_splits
from data.errors import GlimpseError
from data.text import normalise

_BATCH = 1024  # pairs read at a time


def load(
    name: str, source: str, target: str, places: Places, held_out: int
) -> StreamedCorpus:
    """Return a translation set of TFDS as a corpus.

    TFDS downloads and prepares the set at the first use.

    Args:
        name: "tfds:" followed by the set's name, configuration and, optionally,
            version, such as "tfds:wmt14_translate/fr-en".
        source: code of the language translated from.
        target: code of the language translated into.
        places: folders of data; TFDS stores the prepared set in `cache_dir`.
        held_out: number of source sentences to take from the training text for
            each split (validation or test) that the set lacks.

    Raises:
        GlimpseError: there is no such set, it can't be fetched, it has no
            training split, it has no sentences in these languages, or it is too
            small to take a split from.
    """
    builder = _builder(name, places)
    _check_languages(name, builder, source, target)
    streams = {
        split: _stream(builder, split, source, target)
        for split in builder.info.splits
    }
    if "train" not in streams:
        raise GlimpseError(
            f"{name} has the splits {', '.join(streams) or '(none)'} and no "
            "'train': choose a set that can be trained on."
        )
    return with_all_splits(name, source, target, streams, held_out)


def _builder(name: str, places: Places) -> tfds.core.DatasetBuilder:
    try:
        # TFDS prints to standard output, which is only for results.
        with redirect_stdout(io.StringIO()):
            builder = tfds.builder(
                name.partition(":")[2], data_dir=places.cache_dir
            )
            builder.download_and_prepare()
    # The set's own code runs here, and may raise any error.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise GlimpseError(
            f"TensorFlow Datasets cannot provide {name} ({reason}): give a "
            "translation set of its catalogue, such as "
            "tfds:wmt14_translate/fr-en, prepared below --cache-dir or "
            "downloadable."
        ) from error
    return builder


def _check_languages(
    name: str, builder: tfds.core.DatasetBuilder, source: str, target: str
) -> None:
    features = builder.info.features or {}
    texts = [
        key
        for key, feature in features.items()
        if isinstance(feature, tfds.features.Text)
    ]
    if source == target or not {source, target} <= set(texts):
        raise GlimpseError(
            f"{name} cannot be translated from '{source}' into '{target}': its "
            f"texts are {', '.join(texts) or 'none'}, so give two of these as "
            "corpus.source and corpus.target."
        )


def _stream(
    builder: tfds.core.DatasetBuilder, split: str, source: str, target: str
) -> Stream:
    def read(split: str) -> Iterator[Pair]:
        config = tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1)
        dataset = builder.as_dataset(split=split, read_config=config)
        for batch in dataset.batch(_BATCH).as_numpy_iterator():
            for pair in zip(batch[source], batch[target], strict=True):
                yield (normalise(pair[0].decode()), normalise(pair[1].decode()))

    size = builder.info.splits[split].num_examples
    # TFDS shuffles prepared sets, so the first pairs are a fair sample.
    some = f"{split}[:{SAMPLE_SIZE}]" if size > SAMPLE_SIZE else split
    sample = list(read(some)) if split == "train" else []
    return Stream(lambda: read(split), size, sample, builder.info.full_name)
