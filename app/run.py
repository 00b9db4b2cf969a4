"""A run folder: everything a run leaves behind, and the way back to it."""

import json
import logging
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import portalocker

from app.config import (
    EPOCHS,
    Config,
    ModelOptions,
    TokenizerOptions,
    differences,
    load_config,
    save_config,
    with_epochs,
)
from app.shell import app_command
from data import (
    CleaningOptions,
    Corpus,
    GlimpseError,
    Tokenizer,
    load_corpus,
)
from data.cleaning import Tally, clean, described, suspicions
from data.corpora import Pair
from data.corpora.evened import EvenedCorpus
from data.inventory import Inventory
from models import (
    Encoder,
    LuongDecoder,
    Seq2Seq,
    StartingExample,
    TranslationModel,
    attention,
    decoder,
)
from models.attention import windows

log = logging.getLogger(__name__)
PACKAGES = ("tensorflow", "keras", "tensorflow-text", "sentencepiece", "numpy")
LOCK = ".lock"
INVENTORY = "source_inventory.json"
OLDER_INVENTORY = "source_words.txt"  # words in lower case, a line each
ENDING = 10.0  # seconds in which a process that was told to has ended


class Tokenizers(NamedTuple):
    """One a language; the same object twice when the vocabulary is joint."""

    source: Tokenizer
    target: Tokenizer


class Run:
    """The paths and parts of a run folder.

    Nothing in it depends on where it lies.

    Args:
        folder: the run folder; see `create` and `open`.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        self.folder = folder
        self.config = config

    @classmethod
    def create(cls, folder: Path, config: Config) -> "Run":
        """Make the folder and write its configuration."""
        folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder, config)
        run._write_config()
        return run

    @classmethod
    def open(cls, folder: Path) -> "Run":
        """Open what `create` made.

        Raises:
            GlimpseError: `folder` is no run folder.
        """
        config = folder / "config.yaml"
        if not config.is_file():
            raise GlimpseError(
                f"{folder} is not a run folder, since it has no config.yaml; "
                f"train one with: {app_command('train', '--run', folder)}"
            )
        return cls(folder, load_config(config, of_run=True))

    def save_config(self) -> None:
        """Write the configuration, if the folder has another one."""
        if Run.open(self.folder).config != self.config:
            self._write_config()

    def _write_config(self) -> None:
        with replacing(self.folder / "config.yaml") as beside:
            save_config(self.config, beside)

    def discard_if_new(self) -> None:
        """Remove a folder that holds no more than `create` put there."""
        names = {path.name for path in self.folder.iterdir()}
        if names <= {"config.yaml", LOCK}:
            for name in names:
                (self.folder / name).unlink()
            self.folder.rmdir()

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def snapshots(self) -> Path:
        return self.folder / "attention"

    @property
    def evaluation(self) -> Path:
        return self.folder / "evaluation"

    def result(self, split: str) -> dict[str, Any]:
        """What `evaluate` found out about a split: the object of its `--json`.

        Raises:
            GlimpseError: it was not called yet.
        """
        path = self.evaluation / f"{split}.json"
        if not path.is_file():
            command = app_command("evaluate", self.folder, "--split", split)
            raise GlimpseError(
                f"{self.folder} was not measured on '{split}'; do it with: "
                f"{command}"
            )
        return json.loads(path.read_text("utf-8"))

    def load_corpus(
        self, data_dir: Path | None = None, cache_dir: Path | None = None
    ) -> Corpus:
        """The corpus this run is about; see `data.load_corpus`."""
        return open_corpus(self.config, data_dir, cache_dir)

    def has_tokenizers(self) -> bool:
        return all(path.is_file() for path in self._tokenizer_paths())

    def save_tokenizers(self, tokenizers: Tokenizers) -> None:
        for path, tokenizer in zip(
            self._tokenizer_paths(), tokenizers, strict=False
        ):
            tokenizer.save(path)

    def load_tokenizers(self) -> Tokenizers:
        loaded = [Tokenizer.load(path) for path in self._tokenizer_paths()]
        return Tokenizers(loaded[0], loaded[-1])

    def save_inventory(self, inventory: Inventory) -> None:
        """Write what the training text of the source is written with."""
        with replacing(self.folder / INVENTORY) as beside:
            beside.write_text(inventory.to_json(), "utf-8", newline="\n")

    def load_inventory(self) -> Inventory | None:
        """What `save_inventory` wrote, or can be told of an older run."""
        written, older = self.folder / INVENTORY, self.folder / OLDER_INVENTORY
        if written.is_file():
            return Inventory.from_json(written.read_text("utf-8"))
        if not older.is_file() or not self.has_tokenizers():
            return None
        words = older.read_text("utf-8").split("\n")
        return Inventory.of_older_run(words, self.load_tokenizers().source)

    def _tokenizer_paths(self) -> list[Path]:
        if self.config.tokenizer.joint:
            return [self.folder / "tokenizer.model"]
        return [
            self.folder / "tokenizer.source.model",
            self.folder / "tokenizer.target.model",
        ]

    def build_model(self, tokenizers: Tokenizers) -> TranslationModel:
        """A new model of this run's configuration."""
        model = build_model(
            self.config.model,
            tokenizers.source.vocabulary_size,
            tokenizers.target.vocabulary_size,
            self.config.training.precision,
        )
        model.build()
        return model

    def save_weights(self, model: TranslationModel, name: str) -> None:
        """Write `best` or `last` weights, whole or not at all."""
        path = self.folder / f"{name}.weights.h5"
        with replacing(path) as beside, _without_optimizer(model):
            model.save_weights(beside)

    def load_weights(self, model: TranslationModel) -> None:
        """The best weights, or the last of a run that never validated.

        Raises:
            GlimpseError: there are none, or they cannot be read.
        """
        names = ("best", "last")
        paths = [self.folder / f"{name}.weights.h5" for name in names]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            command = app_command("train", "--run", self.folder, "--resume")
            raise GlimpseError(
                f"{self.folder} holds no weights yet; let training reach its "
                f"first save: {command}"
            )
        try:
            model.load_weights(path)
        except (OSError, ValueError, KeyError) as error:
            raise GlimpseError(
                f"{path} cannot be read as weights of this run's model "
                f"({' '.join(str(error).split())[:200]}); train the run again"
            ) from error

    def write_json(self, name: str, values: dict[str, Any]) -> None:
        with replacing(self.folder / name) as beside:
            beside.write_text(json.dumps(values, indent=2) + "\n", "utf-8")


def open_or_create(
    folder: Path,
    preset: str | None,
    overrides: Sequence[str] = (),
    *,
    resume: bool = False,
) -> Run:
    """The run to train: a new one, or with `resume` the one that is there.

    Args:
        folder: the run folder.
        preset: by name or file; None for the run's own, or the default one.
        overrides: `SECTION.KEY=VALUE`.
        resume: go on with a run that exists; a larger `training.epochs` among
            the overrides extends it, which is written once it is trained.

    Raises:
        GlimpseError: the run exists and was not to be resumed, or was made
            with another configuration than the one asked for.
    """
    if not (folder / "config.yaml").is_file():
        return Run.create(
            folder, load_config(preset or "phrasebook", overrides)
        )
    if not resume:
        raise GlimpseError(
            f"The run folder {folder} exists already: add --resume to go on "
            "with it, or give another --run"
        )
    own = Run.open(folder).config
    asked = load_config(preset or folder / "config.yaml", overrides)
    said = any(each.split("=")[0].strip() == EPOCHS for each in overrides)
    return Run(folder, _further(folder, own, asked, said))


def _further(folder: Path, own: Config, asked: Config, said: bool) -> Config:
    """What to go on with: the run's own, but for more epochs, if `said`."""
    if not said and asked.training.epochs < own.training.epochs:
        # A preset does not know of epochs that were added.
        asked = with_epochs(asked, own.training.epochs)
    epochs = asked.training.epochs
    if differences(with_epochs(own, epochs) if said else own, asked):
        raise GlimpseError(
            f"The run folder {folder} was made with another configuration "
            "(its own, then the one asked for: "
            f"{'; '.join(differences(own, asked))}): leave --preset and --set "
            "out to go on with its own, give another --run, or raise nothing "
            f"but {EPOCHS}, by --set, to train it further"
        )
    if epochs < own.training.epochs:
        raise fewer_epochs(folder, own.training.epochs, epochs)
    return asked


def fewer_epochs(folder: Path, own: int, asked: int) -> GlimpseError:
    """The error of a run asked to have fewer epochs than it has."""
    return GlimpseError(
        f"The run {folder} has {EPOCHS}={own} and was asked for {asked}: only "
        f"a larger number is accepted, which trains it further; --until "
        f"{asked} stops earlier"
    )


def open_corpus(
    config: Config, data_dir: Path | None = None, cache_dir: Path | None = None
) -> Corpus:
    """The corpus of a configuration, evened out where it says so.

    Raises:
        GlimpseError: see `data.load_corpus`.
    """
    options = asdict(config.corpus)
    del options["tokenised"]  # says what its words are, see `Config.languages`
    corpus = load_corpus(**options, data_dir=data_dir, cache_dir=cache_dir)
    return EvenedCorpus.of(corpus) if config.cleaning.even else corpus


def sample_pairs(corpus: Corpus, cleaning: CleaningOptions) -> list[Pair]:
    """Training pairs to learn a vocabulary from; warns of odd sides."""
    languages = (corpus.source, corpus.target)
    sample = corpus.sample()
    for suspicion in suspicions(sample, languages):
        log.warning("%s", suspicion)
    tally = Tally()
    kept = list(clean(sample, cleaning, languages, tally))
    if not kept:
        raise GlimpseError(
            f"Of {tally.pairs:,} pairs of corpus {corpus.name} none is left "
            f"for training: {'; '.join(described(tally.drops)) or 'none came'}"
        )
    return kept


def train_tokenizers(
    pairs: Sequence[Pair], options: TokenizerOptions
) -> Tokenizers:
    """New tokenizers of the vocabulary of `pairs`."""
    sides = [[pair[side] for pair in pairs] for side in (0, 1)]
    texts = [sides[0] + sides[1]] if options.joint else sides
    trained = [
        Tokenizer.train(
            each, options.vocabulary_size, model_type=options.model_type
        )
        for each in texts
    ]
    return Tokenizers(trained[0], trained[-1])


def build_model(
    options: ModelOptions,
    source_vocabulary_size: int,
    target_vocabulary_size: int,
    precision: str = "float32",
) -> TranslationModel:
    """The network that `options` describe, not yet built."""
    if options.kind == "starting-example":
        return StartingExample(
            source_vocabulary_size, target_vocabulary_size, dtype=precision
        )
    return Seq2Seq(
        source_vocabulary_size,
        target_vocabulary_size,
        options.embedding_units,
        Encoder(
            options.encoder_units,
            cell=options.cell,
            num_layers=options.encoder_layers,
            direction=options.direction,
            dropout=options.encoder_dropout,
            residual=options.residual,
            variational=options.variational_dropout,
            dtype=precision,
        ),
        _build_decoder(options, precision),
        tied_embeddings=options.tied_embeddings,
        shared_embeddings=options.shared_embeddings,
        dropout=options.embedding_dropout,
        word_dropout=options.word_dropout,
        dtype=precision,
    )


def _build_decoder(options: ModelOptions, precision: str) -> decoder.Decoder:
    kind = decoder.get(options.decoder)
    arguments: dict[str, Any] = {
        "cell": options.cell,
        "num_layers": options.decoder_layers,
        "dropout": options.readout_dropout,
        "residual": options.residual,
        "bridge": options.bridge,
        "activation": options.readout,
        "dtype": precision,
    }
    if options.decoder != "plain":
        arguments["attention"] = _build_attention(options, precision)
    if kind is LuongDecoder:
        arguments["input_feeding"] = options.input_feeding
    return kind(options.decoder_units, options.embedding_units, **arguments)


def _build_attention(
    options: ModelOptions, precision: str
) -> attention.Attention:
    arguments: dict[str, Any] = {"dtype": precision}
    if options.window != "none":
        arguments["window"] = windows.get(options.window)(
            options.window_half_width, dtype=precision
        )
    if options.attention == "multi-head":
        arguments["num_heads"] = options.num_heads
    return attention.get(
        options.attention, options.attention_units, **arguments
    )


@contextmanager
def _without_optimizer(model: TranslationModel) -> Iterator[None]:
    """Keras would write its moments too, twice the size of the weights."""
    optimizer = getattr(model, "optimizer", None)  # once it is compiled
    model.optimizer = None
    try:
        yield
    finally:
        model.optimizer = optimizer


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let no other process into this folder meanwhile, on any machine.

    The file that says so stays; the lock on it ends with the process, however
    that ends.

    Raises:
        GlimpseError: there is one already.
    """
    lock = portalocker.Lock(folder / LOCK, "ab", timeout=ENDING)
    try:
        lock.acquire()
    except portalocker.LockException as error:
        raise GlimpseError(
            f"Another process is at work in {folder}: wait until it has ended, "
            "or give another --run"
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write beside `path`, renamed to it if all goes well."""
    beside = path.with_name(f".writing.{path.name}")
    try:
        yield beside
        os.replace(beside, path)
    except OSError as error:
        raise GlimpseError(
            f"{path} could not be written ({error.strerror or error}); what "
            "was there before is kept: free some space or choose another --run"
        ) from error
    finally:
        with suppress(OSError):  # it is there only if something went wrong
            beside.unlink()


def versions() -> dict[str, str]:
    """What a run was made with."""
    found = {name: metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **found, "git": _commit()}


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
