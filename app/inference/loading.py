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
from models.foresight import Foresight


class Loaded(NamedTuple):
    """Model of one or several runs, with what the first run says of it."""

    model: SequenceModel
    sides: Sides
    config: Config
    inventory: Inventory | None
    foresight: Foresight | None  # that was fitted to the only model


def load(folders: Sequence[Path]) -> Loaded:
    """Load the best models of run folders.

    Several models become an ensemble.

    Raises:
        GlimpseError: a folder is not a run folder, its weights cannot be read,
            or its tokenizers differ from those of the first.
    """
    runs = [Run.open(folder) for folder in folders]
    every = [run.load_sides() for run in runs]
    models = [run.build_model(every[0]) for run in runs]
    for run, sides in zip(runs[1:], every[1:], strict=True):
        require_alike(every[0], sides, str(run.folder))
    for run, model in zip(runs, models, strict=True):
        run.load_weights(model)
    first, foresight = runs[0], None
    together = Ensemble(models) if len(models) > 1 else models[0]
    if together is models[0]:
        foresight = first.load_foresight(together)
    return Loaded(
        together, every[0], first.config, first.load_inventory(), foresight
    )


def require_alike(sides: Sides, other: Sides, name: str) -> None:
    """Raise an error if two models cannot translate together.

    Args:
        sides: source and target of one model.
        other: source and target of another model.
        name: name of this other model.

    Raises:
        GlimpseError: their tokenizers or languages differ.
    """
    if not other.is_like(sides):
        raise GlimpseError(
            f"{name} has other tokenizers or languages than the first model, "
            "but models that translate together need the same: take models "
            "that differ only in their seed or network"
        )
