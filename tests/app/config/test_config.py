import dataclasses
from pathlib import Path

import pytest

from app.config import (
    Config,
    differences,
    load_config,
    preset_names,
    save_config,
)
from data import GlimpseError


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_and_comes_back_from_its_file(
    name: str, tmp_path: Path
) -> None:
    config = load_config(name)
    path = tmp_path / "config.yaml"
    save_config(config, path)
    assert load_config(path) == config


def test_overrides_are_read_as_yaml_and_checked() -> None:
    config = load_config(
        "phrasebook",
        [
            "training.epochs=3",
            "training.learning_rate=2e-3",
            "model.direction=forward",
            "training.patience=null",
        ],
    )
    assert config.training.epochs == 3
    assert config.training.learning_rate == 0.002
    assert config.model.direction == "forward"
    assert config.training.patience is None


@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize(
    ("given", "files"),
    [
        ("my.tsv", ("my.tsv",)),
        ("~/données, 2.tsv", ("~/données, 2.tsv",)),
        ("[my.tsv]", ("my.tsv",)),
        ("[my.en, my.fr]", ("my.en", "my.fr")),
    ],
)
def test_a_name_without_brackets_is_a_list_of_one(
    split: str, given: str, files: tuple[str, ...], tmp_path: Path
) -> None:
    config = load_config("phrasebook", [f"corpus.{split}={given}"])
    assert getattr(config.corpus, split) == files
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epoch=3", "unknown key 'training.epoch'.*'epochs'"),
        ("trainig.epochs=3", "unknown key 'trainig'; did you mean 'training'"),
        ("training.epochs=many", "training.epochs is 'many', but"),
        ("tokenizer.vocabulary_size=4", "tokenizer.vocabulary_size is 4, but"),
        ("tokenizer.model_type=char", "'bpe', 'unigram' or 'word'"),
        ("training.epochs=0", "training.epochs is 0, but"),
        ("corpus.train=5", "corpus.train is 5, but"),
        ("epochs=3", "SECTION.KEY=VALUE"),
        ("training.epochs", "SECTION.KEY=VALUE"),
        ("model.attention.units.x=3", "SECTION.KEY.OPTION=VALUE"),
        ("training.epochs.x=3", r"training.epochs is {'x': 3}, but"),
        ("training.epochs=[", "not YAML"),
        (
            "model.cell=gruu",
            "model.cell: Unknown name 'gruu': expected one of gru",
        ),
        ("model.input_feeding=true", "set model.decoder=luong"),
        ("model.attention=luong-dot", "set model.decoder_units=256"),
    ],
)
def test_a_wrong_override_is_one_sentence(override: str, message: str) -> None:
    with pytest.raises(GlimpseError, match=message) as caught:
        load_config("phrasebook", [override])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [5, 30_000])
def test_a_vocabulary_of_words_needs_no_room_for_bytes(size: int) -> None:
    config = load_config(
        "phrasebook",
        ["tokenizer.model_type=word", f"tokenizer.vocabulary_size={size}"],
    )
    assert config.tokenizer.model_type == "word"
    assert config.tokenizer.vocabulary_size == size


def test_sharing_needs_one_vocabulary() -> None:
    with pytest.raises(GlimpseError, match=r"tokenizer\.joint"):
        load_config(
            "phrasebook",
            ["model.shared_embeddings=true", "tokenizer.joint=false"],
        )


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(GlimpseError, match="did you mean 'phrasebook'"):
        load_config("phrasebok")


@pytest.mark.parametrize("text", ["- a\n", "a: [", "\xff"])
def test_a_file_that_is_no_preset_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "preset.yaml"
    path.write_text(text, "latin-1")
    with pytest.raises(GlimpseError, match=r"preset\.yaml"):
        load_config(path)


def test_configurations_are_frozen_and_their_differences_named() -> None:
    config = Config()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.training.epochs = 3  # type: ignore[misc]
    other = load_config("phrasebook", ["training.seed=7"])
    mine = load_config("phrasebook")
    assert differences(mine, other) == ["training.seed: 1, 7"]
