"""Options of a network, and functions that build the network from them."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass

from data import GlimpseError
from data.naming import choose, did_you_mean
from data.validation import STRICT, Count, Rate, one_of
from models import attention as attentions
from models import decoder as decoders
from models.attention import ATTENTIONS, windows
from models.baseline import StartingExample
from models.bridge import BRIDGES
from models.cells import CELLS
from models.decoder import DECODERS, LuongDecoder
from models.encoder import DIRECTIONS, Encoder
from models.readout import READOUTS
from models.seq2seq import Seq2Seq
from models.sequence_model import SequenceModel

# Options of a part of the network that are fields of `ModelOptions`. The outer
# key is the part, the inner key the part's option, the value the field.
OWN_KEYS = {
    "attention": {"units": "attention_units", "num_heads": "num_heads"},
    "window": {"half_width": "window_half_width"},
}


def _attention(value: Any) -> Any:
    """Check the value of the option `attention`, and return it.

    The value is the name of an attention layer, or a mapping that contains this
    name and options of the layer.
    """
    options = dict(value) if isinstance(value, Mapping) else {"name": value}
    name = options.pop("name")
    if not isinstance(name, str):
        raise GlimpseError(
            f"it is {name!r}, but a name such as 'bahdanau' is accepted, or a "
            "mapping of a name and options"
        )
    known = choose(name, ATTENTIONS, "name").options
    for key, given in options.items():
        if key not in known:
            accepted = ", ".join(known) or "none"
            raise GlimpseError(
                f"{key} is no option of {name}, which has {accepted}"
                f"{did_you_mean(key, known)}"
            )
        try:
            options[key] = TypeAdapter(known[key]).validate_python(given)
        except ValidationError as error:
            raise GlimpseError(
                f"{key} is {given!r}, which is no {known[key].__name__}"
            ) from error
    return {"name": name, **options} if options else name


@dataclass(frozen=True, config=STRICT)
class ModelOptions:
    """Options of a network.

    Each option with "units" in its name is a dimension. Each option with
    "dropout" in its name is a rate, except `variational_dropout`, which is a
    switch. models/README.md explains the values of each option, and when to
    choose which value. `attention` is the name of an attention layer, or a
    mapping that contains this name and options of the layer, such as
    `{name: location, kernel_size: 31}`.
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
    attention: Annotated[str | dict[str, Any], BeforeValidator(_attention)] = (
        "bahdanau"
    )
    attention_units: Count = 128
    num_heads: Count = 4
    window: Annotated[str, one_of(windows.WINDOWS, "none")] = "none"
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
    variational_dropout: bool = False  # in the encoder
    readout_dropout: Rate = 0.0

    @model_validator(mode="before")
    @classmethod
    def _with_own_keys(cls, given: Any) -> Any:
        """Move options from the mappings `attention` and `window` to fields.

        `OWN_KEYS` lists these options and fields. For example,
        `attention={"name": "multi-head", "num_heads": 8}` becomes
        `attention="multi-head", num_heads=8`.
        """
        if not isinstance(given, dict):
            by_place = zip(fields(cls), given.args or (), strict=False)
            named = {field.name: value for field, value in by_place}
            given = named | (given.kwargs or {})
        return _with_own_keys(dict(given))

    @property
    def attention_name(self) -> str:
        """Name of the attention layer, without its options."""
        if isinstance(self.attention, str):
            return self.attention
        return self.attention["name"]

    @property
    def attention_options(self) -> dict[str, Any]:
        """Options that the mapping `attention` contains for the layer.

        The options that `OWN_KEYS` lists are left out, since `ModelOptions` has
        separate fields for them.
        """
        if isinstance(self.attention, str):
            return {}
        return {k: v for k, v in self.attention.items() if k != "name"}

    @property
    def attends(self) -> bool:
        """Tell whether the network has attention weights."""
        return self.kind == "starting-example" or self.decoder != "plain"

    @property
    def memory_units(self) -> int:
        """Dimension of the encoder's outputs, to which the decoder attends."""
        both = self.direction == "bidirectional"
        return self.encoder_units * (2 if both else 1)

    def unused(self) -> dict[str, str]:
        """Return the options that this network ignores, with the reasons.

        Each key is the name of an ignored option, such as "window_half_width".
        Its value is the setting because of which the option is ignored, such as
        "model.window=none".
        """
        if self.kind == "starting-example":
            return {
                field.name: "model.kind=starting-example"
                for field in fields(self)
                if field.name != "kind"
            }
        return dict(self._unused())

    def _unused(self) -> Iterator[tuple[str, str]]:
        if not self.attends:
            for name in ("attention", "attention_units", "num_heads"):
                yield name, f"model.decoder={self.decoder}"
        else:
            variant = ATTENTIONS[self.attention_name]
            why = f"model.attention={self.attention_name}"
            if not variant.has_units:
                yield "attention_units", why
            if "num_heads" not in variant.options:
                yield "num_heads", why
        if self.window == "none":
            yield "window_half_width", "model.window=none"
        if self.encoder_layers == self.decoder_layers == 1:
            yield "residual", "one layer on either side"


def _with_own_keys(values: dict[str, Any]) -> dict[str, Any]:
    for part, keys in OWN_KEYS.items():
        given = values.get(part)
        if not isinstance(given, Mapping):
            continue
        options = dict(given)
        default = ModelOptions.__dataclass_fields__[part].default
        options.setdefault("name", default)
        for option, key in keys.items():
            if option in options:
                value = options.pop(option)
                if values.get(key, value) != value:
                    raise GlimpseError(
                        f"model.{part} has {option}={value} and model.{key} is "
                        f"{values[key]}: they are one option, so give it once"
                    )
                values[key] = value
        values[part] = options if len(options) > 1 else options["name"]
    return values


def build_model(
    options: ModelOptions,
    source_vocabulary_size: int,
    target_vocabulary_size: int,
    precision: str = "float32",
) -> SequenceModel:
    """Return the network that `options` describe; it has no weights yet.

    Args:
        options: options of the network.
        source_vocabulary_size: number of source token ids.
        target_vocabulary_size: number of target token ids.
        precision: name of a Keras dtype policy, used by all layers.

    Raises:
        GlimpseError: a layer rejects the value of an option.
    """
    try:
        return _build(
            options, source_vocabulary_size, target_vocabulary_size, precision
        )
    except ValueError as error:
        raise GlimpseError(f"The model cannot be built: {error}") from error


def _build(
    options: ModelOptions,
    source_vocabulary_size: int,
    target_vocabulary_size: int,
    precision: str,
) -> SequenceModel:
    if options.kind == "starting-example":
        return StartingExample(
            source_vocabulary_size, target_vocabulary_size, dtype=precision
        )
    return Seq2Seq.of_tokens(
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


def _build_decoder(options: ModelOptions, precision: str) -> decoders.Decoder:
    kind = decoders.get(options.decoder)
    arguments: dict[str, Any] = {
        "cell": options.cell,
        "num_layers": options.decoder_layers,
        "dropout": options.readout_dropout,
        "residual": options.residual,
        "bridge": options.bridge,
        "activation": options.readout,
        "dtype": precision,
    }
    if options.attends:
        arguments["attention"] = _build_attention(options, precision)
    if kind is LuongDecoder:
        arguments["input_feeding"] = options.input_feeding
    return kind(options.decoder_units, options.embedding_units, **arguments)


def _build_attention(
    options: ModelOptions, precision: str
) -> attentions.Attention:
    arguments = {"dtype": precision, **options.attention_options}
    if options.window != "none":
        arguments["window"] = windows.get(options.window)(
            options.window_half_width, dtype=precision
        )
    if "num_heads" in ATTENTIONS[options.attention_name].options:
        arguments["num_heads"] = options.num_heads
    return attentions.get(
        options.attention_name, options.attention_units, **arguments
    )
