"""The corpora, each in a module of its own, and the way to open one."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from data.corpora import parallel_text
from data.corpora.corpus import Corpus, Example, Pair
from data.corpora.places import Places
from data.errors import GlimpseError

__all__ = ["CORPORA", "HELD_OUT", "Corpus", "Example", "Pair", "load_corpus"]

HELD_OUT = 2_000  # source sentences of a split that is taken from training

_CATALOGUE = "tfds:"  # begins the names of sets of TensorFlow Datasets
_FIXED = ("phrasebook", "multi30k", "tatoeba")  # their modules' names, too
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
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
) -> Corpus:
    """Return a corpus, prepared on first use and again when its files change.

    Args:
        name: one of `CORPORA`, or "tfds:" and the name of a translation set of
            the TensorFlow Datasets catalogue, "tfds:wmt14_translate/fr-en".
        source: code of the language to translate from.
        target: code of the language to translate into.
        train: files of "parallel_text", plain or packed: two that correspond
            line by line, or a TSV. The other corpora take no files.
        validation: files of this split, instead of a part of training.
        test: files of this split, instead of a part of training.
        held_out: source sentences of a split that is taken from training,
            where a corpus has none.
        data_dir: where raw files are, those of "multi30k" and "tatoeba" in
            folders of these names; by default the environment variable
            `GLIMPSE_DATA_DIR`. It is only read: what is missing is downloaded
            into `cache_dir`.
        cache_dir: where prepared data goes; by default where TFDS puts it.

    Raises:
        GlimpseError: an unknown corpus or language, or raw files that are
            missing or damaged.
    """
    places = Places(data_dir, cache_dir)
    files = {"train": train, "validation": validation, "test": test}
    if name == parallel_text.NAME:
        return parallel_text.load(source, target, places, files, held_out)
    given = [f"corpus.{split}" for split, names in files.items() if names]
    if given:
        raise GlimpseError(
            f"Corpus {name} got {' and '.join(given)}, but only the corpus "
            f"{parallel_text.NAME} takes files: set corpus.name="
            f"{parallel_text.NAME}, or leave them out."
        )
    # Modules on demand: TFDS, which they need, takes long to import.
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


def _unknown(name: str) -> GlimpseError:
    near = difflib.get_close_matches(name, CORPORA, n=1)
    hint = f"did you mean '{near[0]}'" if near else "choose one of those"
    return GlimpseError(
        f"There is no corpus '{name}', only {', '.join(CORPORA)} and "
        f"{_CATALOGUE}NAME for a set of TensorFlow Datasets: {hint}?"
    )
