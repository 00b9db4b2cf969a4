"""Modalities: the kinds of data that a side of a training pair may have.

A pair has two sides, source and target. A modality converts the values of one
side, such as sentences, into sequences of ids, and back.
"""

from data.modalities.base import Axis, Modality, Symbols
from data.modalities.text import END, Text

__all__ = ["END", "Axis", "Modality", "Symbols", "Text"]
