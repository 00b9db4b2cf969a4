"""Attention as data: functions that turn attention weights into results.

The functions merge attention weights of pieces of words into weights of words,
derive word alignments (sets of links) from the weights, score word alignments
against gold alignments, and summarise attention in a few numbers.
"""

from app.alignment.export import save_npz
from app.alignment.extraction import (
    HEURISTICS,
    flipped,
    grow_diag_final_and,
    intersection,
    links,
    union,
)
from app.alignment.scoring import (
    AlignmentScore,
    score_alignments,
    scores_table,
    scores_to_json,
    warn_if_from_one,
)
from app.alignment.summaries import (
    AttentionSummary,
    coverage,
    diagonality,
    entropy,
    fertility,
    summarise,
)
from app.alignment.views import (
    FORESIGHT,
    MAIN_READING,
    OF_GIVEN,
    POSTERIOR,
    READINGS,
    View,
    after,
    before,
    merge,
    rounded,
)
from data.links import Gold, Link, parse_pharaoh, to_pharaoh
from data.modalities import END

__all__ = [
    "END",
    "FORESIGHT",
    "HEURISTICS",
    "MAIN_READING",
    "OF_GIVEN",
    "POSTERIOR",
    "READINGS",
    "AlignmentScore",
    "AttentionSummary",
    "Gold",
    "Link",
    "View",
    "after",
    "before",
    "coverage",
    "diagonality",
    "entropy",
    "fertility",
    "flipped",
    "grow_diag_final_and",
    "intersection",
    "links",
    "merge",
    "parse_pharaoh",
    "rounded",
    "save_npz",
    "score_alignments",
    "scores_table",
    "scores_to_json",
    "summarise",
    "to_pharaoh",
    "union",
    "warn_if_from_one",
]
