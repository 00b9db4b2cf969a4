"""Rules of whole words, beginnings and lengths, against enumeration."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from data import GlimpseError, Tokenizer
from data.beginnings import Speller
from data.spelling import Spelling, code
from models.search.rules import Rule, SentenceRule, at_least, begin_with
from models.search.words import Words, forbid_words, no_repeated_words
from tests.models import reference
from tests.models.chain import Chain, assert_same, found, run
from tests.models.reference import Words as Ids
from tests.models.test_search_rules import possible, ruled
from tests.models.tiny import BOS, EOS, PAD

PIECES = ("<pad>", "<unk>", "<s>", "</s>", "▁a", "b", "▁ab", ".")
MARKS, UNK = (PAD, BOS, EOS), 1
SPELLING = Spelling.of(PIECES, MARKS, UNK)
V = len(PIECES)


def words_of(ids: Sequence[int]) -> list[str]:
    """The words of a text; nothing here knows of pieces but what they write."""
    written = {**dict.fromkeys(MARKS, ""), UNK: "?"}
    text = "".join(written.get(i, PIECES[i].replace("▁", " ")) for i in ids)
    return re.findall(r"[a-z]+|[^a-z ]", text)


def completing(
    judge: Callable[[list[str]], bool],
) -> Callable[[Ids, int], bool]:
    """Forbids a piece after which the words before it are complete."""

    def forbids(ids: Ids, new: int) -> bool:
        before = words_of(ids)
        more = len(words_of((*ids, new))) > len(before)
        return bool(before) and (more or new == EOS) and judge(before)

    return forbids


def repeats(size: int) -> Callable[[list[str]], bool]:
    def judge(words: list[str]) -> bool:
        grams = [tuple(words[i:][:size]) for i in range(len(words) - size + 1)]
        return len(grams) > len(set(grams))

    return judge


def begins(text: str) -> Callable[[Ids, int], bool]:
    def forbids(ids: Ids, new: int) -> bool:
        parts = [PIECES[i].replace("▁", " ") for i in (*ids, new) if i > EOS]
        so_far = "".join(parts)
        if new <= EOS:
            return not so_far.startswith(text)
        return not (so_far.startswith(text) or text.startswith(so_far))

    return forbids


CASES: dict[str, tuple[Rule, Callable[[Ids, int], bool]]] = {
    "no word twice": (
        no_repeated_words(1, SPELLING, EOS),
        completing(repeats(1)),
    ),
    "no two words twice": (
        no_repeated_words(2, SPELLING, EOS),
        completing(repeats(2)),
    ),
    "not ab": (
        forbid_words([[code("ab")]], SPELLING, EOS),
        completing(lambda words: words[-1:] == ["ab"]),
    ),
    "not a. nor abb": (
        forbid_words([[code("a"), code(".")], [code("abb")]], SPELLING, EOS),
        completing(
            lambda words: words[-2:] == ["a", "."] or words[-1:] == ["abb"]
        ),
    ),
    "three tokens": (
        at_least(3, EOS),
        lambda ids, new: new == EOS and len(ids) < 2,
    ),
}


@pytest.mark.parametrize("name", [name for name in CASES if "two" not in name])
def test_the_widest_beam_finds_all_that_a_rule_allows(name: str) -> None:
    rule, forbids = CASES[name]
    limits = [4, 3]
    chain = Chain(len(limits), V)
    size = len(list(reference.sequences(max(limits), V)))
    hypotheses = run(chain, limits, rules=[rule], beam_size=size)
    for row, limit in enumerate(limits):
        log_probs = ruled(chain, row, limit, [forbids])
        expected = reference.every(log_probs, limit, V, 1.0)
        if limit == max(limits):  # else it may allow everything
            assert len(possible(expected)) < len(expected)
        assert_same(found(hypotheses, row), possible(expected))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [1, 3])
def test_search_under_a_rule_of_words_is_that_of_plain_python(
    name: str, size: int
) -> None:
    rule, forbids = CASES[name]
    rows = 9
    chain = Chain(rows, V, seed=size)
    limits = [2 + row for row in range(rows)]
    hypotheses = run(chain, limits, rules=[rule], beam_size=size)
    for row, limit in enumerate(limits):
        log_probs = ruled(chain, row, limit, [forbids])
        if size > 1:
            expected = reference.beam(log_probs, limit, size, 1.0)
            assert_same(found(hypotheses, row), possible(expected))
        else:
            (only,) = found(hypotheses, row)
            assert only.words == reference.greedy(log_probs, limit)


def test_a_word_has_one_code_however_it_is_spelt() -> None:
    pieces = [*PIECES, "▁", "<0xC3>", "<0xA9>", "é", "b.", "bb", "▁cbb"]
    spelling = Spelling.of(pieces, MARKS, UNK)
    ids = {piece: place for place, piece in enumerate(pieces)}
    spelt = [["▁a", "b", "b"], ["▁ab", "b"], ["▁a", "bb"], ["▁", "é", "▁cbb"]]
    tokens = [[ids[piece] for piece in each] for each in spelt]
    tokens = [each + [PAD] * (4 - len(each)) for each in tokens]
    words = Words.of(tf.constant([tokens]), tf.constant(3), spelling)
    np.testing.assert_array_equal(
        words.codes[0, :3, :3].numpy()[[0, 1, 2], [2, 1, 2]], [code("abb")] * 3
    )
    assert words.codes[0, 3, 1] == code("é")
    assert words.codes[0, 3, 2] == code("cbb")
    np.testing.assert_array_equal(
        words.is_whole[0, 3], [False, True, False, False]
    )


def test_where_no_spaces_are_each_piece_is_a_word() -> None:
    spelling = Spelling.of(["", "?", "猫", "犬"], (0,), UNK, is_spaced=False)
    tokens = tf.constant([[[2, 3, 2]]])
    words = Words.of(tokens, tf.constant(3), spelling)
    np.testing.assert_array_equal(
        words.codes[0, 0], [code("猫"), code("犬"), code("猫")]
    )


@pytest.mark.parametrize("size", [1, 300])
def test_every_sentence_has_its_own_beginning(size: int) -> None:
    """However its letters are spelt, and beyond its last letter."""
    texts = ["ab", "", "a ", "ab.", "a"]
    limits = [4, 2, 4, 4, 3]
    table = Speller(PIECES, (*MARKS, UNK)).tables(texts)
    rule = begin_with(tf.constant(table), SPELLING.sizes)
    chain = Chain(len(limits), V)
    hypotheses = run(chain, limits, rules=[rule], beam_size=size)
    for row, (text, limit) in enumerate(zip(texts, limits, strict=True)):
        log_probs = ruled(
            chain, row, limit, [begins(f" {text}" if text else "")]
        )
        if size > 1:
            expected = reference.beam(log_probs, limit, size, 1.0)
            assert_same(found(hypotheses, row), possible(expected))
        else:
            (only,) = found(hypotheses, row)
            assert only.words == reference.greedy(log_probs, limit)


def test_beginnings_that_the_pieces_cannot_write() -> None:
    with pytest.raises(GlimpseError, match="cannot begin with 'abc'"):
        Speller(PIECES, (*MARKS, UNK)).tables(["abc"])
    # "▁a" leads nowhere in "abb.", if no piece is "b" alone.
    pieces = ["<pad>", "<unk>", "<s>", "</s>", "▁a", "▁ab", "b."]
    allowed = Speller(pieces, (*MARKS, UNK)).tables(["abb."])
    np.testing.assert_array_equal(np.flatnonzero(allowed[0, 0]), [5])


def test_a_real_tokenizer_writes_every_beginning() -> None:
    tokenizer = Tokenizer.train(["un homme mange une pomme"] * 9, 300)
    pieces = tokenizer.pieces(range(tokenizer.vocabulary_size))
    speller = Speller(pieces, (*MARKS, UNK))
    text = "Ü homme?"
    allowed = speller.tables([text])[0]
    written = 0
    for token in tokenizer.encode(text):
        assert allowed[min(written, len(allowed) - 1), token]
        written += speller.sizes[token]
    assert not allowed[0, tokenizer.EOS]


def test_data_of_sentences_leave_with_them() -> None:
    """As in translation, where the batch shrinks."""
    texts, limits = ["ab", "a.", ""], [9, 3, 5]
    table = Speller(PIECES, (*MARKS, UNK)).tables(texts)
    rule = begin_with(tf.constant(table), SPELLING.sizes)
    assert isinstance(rule, SentenceRule)
    chain = Chain(3, V)
    whole = run(chain, limits, rules=[rule], beam_size=2)

    def step(tokens: tf.Tensor, state: Any, memory: Any) -> Any:
        return chain(tokens, state)

    leaving = run(
        chain, limits, step, rules=[rule], beam_size=2, given={"memory": ()}
    )
    for row in range(3):
        assert_same(found(leaving, row), found(whole, row))
