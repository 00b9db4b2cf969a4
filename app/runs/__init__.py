"""Run folders, each of which contains one training of a model."""

from app.runs.folder import Run
from app.runs.history import has_history, read_history, write_history
from app.runs.opening import fewer_epochs, open_or_create
from app.runs.versions import versions

__all__ = [
    "Run",
    "fewer_epochs",
    "has_history",
    "open_or_create",
    "read_history",
    "versions",
    "write_history",
]
