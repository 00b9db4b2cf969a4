"""Opening of a run to train: making a new run, or continuing one."""

from collections.abc import Sequence
from pathlib import Path

from app.config import (
    EPOCHS,
    Config,
    differences,
    load_config,
    with_epochs,
    without_unused,
)
from app.runs.folder import CONFIG, Run
from data import GlimpseError


def open_or_create(
    folder: Path,
    preset: str | None,
    overrides: Sequence[str] = (),
    *,
    resume: bool = False,
) -> Run:
    """Make a new run to train, or open an existing one if `resume` is true.

    Args:
        folder: the run folder; if it contains no run, a new one is made.
        preset: name or file of a preset. If None, an existing run uses the
            configuration in its folder, and a new run uses the default preset.
        overrides: changes of options, each written as `SECTION.KEY=VALUE`.
        resume: whether an existing run may be continued. If an override sets
            `training.epochs` to a larger number than before, the run is
            extended. The new number is written to the run's configuration file
            when training continues.

    Raises:
        GlimpseError: the run exists although `resume` is false; the preset or
            an override changes an option of an existing run (an override may
            only raise `training.epochs`); or the preset or an override is not
            valid, see `load_config`.
    """
    if not (folder / CONFIG).is_file():
        return Run.create(
            folder, load_config(preset or "phrasebook", overrides)
        )
    if not resume:
        raise GlimpseError(
            f"The run folder {folder} exists already: add --resume to "
            "continue it, or give another --run"
        )
    own = Run.open(folder).config
    asked = load_config(preset or folder / CONFIG, overrides)
    said = any(each.split("=")[0].strip() == EPOCHS for each in overrides)
    return Run(folder, _further(folder, own, asked, said))


def _further(folder: Path, own: Config, asked: Config, said: bool) -> Config:
    """Return the configuration to continue a run with.

    It is the run's own configuration, but with the number of epochs that an
    override sets, if any.

    Args:
        folder: the run folder.
        own: the configuration of the run.
        asked: the configuration that the user has given by preset and
            overrides.
        said: whether an override sets the number of epochs.

    Raises:
        GlimpseError: the two configurations differ in an option other than the
            number of epochs; the preset has more epochs than the run, and no
            override sets the number of epochs; or an override sets fewer epochs
            than the run has.
    """
    if not said and asked.training.epochs < own.training.epochs:
        # A preset does not know of epochs that were added to the run.
        asked = with_epochs(asked, own.training.epochs)
    epochs = asked.training.epochs
    # Earlier versions allowed options without a use.
    before = without_unused(with_epochs(own, epochs) if said else own)
    if differences(before, without_unused(asked)):
        raise GlimpseError(
            f"The run folder {folder} was made with another configuration "
            "(different options, with the run's own value, then the one asked "
            f"for: {'; '.join(differences(own, asked))}): to continue the run, "
            "leave --preset and --set out; to train it further, raise only "
            f"{EPOCHS} with --set; for a new run, give another --run"
        )
    if epochs < own.training.epochs:
        raise fewer_epochs(folder, own.training.epochs, epochs)
    return with_epochs(own, epochs)


def fewer_epochs(folder: Path, own: int, asked: int) -> GlimpseError:
    """Return the error for lowering a run's number of epochs.

    Args:
        folder: the run folder.
        own: number of epochs in the run's configuration.
        asked: the lower number that the user has set.
    """
    return GlimpseError(
        f"The run {folder} has {EPOCHS}={own} and was asked for {asked}: only "
        "a larger number is accepted, which trains the run further; to stop "
        f"earlier, give --until {asked}"
    )
