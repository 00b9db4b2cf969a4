"""Search for the likeliest outputs of a model, or for some drawn at random."""

from models.search.extensions import BLOCK, Unnormalised
from models.search.found import Hypotheses
from models.search.options import SearchOptions
from models.search.rules import Rule, SentenceRule, forbid
from models.search.scores import penalty
from models.search.searching import search
from models.search.walk import StepFunction

__all__ = [
    "BLOCK",
    "Hypotheses",
    "Rule",
    "SearchOptions",
    "SentenceRule",
    "StepFunction",
    "Unnormalised",
    "forbid",
    "penalty",
    "search",
]
