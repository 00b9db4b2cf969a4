"""Checks for options that are allowed alone, but not in combination."""

from collections.abc import Iterator

from app.config.options import ATTENTION_LOSSES, Config, TrainingOptions
from data import GlimpseError
from models.architecture import ModelOptions


def refuse_conflicts(config: Config) -> None:
    """Raise an error if options of a configuration cannot be combined.

    Raises:
        GlimpseError: options conflict; the message describes the first
            conflict that is found.
    """
    starts = config.model.kind == "starting-example"
    for reason in (
        *(_conflicts_of_the_example if starts else _conflicts)(config),
        *_conflicts_of_alignments(config.training),
        *_conflicts_of_sampling(config),
    ):
        raise GlimpseError(reason)


def _conflicts_of_the_example(config: Config) -> Iterator[str]:
    for name in ATTENTION_LOSSES:
        if weight := getattr(config.training, name):
            yield (
                f"training.{name}={weight} does not go with "
                "model.kind=starting-example, whose attention learns without "
                f"such a loss: set training.{name}=0, or model.kind=seq2seq"
            )
    if config.training.r_drop:
        yield (
            f"training.r_drop={config.training.r_drop} does not go with "
            "model.kind=starting-example, which has no dropout, so that two "
            "predictions are always equal: set training.r_drop=0, or "
            "model.kind=seq2seq"
        )


def _conflicts_of_alignments(training: TrainingOptions) -> Iterator[str]:
    if training.alignments and not training.guided_alignment:
        yield (
            f"training.alignments={training.alignments} has no effect with "
            "training.guided_alignment=0: set training.guided_alignment to a "
            "weight, such as 1.0, or leave training.alignments out"
        )


def _conflicts_of_sampling(config: Config) -> Iterator[str]:
    rate = config.pipeline.subword_dropout
    types = [side.model_type for side in config.tokenizer.sides()]
    if rate and "word" in types:
        yield (
            f"pipeline.subword_dropout={rate} does not go with a tokenizer of "
            "words, which has no sub-words to draw: set "
            "pipeline.subword_dropout=0, or tokenizer.model_type=bpe"
        )
    if rate and config.training.guided_alignment:
        yield (
            f"pipeline.subword_dropout={rate} does not go with "
            f"training.guided_alignment={config.training.guided_alignment}, "
            "whose links belong to sub-words that are always the same: set one "
            "of them to 0"
        )


def _conflicts(config: Config) -> Iterator[str]:
    model = config.model
    if model.shared_embeddings and not config.tokenizer.is_joint:
        yield (
            "model.shared_embeddings is true with a vocabulary for each side; "
            "sharing needs one vocabulary: set tokenizer.joint=true and leave "
            "tokenizer.source and tokenizer.target out"
        )
    if model.input_feeding and model.decoder != "luong":
        yield (
            f"model.input_feeding is true with model.decoder={model.decoder}; "
            "only the decoder luong has input feeding: set model.decoder=luong"
        )
    if model.readout != "tanh" and model.decoder == "luong":
        yield (
            f"model.readout={model.readout} does not go with "
            "model.decoder=luong, whose readout is the attentional vector, a "
            "tanh: set model.readout=tanh, or another model.decoder"
        )
    if model.window != "none" and not model.attends:
        yield (
            f"model.window={model.window} does not go with "
            f"model.decoder={model.decoder}, which has no attention to narrow: "
            "set model.window=none, or a model.decoder with attention"
        )
    for name in ATTENTION_LOSSES:
        weight = getattr(config.training, name)
        if weight and not model.attends:
            yield (
                f"training.{name}={weight} does not go with "
                f"model.decoder={model.decoder}, which has no attention to "
                f"learn: set training.{name}=0, or a model.decoder with "
                "attention"
            )
    if config.training.r_drop and not any(
        (
            *(model.embedding_dropout, model.word_dropout),
            *(model.encoder_dropout, model.readout_dropout),
        )
    ):
        yield (
            f"training.r_drop={config.training.r_drop} has no effect without "
            "dropout, since two predictions are then always equal: set "
            "training.r_drop=0, or a rate such as model.readout_dropout=0.2"
        )
    if model.variational_dropout and not model.encoder_dropout:
        yield (
            "model.variational_dropout is true with model.encoder_dropout=0; "
            "it says how model.encoder_dropout is applied: set "
            "model.encoder_dropout to a rate, such as 0.2"
        )
    yield from _conflicts_of_sizes(model)


def _conflicts_of_sizes(model: ModelOptions) -> Iterator[str]:
    memory, name = model.memory_units, model.attention_name
    sizes = (
        f"an encoder of {memory} units, both directions together, and a "
        f"decoder of {model.decoder_units} units"
    )
    equal = f"they need equal numbers: set model.decoder_units={memory}"
    differ = memory != model.decoder_units
    if name == "luong-dot" and model.attends and differ:
        yield f"model.attention=luong-dot does not go with {sizes}; {equal}"
    heads = model.num_heads if name == "multi-head" and model.attends else 1
    if model.attention_units % heads:
        yield (
            f"model.num_heads={heads} does not go with model.attention_units="
            f"{model.attention_units}; the heads share the units equally: set "
            "a number of heads that divides the number of units"
        )
    if model.bridge == "last" and differ:
        yield f"model.bridge=last does not go with {sizes}; {equal}"
    if model.bridge == "last" and model.decoder_layers > model.encoder_layers:
        yield (
            f"model.bridge=last does not go with model.encoder_layers="
            f"{model.encoder_layers} and model.decoder_layers="
            f"{model.decoder_layers}; each decoder layer starts from an "
            "encoder layer: set "
            f"model.encoder_layers={model.decoder_layers}, or "
            "model.bridge=dense"
        )
