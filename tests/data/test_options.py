"""Options of this room: what they accept, and what they refuse."""

import pydantic
import pytest

from app.config import load_config
from data import (
    CorpusOptions,
    GlimpseError,
    Language,
    PipelineOptions,
    TokenizerOptions,
)
from data.options import languages


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(
    "given", [{"kind": "text", "language": "de"}, {"language": "de"}]
)
def test_a_side_of_text_is_the_code_of_its_language(
    side: str, given: dict[str, str]
) -> None:
    assert CorpusOptions(**{side: given}) == CorpusOptions(**{side: "de"})
    mapping = ", ".join(f"{key}: {value}" for key, value in given.items())
    set_out, short = (
        load_config("phrasebook", [f"corpus.{side}={value}"])
        for value in (f"{{{mapping}}}", "de")
    )
    assert set_out == short
    assert getattr(set_out.corpus, side) == "de"


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(
    "given",
    [
        {"kind": "speech", "language": "en"},
        {"kind": "text"},
        {"kind": "text", "language": "en", "rate": "8"},
        {},
    ],
)
def test_another_side_is_refused_with_a_sentence(
    side: str, given: dict[str, str]
) -> None:
    message = r"a side of the corpus is .* \{kind: text, language: en\}: write"
    with pytest.raises(pydantic.ValidationError, match=message):
        CorpusOptions(**{side: given})
    mapping = ", ".join(f"{key}: {value}" for key, value in given.items())
    with pytest.raises(GlimpseError, match=message) as caught:
        load_config("phrasebook", [f"corpus.{side}={{{mapping}}}"])
    assert f"corpus.{side}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_joint_vocabulary_is_the_same_on_both_sides() -> None:
    options = TokenizerOptions(vocabulary_size=500)
    assert options.is_joint
    assert options.sides() == (options, options)
    assert not TokenizerOptions(joint=False).is_joint


@pytest.mark.parametrize(
    ("corpus", "tokenizer", "tokenised"),
    [
        (CorpusOptions(), TokenizerOptions(), (False, False)),
        (CorpusOptions(tokenised=True), TokenizerOptions(), (True, True)),
        (CorpusOptions(), TokenizerOptions(model_type="word"), (True, True)),
        (
            CorpusOptions(),
            TokenizerOptions(source={"model_type": "word"}),
            (True, False),
        ),
    ],
)
def test_words_are_between_spaces_where_the_options_say_so(
    corpus: CorpusOptions,
    tokenizer: TokenizerOptions,
    tokenised: tuple[bool, bool],
) -> None:
    assert languages(corpus, tokenizer) == (
        Language("en", tokenised[0]),
        Language("fr", tokenised[1]),
    )


def test_lengths_are_cut_at_the_longest_kept() -> None:
    options = PipelineOptions(
        max_source_length=9, max_target_length=11, boundaries=(12, 4, 8, 11)
    )
    assert options.lengths == (4, 8, 11)
    assert PipelineOptions(max_target_length=99).lengths[-2:] == (64, 99)


@pytest.mark.parametrize(
    ("choice", "value"),
    [
        ("batch_size", 0),
        ("max_source_length", 1),
        ("boundaries", (1, 4)),
        ("shuffle_buffer", 0),
        ("in_memory_pairs", -1),
    ],
)
def test_options_that_cannot_be(choice: str, value: object) -> None:
    with pytest.raises(GlimpseError, match=f"Option {choice} is "):
        PipelineOptions(**{choice: value})
