"""Run folder: all files of a run, which is one training of a model."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.config import Config, load_config, save_config
from app.machine.shell import app_command
from data import Corpus, GlimpseError, Places, Tokenizer, open_corpus
from data.inventory import Inventory
from data.sides import Sides
from data.writing import LOCK, replacing, write_whole
from models import Seq2Seq, SequenceModel
from models.architecture import build_model
from models.foresight import Foresight

CONFIG = "config.yaml"
BEST_OR_LAST = ("best", "last")  # names of weights
FORESIGHT = "foresight"  # name of weights
EPOCHS = "epochs"  # folder of the weights of single epochs
INVENTORY = "source_inventory.json"
OLDER_INVENTORY = "source_words.txt"  # words in lower case, one on each line


class Run:
    """Run: the folder and the configuration of one training of a model.

    To get a run, call `create` or `open`. A run folder can be moved, since no
    file in it depends on the folder's path.

    Args:
        folder: the run folder.
        config: the configuration of the run.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        self.folder = folder
        self.config = config

    @classmethod
    def create(cls, folder: Path, config: Config) -> "Run":
        """Make a run folder, and write the configuration to it."""
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder, config)
        run._write_config()
        return run

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open a run folder that `create` made.

        Raises:
            GlimpseError: `folder` is not a run folder.
        """
        config = folder / CONFIG
        if not config.is_file():
            raise GlimpseError(
                f"{folder} is not a run folder, since it has no config.yaml; "
                f"train one with: {app_command('train', '--run', folder)}"
            )
        return cls(folder, load_config(config, of_run=True))

    def save_config(self) -> None:
        """Write the configuration if the folder contains a different one."""
        if Run.open(self.folder).config != self.config:
            self._write_config()

    def _write_config(self) -> None:
        save_config(self.config, self.folder / CONFIG)

    def discard_if_new(self) -> None:
        """Remove the folder if training has not yet saved anything in it.

        Training has saved nothing if the folder contains no files other than
        the configuration and the lock file.
        """
        names = {path.name for path in self.folder.iterdir()}
        if names <= {CONFIG, LOCK}:
            for name in names:
                (self.folder / name).unlink()
            self.folder.rmdir()

    @property
    def checkpoints(self) -> Path:
        """Folder of checkpoints, which are saved states of training."""
        return self.folder / "checkpoints"

    @property
    def logs(self) -> Path:
        """Folder of the files that TensorBoard shows."""
        return self.folder / "logs"

    @property
    def snapshots(self) -> Path:
        """Folder of attention weights that training saved at certain steps."""
        return self.folder / "attention"

    @property
    def evaluation(self) -> Path:
        """Folder of the results that the command `evaluate` saves."""
        return self.folder / "evaluation"

    def result(self, split: str) -> dict[str, Any]:
        """Read the results that the command `evaluate` saved for a split.

        They have the form that `evaluate --json` prints.

        Raises:
            GlimpseError: there are no results for the split.
        """
        path = self.evaluation / f"{split}.json"
        if not path.is_file():
            command = app_command("evaluate", self.folder, "--split", split)
            raise GlimpseError(
                f"{self.folder} was not measured on '{split}'; measure it "
                f"with: {command}"
            )
        return json.loads(path.read_text("utf-8"))

    def open_corpus(self, places: Places) -> Corpus:
        """Open the corpus that the configuration of this run names."""
        return open_corpus(self.config.corpus, self.config.cleaning, places)

    def has_sides(self) -> bool:
        """Tell whether the folder contains the tokenizers of the run."""
        return all(path.is_file() for path in self._tokenizer_paths())

    def save_sides(self, sides: Sides) -> None:
        """Write the tokenizers of source and target.

        If source and target share a tokenizer, only one file is written.
        """
        for path, tokenizer in zip(
            self._tokenizer_paths(), sides.tokenizers, strict=True
        ):
            tokenizer.save(path)

    def load_sides(self) -> Sides:
        """Read the tokenizers of source and target.

        In the result, each tokenizer is joined with the language of its texts.

        Raises:
            GlimpseError: a tokenizer is missing or damaged.
        """
        loaded = [Tokenizer.load(path) for path in self._tokenizer_paths()]
        return Sides.of(loaded, self.config.languages)

    def save_inventory(self, inventory: Inventory) -> None:
        """Write the inventory: the counts of words and of characters.

        They were counted in the source sentences of the training split.
        """
        write_whole(self.folder / INVENTORY, inventory.to_json())

    def load_inventory(self) -> Inventory | None:
        """Read the inventory that `save_inventory` wrote.

        Older versions wrote only a list of words. From that list, the inventory
        is rebuilt as far as possible, which requires the tokenizers. If there
        is no inventory, and either the list or a tokenizer is missing, the
        result is None.
        """
        written, older = self.folder / INVENTORY, self.folder / OLDER_INVENTORY
        if written.is_file():
            return Inventory.from_json(written.read_text("utf-8"))
        if not older.is_file() or not self.has_sides():
            return None
        words = older.read_text("utf-8").split("\n")
        return Inventory.of_older_run(words, self.load_sides().source.tokenizer)

    def _tokenizer_paths(self) -> list[Path]:
        if self.config.tokenizer.is_joint:
            return [self.folder / "tokenizer.model"]
        return [
            self.folder / "tokenizer.source.model",
            self.folder / "tokenizer.target.model",
        ]

    def build_model(self, sides: Sides) -> SequenceModel:
        """Build a model with new weights, as the configuration describes.

        Args:
            sides: tokenizers of source and target, which give the sizes of the
                vocabularies.
        """
        model = build_model(
            self.config.model,
            sides.source.size,
            sides.target.size,
            self.config.training.precision,
        )
        model.build()
        return model

    def save_weights(self, model: SequenceModel, name: str) -> None:
        """Write the weights of a model to `NAME.weights.h5`.

        The file is written completely or not at all.

        Args:
            model: the model.
            name: "best", "last", or the name of an epoch.
        """
        path = self._weights_path(name)
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as beside, _without_optimizer(model):
            model.save_weights(beside)

    def load_weights(self, model: SequenceModel, *names: str) -> None:
        """Load weights that were saved by the method `save_weights`.

        Args:
            model: the model.
            names: names of the weights; the first that exist are loaded. By
                default, they are "best", then "last".

        Raises:
            GlimpseError: there are no weights, or they cannot be read.
        """
        paths = [self._weights_path(name) for name in names or BEST_OR_LAST]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            command = app_command("train", "--run", self.folder, "--resume")
            raise GlimpseError(
                f"{self.folder} holds no weights yet; train until the first "
                f"are saved: {command}"
            )
        try:
            with _without_optimizer(model):
                model.load_weights(path)
        except (OSError, ValueError, KeyError) as error:
            raise GlimpseError(
                f"{path} cannot be read as weights of this run's model "
                f"({' '.join(str(error).split())[:200]}); train the run again"
            ) from error

    def save_foresight(self, foresight: Foresight) -> None:
        """Write the weights of a foresight that was fitted to the run."""
        with replacing(self._weights_path(FORESIGHT)) as beside:
            foresight.save_weights(beside)

    def load_foresight(self, model: SequenceModel) -> Foresight | None:
        """Read the foresight that was saved; None if there is none.

        Args:
            model: the run's model.

        Raises:
            GlimpseError: the file cannot be read.
        """
        path = self._weights_path(FORESIGHT)
        if not path.is_file() or not isinstance(model, Seq2Seq):
            return None
        foresight = Foresight.of(model)
        try:
            foresight.load_weights(path)
        except (OSError, ValueError, KeyError) as error:
            command = app_command("align", self.folder, "--fit")
            raise GlimpseError(
                f"{path} cannot be read as the foresight of this run "
                f"({' '.join(str(error).split())[:200]}); fit it again with: "
                f"{command}"
            ) from error
        return foresight

    def _weights_path(self, name: str) -> Path:
        return self.folder / f"{name}.weights.h5"

    def epoch_name(self, epoch: int) -> str:
        """Return the name of the weights that an epoch ended with."""
        return f"{EPOCHS}/{epoch:04d}"

    def kept_epochs(self) -> list[int]:
        """Return the epochs whose weights the folder has."""
        paths = self.folder.glob(f"{EPOCHS}/*.weights.h5")
        return sorted(int(path.name.partition(".")[0]) for path in paths)

    def keep_epochs(self, epochs: Sequence[int]) -> None:
        """Delete the saved weights of all epochs but the given ones."""
        for epoch in set(self.kept_epochs()) - set(epochs):
            self._weights_path(self.epoch_name(epoch)).unlink()

    def write_json(self, name: str, values: dict[str, Any]) -> None:
        """Write values as JSON to the file `name` in the run folder."""
        write_whole(self.folder / name, json.dumps(values, indent=2) + "\n")


@contextmanager
def _without_optimizer(model: SequenceModel) -> Iterator[None]:
    """Detach the model's optimizer while weights are saved or loaded.

    If the optimizer stayed attached, Keras would also save the optimizer's
    moments, which need twice as much space as the weights. Keras would also
    warn when it loads a file without moments.
    """
    optimizer = getattr(model, "optimizer", None)  # it has one once compiled
    model.optimizer = None
    try:
        yield
    finally:
        model.optimizer = optimizer
