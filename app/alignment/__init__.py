"""Attention as data: merged to words, read as links, scored, summarised."""

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
    END,
    MAIN_READING,
    POSTERIOR,
    READINGS,
    View,
    after,
    before,
    merge,
    rounded,
    token_view,
    word_view,
)
from data.links import Gold, Link, parse_pharaoh, to_pharaoh

__all__ = [
    "END",
    "HEURISTICS",
    "MAIN_READING",
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
    "summarise",
    "to_pharaoh",
    "token_view",
    "union",
    "warn_if_from_one",
    "word_view",
]
