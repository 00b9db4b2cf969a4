"""Metrics of translation quality: how each is computed and compared."""

from app.metrics.table import (
    EVALUATED,
    METRICS,
    TRAINED_BY,
    WATCHED,
    Metric,
    Outcome,
    metric,
)
from app.metrics.text import Score

__all__ = [
    "EVALUATED",
    "METRICS",
    "TRAINED_BY",
    "WATCHED",
    "Metric",
    "Outcome",
    "Score",
    "metric",
]
