"""The embedded corpus: a grammar that writes English and French at once."""

from data.corpora.phrasebook.builder import Phrasebook
from data.corpora.phrasebook.corpus import splits

__all__ = ["Phrasebook", "splits"]
