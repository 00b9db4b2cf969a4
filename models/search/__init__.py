"""Greedy search and beam search for the likeliest outputs of a model."""

from models.search.beams import penalty, search
from models.search.extensions import BLOCK, Unnormalised
from models.search.found import Hypotheses
from models.search.options import SearchOptions
from models.search.rules import Rule, forbid
from models.search.walk import StepFunction

__all__ = [
    "BLOCK",
    "Hypotheses",
    "Rule",
    "SearchOptions",
    "StepFunction",
    "Unnormalised",
    "forbid",
    "penalty",
    "search",
]
