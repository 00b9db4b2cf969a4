"""Phrasebook: the built-in corpus of English and French sentences.

A grammar generates each sentence together with its translation and their word
alignment.
"""

from data.corpora.phrasebook.builder import LANGUAGES, Phrasebook, load
from data.corpora.phrasebook.corpus import splits

__all__ = ["LANGUAGES", "Phrasebook", "load", "splits"]
