from pathlib import Path
from typing import Any

import pytest

from app.config import load_config, yaml_text
from app.tuning.space_files import load_space
from data import GlimpseError

WORDS = [
    *("no", "yes", "on", "off", "y", "N", "12:30", "1:30:15", "1_000", "0b11"),
    *("2026-01-02", "nan", "=", "-_", "1e"),
]
OTHERS: dict[str, Any] = {
    "null": None,
    "~": None,
    "": None,
    "true": True,
    "False": False,
    "010": 10,
    "0o10": 8,
    "0x1F": 31,
    "-7": -7,
    "1e-3": 0.001,
    "2.e-3": 0.002,
    "1.e-3": 0.001,
    "-.5": -0.5,
    "5E1": 50.0,
    ".inf": float("inf"),
    "[a, 2]": ["a", 2],
    "{a: no}": {"a": "no"},
    "'true'": "true",
}


@pytest.mark.parametrize("word", WORDS)
def test_words_are_words(word: str) -> None:
    assert yaml_text.load(word) == word


@pytest.mark.parametrize("text", OTHERS)
def test_what_is_no_word(text: str) -> None:
    found = yaml_text.load(text)
    assert (found, type(found)) == (OTHERS[text], type(OTHERS[text]))


def test_what_is_written_comes_back_in_its_order() -> None:
    odd = ["é", "日本", "\udcff", "\x85", "\u2028", "a\nb", " a ", "x y " * 90]
    odd += ["- a", "a: b", "#", "'", '"', "\\", "<<", "*a", "@", "---", "C:\\d"]
    texts = [*WORDS, *OTHERS, *odd]
    values = {
        "z": {text: [text, {text: text}] for text in texts},
        "a": [None, True, False, 3, 1e-30, 1e16, 0.1, float("inf"), [], {}],
    }
    written = yaml_text.dump(values)
    assert yaml_text.load(written) == values
    assert list(yaml_text.load(written)) == ["z", "a"]


def test_what_is_written_is_readable() -> None:
    values = {"training": {"rate": 0.004, "clip": None, "files": ("é", "日")}}
    assert yaml_text.dump({**values, "also": ()}) == (
        "training:\n  rate: 0.004\n  clip: null\n  files:\n  - é\n  - 日\n"
        "also: []\n"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [\nc: 3", "line 3, column 5: while parsing a flow sequence"),
        ("a: 1\n\tb: 2", "line 2, column 1: "),
        ("a: 1\nb: x\x07", r"line 2: the character U\+0007 cannot stand"),
        ("a: 1\na: 2", 'line 2, column 1: .*duplicate key "a"'),
        ("!!python/object/apply:os.getcwd []", "line 1, column 1: .*tag"),
        ("!!bool x", "x"),
        ("a\n---\nb", "line 2, column 1: expected a single document"),
    ],
)
def test_what_is_not_yaml_is_one_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        yaml_text.load(text)
    assert "\n" not in str(caught.value)
    assert "http" not in str(caught.value)


@pytest.mark.parametrize("language", ["no", "on", "12:30", "1_000"])
def test_a_language_is_what_it_is_called(language: str, tmp_path: Path) -> None:
    """`no` is Norwegian, and was false."""
    preset = tmp_path / "preset.yaml"
    preset.write_text(f"corpus:\n  source: {language}\n")
    assert load_config(preset).corpus.source == language
    given = load_config("phrasebook", [f"corpus.source={language}"])
    assert given.corpus.source == language


def test_a_switch_takes_words_and_a_number_its_signs() -> None:
    overrides = ["model.residual=yes", "model.tied_embeddings=off"]
    overrides += ["model.encoder_layers=2"]  # or it would have no use
    config = load_config(
        "phrasebook", [*overrides, "training.epochs=1_000", "training.seed=010"]
    )
    assert config.model.residual
    assert not config.model.tied_embeddings
    assert (config.training.epochs, config.training.seed) == (1000, 10)


def test_a_switch_is_searched_by_words(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(
        "model.residual: [no, on]\n"
        "model.encoder_layers: {values: [1, 2], when: {model.residual: yes}}\n"
    )
    residual, layers = load_space(path, load_config("phrasebook")).parameters
    assert residual.values == (False, True)
    assert layers.when == {"model.residual": (True,)}


def test_a_preset_that_is_wrong_says_where(tmp_path: Path) -> None:
    preset = tmp_path / "preset.yaml"
    preset.write_text("corpus: {}\ntraining: {epochs: 3, epochs: 4}\n")
    with pytest.raises(GlimpseError, match="line 2, column 23") as caught:
        load_config(preset)
    assert "\n" not in str(caught.value)
