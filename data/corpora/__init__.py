"""Corpora of parallel text, and functions that open them by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

from data.corpora import parallel_text
from data.corpora.corpus import Corpus, Example, Pair
from data.corpora.evened import EvenedCorpus
from data.corpora.places import Places
from data.errors import GlimpseError
from data.naming import did_you_mean
from data.options import HELD_OUT, CleaningOptions, CorpusOptions

__all__ = [
    "CORPORA",
    "Corpus",
    "Example",
    "Pair",
    "Places",
    "load_corpus",
    "open_corpus",
]


_CATALOGUE = "tfds:"  # prefix of the names of sets of TensorFlow Datasets
_FIXED = ("phrasebook", "multi30k", "tatoeba")  # also names of their modules
CORPORA = (*_FIXED, parallel_text.NAME)


def load_corpus(
    name: str,
    *,
    source: str = "en",
    target: str = "fr",
    train: Sequence[str] = (),
    validation: Sequence[str] = (),
    test: Sequence[str] = (),
    held_out: int = HELD_OUT,
    places: Places | None = None,
) -> Corpus:
    """Return the corpus of a given name.

    A corpus of fixed text ("phrasebook", "multi30k" or "tatoeba") is prepared
    on disk at the first use, and again when its raw files or its code change.

    Args:
        name: one of `CORPORA`, or "tfds:" followed by the name of a translation
            set in the TensorFlow Datasets (TFDS) catalogue, such as
            "tfds:wmt14_translate/fr-en".
        source: code of the language to translate from.
        target: code of the language to translate into.
        train: names of the training files, only for the corpus
            "parallel_text": either two files that correspond line by line, or
            one TSV file with source and target. A file may be compressed.
        validation: names of the validation files, as in `train`. If there are
            none, validation pairs are taken from the training text.
        test: names of the test files, as in `train`. If there are none, test
            pairs are taken from the training text.
        held_out: number of source sentences to take from the training text for
            each split that "parallel_text" or a TFDS set lacks.
        places: folders of raw files and of prepared data, by default
            `Places()`. The folder of raw files has subfolders "multi30k" and
            "tatoeba" for the files of these corpora.

    Raises:
        GlimpseError: the corpus is unknown or lacks a language, raw files are
            missing or damaged, files are given for another corpus than
            "parallel_text", or there is too little text to take a split from.
    """
    places = places or Places()
    files = {"train": train, "validation": validation, "test": test}
    if name == parallel_text.NAME:
        return parallel_text.load(source, target, places, files, held_out)
    _refuse_files(name, files)
    # Imported on demand: these modules need TFDS, which takes long to import.
    if name.startswith(_CATALOGUE):
        from data.corpora import catalogue

        return catalogue.load(name, source, target, places, held_out)
    if name not in _FIXED:
        raise _unknown(name)
    module = import_module(f"{__name__}.{name}")
    if source == target or not {source, target} <= set(module.LANGUAGES):
        raise GlimpseError(
            f"Corpus {name} cannot be translated from '{source}' into "
            f"'{target}': give two different ones of "
            f"{', '.join(module.LANGUAGES)} as source and target."
        )
    return module.load(source, target, places)


def _refuse_files(name: str, files: Mapping[str, Sequence[str]]) -> None:
    given = [f"corpus.{split}" for split, names in files.items() if names]
    if given:
        raise GlimpseError(
            f"Corpus {name} got {' and '.join(given)}, but only the corpus "
            f"{parallel_text.NAME} takes files: set corpus.name="
            f"{parallel_text.NAME}, or leave them out."
        )


def open_corpus(
    options: CorpusOptions, cleaning: CleaningOptions, places: Places
) -> Corpus:
    """Return the corpus that `options` describe.

    If `cleaning.even` is true, the training text is evened out: each
    apostrophe, quote, ellipsis and full-width letter is replaced by its most
    frequent form in the training text.

    Args:
        options: name, languages and files of the corpus.
        cleaning: options of cleaning; only `even` is used here.
        places: folders of raw files and of prepared data.

    Raises:
        GlimpseError: see `load_corpus`.
    """
    corpus = load_corpus(
        options.name,
        source=options.source,
        target=options.target,
        train=options.train,
        validation=options.validation,
        test=options.test,
        held_out=options.held_out,
        places=places,
    )
    return EvenedCorpus.of(corpus) if cleaning.even else corpus


def _unknown(name: str) -> GlimpseError:
    hint = did_you_mean(name, CORPORA) or "; choose one of those"
    return GlimpseError(
        f"There is no corpus '{name}', only {', '.join(CORPORA)} and "
        f"{_CATALOGUE}NAME for a set of TensorFlow Datasets{hint}"
    )
