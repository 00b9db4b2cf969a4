"""The configuration of a run: frozen, validated, the one home of defaults.

A preset is a YAML file of what differs from the defaults here. What a run
really used is written whole into its folder.
"""

import dataclasses
import difflib
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic.dataclasses import dataclass

from app import yaml_text
from app.bleu_tokenizers import TOKENIZERS, bleu_tokenizer
from data import CleaningOptions, GlimpseError, Language, PipelineOptions
from data.corpora import HELD_OUT
from models import SearchOptions
from models.attention import ATTENTIONS
from models.attention.windows import WINDOWS
from models.bridge import BRIDGES
from models.cells import CELLS
from models.decoder import DECODERS
from models.encoder import DIRECTIONS
from models.naming import choose
from models.readout import READOUTS

PRESETS = Path(__file__).parent / "presets"
EPOCHS = "training.epochs"
ATTENTION_LOSSES = ("coverage_loss", "guided_alignment")
STRICT = ConfigDict(extra="forbid")


def one_of(choices: typing.Iterable[str], *more: str) -> AfterValidator:
    """A name out of a family's visible dictionary."""
    names = {name: name for name in [*more, *choices]}

    def check(name: str) -> str:
        return choose(name, names, "name")

    return AfterValidator(check)


Natural = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Files = Annotated[
    tuple[str, ...],  # a name by itself, without brackets, is a list of one
    BeforeValidator(lambda names: [names] if isinstance(names, str) else names),
]


@dataclass(frozen=True, config=STRICT)
class CorpusOptions:
    """Which text, and which way: see `data.load_corpus`."""

    name: str = "phrasebook"
    source: str = "en"
    target: str = "fr"
    train: Files = ()
    validation: Files = ()
    test: Files = ()
    held_out: Count = HELD_OUT
    tokenised: bool = False  # whether spaces part its words already


@dataclass(frozen=True, config=STRICT)
class TokenizerOptions:
    """Sub-words, or words: one joint vocabulary, or one a language.

    A vocabulary of sub-words holds 4 special pieces, 256 bytes and the
    characters of the text; one of words, only the special pieces besides.
    """

    vocabulary_size: Annotated[int, Field(ge=5)] = 2000
    joint: bool = True
    model_type: Literal["bpe", "unigram", "word"] = "bpe"


@dataclass(frozen=True, config=STRICT)
class ModelOptions:
    """Which network; units are dimensions, dropouts are rates.

    models/README.md says what each choice is, and when to make it.
    """

    kind: Literal["seq2seq", "starting-example"] = "seq2seq"
    cell: Annotated[str, one_of(CELLS)] = "gru"
    embedding_units: Count = 128
    encoder_units: Count = 128
    encoder_layers: Count = 1
    direction: Annotated[str, one_of(DIRECTIONS)] = "bidirectional"
    decoder: Annotated[str, one_of(DECODERS)] = "bahdanau"
    decoder_units: Count = 128
    decoder_layers: Count = 1
    attention: Annotated[str, one_of(ATTENTIONS)] = "bahdanau"
    attention_units: Count = 128
    num_heads: Count = 4
    window: Annotated[str, one_of(WINDOWS, "none")] = "none"
    window_half_width: Annotated[float, Field(ge=1)] = 10.0
    input_feeding: bool = False
    readout: Annotated[str, one_of(READOUTS)] = "tanh"
    bridge: Annotated[str, one_of(BRIDGES)] = "dense"
    residual: bool = False
    tied_embeddings: bool = True
    shared_embeddings: bool = False
    word_dropout: Rate = 0.0
    embedding_dropout: Rate = 0.0
    encoder_dropout: Rate = 0.0
    variational_dropout: bool = False  # of the encoder
    readout_dropout: Rate = 0.0


@dataclass(frozen=True, config=STRICT)
class TrainingOptions:
    """How to train; rates are per step, patience is in epochs."""

    epochs: Count = 10
    seed: Natural = 1
    learning_rate: Positive = 1e-3
    warmup_steps: Natural = 0
    schedule: Literal["constant", "cosine", "inverse-sqrt"] = "constant"
    plateau_patience: Count | None = None
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    label_smoothing: Rate = 0.0
    coverage_loss: Annotated[float, Field(ge=0)] = 0.0
    guided_alignment: Annotated[float, Field(ge=0)] = 0.0
    alignments: str | None = None  # a file; else those the corpus has
    clip_norm: Positive | None = 5.0
    metric: Literal["bleu", "perplexity", "accuracy"] = "bleu"
    bleu_tokenizer: Annotated[str, one_of(TOKENIZERS)] | None = (
        None  # by language
    )
    patience: Count | None = None
    checkpoint_steps: Count = 200
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    fused: bool = True  # recurrences with gradients by hand, where there are
    parts: Count = 2  # of a batch, here and in search: a core each on a CPU


@dataclass(frozen=True, config=STRICT)
class Config:
    """Everything a run depends on besides the text itself."""

    corpus: CorpusOptions = Field(default_factory=CorpusOptions)
    cleaning: CleaningOptions = Field(default_factory=CleaningOptions)
    tokenizer: TokenizerOptions = Field(default_factory=TokenizerOptions)
    pipeline: PipelineOptions = Field(default_factory=PipelineOptions)
    model: ModelOptions = Field(default_factory=ModelOptions)
    training: TrainingOptions = Field(default_factory=TrainingOptions)
    search: SearchOptions = Field(default_factory=SearchOptions)

    @property
    def languages(self) -> tuple[Language, Language]:
        """Of source and target, which say what a word is.

        In a model of words, and in text that is tokenised already, it is what
        stands between spaces.
        """
        by_spaces = self.corpus.tokenised or self.tokenizer.model_type == "word"
        return (
            Language(self.corpus.source, by_spaces),
            Language(self.corpus.target, by_spaces),
        )

    @property
    def bleu_tokenizer(self) -> str:
        """What BLEU counts: as asked for, else as the language wants it."""
        asked = self.training.bleu_tokenizer
        return asked or bleu_tokenizer(self.corpus.target)


def preset_names() -> list[str]:
    """The presets that come with the package."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def load_config(
    preset: str | Path,
    overrides: typing.Sequence[str] = (),
    *,
    of_run: bool = False,
) -> Config:
    """A preset, by name or as a file, with `KEY=VALUE` overrides.

    Args:
        preset: its name, or the path of a YAML file.
        overrides: `SECTION.KEY=VALUE`.
        of_run: whether a run was trained with it: what the starting example
            makes no use of was once allowed.

    Raises:
        GlimpseError: no such preset, not YAML, an unknown key (the nearest
            known one is named) or a value out of range.
    """
    path = _preset_path(str(preset))
    values = _read_yaml(path)
    for override in overrides:
        _override(values, override)
    return _validate(values, str(preset), may_ignore=of_run)


def changed(config: Config, overrides: typing.Sequence[str]) -> Config:
    """A configuration with `KEY=VALUE` overrides.

    Raises:
        GlimpseError: see `load_config`.
    """
    values = dataclasses.asdict(config)
    for override in overrides:
        _override(values, override)
    return _validate(values, "with this")


def with_epochs(config: Config, epochs: int) -> Config:
    """A configuration that is trained for so many epochs."""
    return changed(config, [f"{EPOCHS}={epochs}"])


def save_config(config: Config, path: Path) -> None:
    """Write the whole configuration as YAML."""
    values = dataclasses.asdict(config)
    path.write_text(yaml_text.dump(values), "utf-8")


def differences(one: Config, other: Config) -> list[str]:
    """Where two configurations differ: `section.key: one, other`."""
    theirs = flatten(other)
    return [
        f"{key}: {value}, {theirs[key]}"
        for key, value in flatten(one).items()
        if value != theirs[key]
    ]


def flatten(config: Config) -> dict[str, Any]:
    """Every value by `section.key`."""
    return {
        f"{section}.{key}": value
        for section, values in dataclasses.asdict(config).items()
        for key, value in values.items()
    }


def _preset_path(preset: str) -> Path:
    named = PRESETS / f"{preset}.yaml"
    if named.is_file():
        return named
    if Path(preset).is_file():
        return Path(preset)
    near = difflib.get_close_matches(preset, preset_names(), n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise GlimpseError(
        f"There is no preset '{preset}': give one of "
        f"{', '.join(preset_names())}, or the path of a YAML file{hint}"
    )


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml_text.read(path) or {}
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise GlimpseError(
            f"The configuration {path} cannot be read: {reason}; a YAML file "
            "of sections such as 'training:' is accepted"
        ) from error
    if not isinstance(values, dict):
        raise GlimpseError(
            f"The configuration {path} holds a {type(values).__name__}; "
            "a mapping of sections such as 'training:' is accepted"
        )
    return values


def _override(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    section, dot, name = key.strip().partition(".")
    if not (equals and dot and section and name):
        raise GlimpseError(
            f"--set got '{override}'; SECTION.KEY=VALUE is accepted, such as "
            "--set training.epochs=3"
        )
    fields = values.setdefault(section, {})
    if isinstance(fields, dict):
        try:
            fields[name] = yaml_text.load(text)
        except ValueError as error:
            raise GlimpseError(
                f"--set got '{override}', whose value is not YAML ({error}); "
                "write it as it would stand in a preset, such as 3, true or "
                "[8, 16]"
            ) from error


def _validate(
    values: dict[str, Any], origin: str, *, may_ignore: bool = False
) -> Config:
    try:
        config = TypeAdapter(Config).validate_python(values)
    except ValidationError as error:
        reasons = "; ".join(explain(each, Config) for each in error.errors())
        raise GlimpseError(f"The configuration {origin}: {reasons}") from error
    if not may_ignore:
        _check_ignored(config.model)
    _check_together(config)
    return config


def explain(error: Any, owner: type) -> str:
    """One of pydantic's errors about `owner`, a dataclass, for people."""
    location = [str(part) for part in error["loc"]]
    if error["type"] == "value_error":  # one of our own, a whole sentence
        where = f"{'.'.join(location)}: " if len(location) > 1 else ""
        return f"{where}{error['ctx']['error']}"
    if error["type"] != "unexpected_keyword_argument":
        return (
            f"{'.'.join(location)} is {error['input']!r}, but "
            f"{error['msg'][:1].lower()}{error['msg'][1:]}"
        )
    known = _known_keys(owner, location[:-1])
    near = difflib.get_close_matches(location[-1], known, n=1)
    hint = (
        f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
    )
    return f"unknown key '{'.'.join(location)}', {hint}"


def _known_keys(owner: Any, section: list[str]) -> list[str]:
    if section:
        owner = typing.get_type_hints(owner)[section[0]]
    return [field.name for field in dataclasses.fields(owner)]


def _check_ignored(model: ModelOptions) -> None:
    """Refuse what the starting example would make no use of."""
    ignored = [
        f"model.{field.name}={getattr(model, field.name)}"
        for field in dataclasses.fields(model)
        if field.name != "kind"
        and getattr(model, field.name) != getattr(ModelOptions(), field.name)
    ]
    if ignored and model.kind == "starting-example":
        raise GlimpseError(
            f"{', '.join(ignored)} got model.kind=starting-example, which is "
            "always the same network: leave out every other key of model, as "
            "--preset starting-example does, or set model.kind=seq2seq"
        )


def _check_together(config: Config) -> None:
    """Refuse what each section allows but their combination does not."""
    starts = config.model.kind == "starting-example"
    for reason in (
        *(_conflicts_of_the_example if starts else _conflicts)(config),
        *_conflicts_of_alignments(config.training),
    ):
        raise GlimpseError(reason)


def _conflicts_of_the_example(config: Config) -> typing.Iterator[str]:
    for name in ATTENTION_LOSSES:
        if weight := getattr(config.training, name):
            yield (
                f"training.{name}={weight} got model.kind=starting-example, "
                "whose attention is left to learn as it came: set it to 0, or "
                "model.kind=seq2seq"
            )


def _conflicts_of_alignments(
    training: TrainingOptions,
) -> typing.Iterator[str]:
    if training.alignments and not training.guided_alignment:
        yield (
            f"training.alignments={training.alignments} got "
            "training.guided_alignment=0, which makes no use of them: set "
            "that to a weight, such as 1.0, or leave the file out"
        )


def _conflicts(config: Config) -> typing.Iterator[str]:
    model = config.model
    if model.shared_embeddings and not config.tokenizer.joint:
        yield (
            "model.shared_embeddings is true with tokenizer.joint false; "
            "sharing needs one vocabulary: set tokenizer.joint=true"
        )
    if model.input_feeding and model.decoder != "luong":
        yield (
            f"model.input_feeding is true with model.decoder={model.decoder}; "
            "only the luong decoder feeds: set model.decoder=luong"
        )
    if model.readout != "tanh" and model.decoder == "luong":
        yield (
            f"model.readout={model.readout} with model.decoder=luong, whose "
            "readout is the attentional vector, a tanh: set "
            "model.readout=tanh, or another decoder"
        )
    if model.window != "none" and not _attends(model):
        yield (
            f"model.window={model.window} got model.decoder={model.decoder}, "
            "which has no weights to narrow: set model.window=none, or a "
            "model.decoder with attention"
        )
    for name in ATTENTION_LOSSES:
        weight = getattr(config.training, name)
        if weight and not _attends(model):
            yield (
                f"training.{name}={weight} got model.decoder={model.decoder}, "
                "which has no weights of attention to learn: set it to 0, or a "
                "model.decoder with attention"
            )
    if model.variational_dropout and not model.encoder_dropout:
        yield (
            "model.variational_dropout is true with model.encoder_dropout=0; "
            "it says how that is dropped: set model.encoder_dropout, such as "
            "0.2"
        )
    yield from _conflicts_of_sizes(model)


def _attends(model: ModelOptions) -> bool:
    return model.decoder != "plain"


def _conflicts_of_sizes(model: ModelOptions) -> typing.Iterator[str]:
    memory = model.encoder_units
    if model.direction == "bidirectional":
        memory *= 2
    sizes = (
        f"an encoder of {memory} units, both directions counted, and a decoder "
        f"of {model.decoder_units}"
    )
    equal = f"they must be equal: set model.decoder_units={memory}"
    if (
        model.attention == "luong-dot"
        and _attends(model)
        and memory != model.decoder_units
    ):
        yield f"model.attention=luong-dot got {sizes}; {equal}"
    if (
        model.attention == "multi-head"
        and _attends(model)
        and model.attention_units % model.num_heads
    ):
        yield (
            f"model.num_heads={model.num_heads} got "
            f"model.attention_units={model.attention_units}; the heads share "
            "the units equally: set a number of heads that divides them"
        )
    if model.bridge == "last" and memory != model.decoder_units:
        yield f"model.bridge=last got {sizes}; {equal}"
    if model.bridge == "last" and model.decoder_layers > model.encoder_layers:
        yield (
            f"model.bridge=last got {model.encoder_layers} encoder layers and "
            f"{model.decoder_layers} decoder layers; each of these starts from "
            "one of those: set model.encoder_layers="
            f"{model.decoder_layers}, or model.bridge=dense"
        )
