"""Loading of the models that translate together."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from app.config import Config
from app.runs import Run
from data import GlimpseError
from data.inventory import Inventory
from data.sides import Sides
from models import SequenceModel
from models.ensemble import Ensemble


class Loaded(NamedTuple):
    """Model of one or several runs, with what the first run says of it."""

    model: SequenceModel
    sides: Sides
    config: Config
    inventory: Inventory | None


def load(folders: Sequence[Path]) -> Loaded:
    """Load the best models of run folders.

    Several models become an ensemble.

    Raises:
        GlimpseError: a folder is not a run folder, its weights cannot be read,
            or its tokenizers differ from those of the first.
    """
    first, *others = runs = [Run.open(folder) for folder in folders]
    sides = first.load_sides()
    for run in others:
        if not run.load_sides().is_like(sides):
            raise GlimpseError(
                f"{run.folder} has other tokenizers or languages than "
                f"{first.folder}, but models that translate together need the "
                "same: give runs that differ only in their seed or model"
            )
    models = [run.build_model(sides) for run in runs]
    for run, model in zip(runs, models, strict=True):
        run.load_weights(model)
    together = Ensemble(models) if others else models[0]
    return Loaded(together, sides, first.config, first.load_inventory())
