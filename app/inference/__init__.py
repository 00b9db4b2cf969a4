"""Inference: translation and word alignment with the model of a run."""

from app.inference.hypotheses import Hypothesis, Item, Translation
from app.inference.translator import Translator

__all__ = ["Hypothesis", "Item", "Translation", "Translator"]
