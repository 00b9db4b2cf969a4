"""Training of a run, which can be interrupted and resumed."""

from app.training.loop import InterruptedRunError, Summary, Trainer
from app.training.opening import open_trainer, train
from app.training.schedule import learning_rate

__all__ = [
    "InterruptedRunError",
    "Summary",
    "Trainer",
    "learning_rate",
    "open_trainer",
    "train",
]
