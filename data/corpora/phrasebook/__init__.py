"""The embedded corpus: a grammar that writes English and French at once."""

from data.corpora.phrasebook.builder import LANGUAGES, Phrasebook, load
from data.corpora.phrasebook.corpus import splits

__all__ = ["LANGUAGES", "Phrasebook", "load", "splits"]
