"""Tokenizer of words: known ones come back, each other one is one mark."""

import io

import pytest
import sentencepiece

from data import GlimpseError, Tokenizer, normalise
from tests.data.test_text import awkward_texts

TEXTS = ["the cat sees the dog .", "the dog does n't see 日本 , né ."]
UNKNOWN = Tokenizer.UNK


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(TEXTS, 1000, model_type="word")


def test_words_are_what_stands_between_spaces(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("the dog does n't")
    assert tokenizer.pieces(ids) == ["▁the", "▁dog", "▁does", "▁n't"]
    words = {word for text in TEXTS for word in text.split()}
    assert tokenizer.vocabulary_size == 4 + len(words)
    assert tokenizer.is_word_level
    assert not Tokenizer.train(TEXTS, 300).is_word_level


def test_known_words_come_back(tokenizer: Tokenizer) -> None:
    for text in [*TEXTS, " the \u3000 cat ", "", "日本 ne\u0301"]:
        ids = tokenizer.encode(text)
        assert min(ids, default=4) > 3
        assert tokenizer.decode(ids) == normalise(text)


def test_each_unknown_word_is_one_mark(tokenizer: Tokenizer) -> None:
    text = "Karl Oslo sees ▅ </s> <unk> dog. zut"
    ids = tokenizer.encode(text)
    (sees,) = tokenizer.encode("sees")
    assert ids == [1, 1, sees, 1, 1, 1, 1, 1]
    assert tokenizer.decode(ids) == (
        "<unk> <unk> sees <unk> <unk> <unk> <unk> <unk>"
    )
    assert tokenizer.pieces(ids[1:3]) == ["<unk>", "▁sees"]


def test_the_most_frequent_words_are_kept() -> None:
    texts = ["b a a b c c d", "c b e"]
    tokenizer = Tokenizer.train(texts, 6, model_type="word")
    assert tokenizer.vocabulary_size == 6
    assert tokenizer.decode(tokenizer.encode("a b c d")) == "<unk> b c <unk>"
    again = Tokenizer.train(texts, 6, model_type="word")
    assert again.model == tokenizer.model


def test_the_graph_gives_the_same_ids(tokenizer: Tokenizer) -> None:
    import tensorflow as tf

    texts = [normalise(text) for text in awkward_texts(500, seed=6)]
    texts += [*TEXTS, "", "Karl Oslo sees ▅ </s> <unk> <pad> Karl", "cat"]
    ids = tokenizer.in_graph(tf.constant(texts))
    assert ids.dtype == tf.int32
    assert ids.to_list() == tokenizer.encode_batch(texts)
    assert ids.to_list() == [tokenizer.encode(text) for text in texts]
    assert tokenizer.in_graph(tf.constant(["", ""])).to_list() == [[], []]
    batches = tf.data.Dataset.from_tensors(texts).map(tokenizer.in_graph)
    assert next(iter(batches)).to_list() == ids.to_list()


def test_spans_are_those_of_the_decoded_text(tokenizer: Tokenizer) -> None:
    ids = [2, *tokenizer.encode("Karl sees Oslo"), 0, 3]
    text = tokenizer.decode(ids)
    assert text == "<unk> sees <unk>"
    spans = tokenizer.spans(ids)
    found = [text[start:end] for start, end in spans]
    assert found == ["", "<unk>", " sees", " <unk>", "", ""]
    assert spans[0] == spans[-1] == (len(text), len(text))
    assert tokenizer.spans([]) == []
    assert tokenizer.spans([3]) == [(0, 0)]


def test_spans_in_a_text_with_its_unknown_words(tokenizer: Tokenizer) -> None:
    text = "Karl sees Oslo"
    spans = tokenizer.spans([*tokenizer.encode(text), 3], text)
    assert spans == [(0, 4), (4, 9), (9, 14), (14, 14)]


def test_any_ids_decode_to_one_line(tokenizer: Tokenizer) -> None:
    ids = range(tokenizer.vocabulary_size)
    words = tokenizer.decode(ids).split(" ")
    assert len(words) == tokenizer.vocabulary_size - 3
    assert words[0] == "<unk>"
    assert len(tokenizer.spans(ids)) == tokenizer.vocabulary_size


def test_text_of_no_words_to_learn_gives_the_marks_alone() -> None:
    tokenizer = Tokenizer.train(["</s>"], 9, model_type="word")
    assert tokenizer.vocabulary_size == 4
    assert tokenizer.encode("a b") == [UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    ("model_type", "bytes_too"), [("word", True), ("bpe", False)]
)
def test_words_with_bytes_and_sub_words_without_are_refused(
    model_type: str, bytes_too: bool
) -> None:
    foreign = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=foreign,
        vocab_size=400,
        model_type=model_type,
        pad_id=0,
        unk_id=1,
        bos_id=2,
        eos_id=3,
        byte_fallback=bytes_too,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    with pytest.raises(GlimpseError, match=r"or words without them"):
        Tokenizer(foreign.getvalue())
