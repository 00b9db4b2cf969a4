"""Tokenizer: the text comes back, the ids agree, the marks stay out of it."""

from pathlib import Path

import pytest

from data import GlimpseError, Tokenizer, normalise
from tests.data.test_text import awkward_texts

TEXTS = [
    "A man in an orange hat is looking at something.",
    "Un homme avec un chapeau orange regarde quelque chose.",
    "Two young guys </s> are <unk> hanging <0x41> out <s> in the yard.",
] * 5


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(TEXTS, 350)


@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
def test_decoded_is_normalised(model_type: str) -> None:
    tokenizer = Tokenizer.train(TEXTS, 300, model_type=model_type)
    texts = [*awkward_texts(3000, seed=3), *TEXTS, "▅ ⁇ \u2047", "½"]
    encoded = tokenizer.encode_batch(texts)
    for text, ids in zip(texts, encoded, strict=True):
        assert tokenizer.decode(ids) == normalise(text)
        assert min(ids, default=4) > 3
    assert [tokenizer.encode(text) for text in texts[:50]] == encoded[:50]


@pytest.mark.parametrize("mark", ["</s>", "<s>", "<unk>", "<pad>", "<0x41>"])
def test_marks_in_text_are_text(tokenizer: Tokenizer, mark: str) -> None:
    for learnt in (tokenizer, Tokenizer.train([f"{mark} a{mark}"] * 99, 300)):
        for text in (mark, f"a {mark}b"):
            ids = learnt.encode(text)
            assert min(ids) > 3
            assert mark not in learnt.pieces(ids)
            assert learnt.decode(ids) == text


def test_the_graph_gives_the_same_ids(tokenizer: Tokenizer) -> None:
    import tensorflow as tf

    texts = [normalise(text) for text in (*awkward_texts(500, seed=4), *TEXTS)]
    ids = tokenizer.in_graph(tf.constant(texts))
    assert ids.dtype == tf.int32
    assert ids.to_list() == tokenizer.encode_batch(texts)


def test_the_graph_tokenizer_may_first_be_used_in_a_trace() -> None:
    import tensorflow as tf

    tokenizer = Tokenizer.train(TEXTS, 300)
    batches = tf.data.Dataset.from_tensors(TEXTS[:2]).map(tokenizer.in_graph)
    (ids,) = list(batches)
    assert ids.to_list() == tokenizer.encode_batch(TEXTS[:2])
    assert tokenizer.in_graph(TEXTS[:1]).to_list() == ids.to_list()[:1]


def test_marks_count_for_nothing_in_decoding(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("orange é")
    with_marks = [Tokenizer.BOS]
    for each in ids:
        with_marks += [each, Tokenizer.PAD]
    with_marks += [Tokenizer.EOS, Tokenizer.PAD]
    assert tokenizer.decode(with_marks) == "orange é"
    assert tokenizer.pieces(with_marks)[0] == "<s>"
    assert tokenizer.pieces(with_marks)[-2:] == ["</s>", "<pad>"]


def test_spans_of_bytes_and_marks(tokenizer: Tokenizer) -> None:
    ids = [Tokenizer.BOS, *tokenizer.encode("hat 😀!"), Tokenizer.EOS, 0]
    text = tokenizer.decode(ids)
    spans = tokenizer.spans(ids)
    found = [
        (piece, text[start:end])
        for piece, (start, end) in zip(
            tokenizer.pieces(ids), spans, strict=True
        )
    ]
    assert found[-8:] == [
        ("▁", " "),
        *((f"<0x{byte:02X}>", "😀") for byte in "😀".encode()),
        ("<0x21>", "!"),
        ("</s>", ""),
        ("<pad>", ""),
    ]
    assert spans[0] == spans[-1] == (len(text), len(text))


def test_spans_cover_the_text(tokenizer: Tokenizer) -> None:
    for each in awkward_texts(1000, seed=5):
        ids = tokenizer.encode(each)
        spans = tokenizer.spans(ids)
        distinct = list(
            dict.fromkeys(span for span in spans if span[0] < span[1])
        )
        text = tokenizer.decode(ids)
        assert "".join(text[start:end] for start, end in distinct) == text


def test_any_ids_decode_to_one_line(tokenizer: Tokenizer) -> None:
    text = tokenizer.decode(range(tokenizer.vocabulary_size))
    assert len(text.splitlines()) == 1
    assert "\0" not in text
    spans = tokenizer.spans(range(tokenizer.vocabulary_size))
    assert max(end for _, end in spans) == len(text)


def test_training_is_deterministic() -> None:
    models = {Tokenizer.train(TEXTS, 320).model for _ in range(3)}
    assert len(models) == 1


def test_training_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    Tokenizer.train(TEXTS, 300)
    assert capfd.readouterr() == ("", "")


def test_little_text_gives_a_smaller_vocabulary() -> None:
    tokenizer = Tokenizer.train(["ab"], 4000)
    assert 260 < tokenizer.vocabulary_size < 300
    assert tokenizer.decode(tokenizer.encode("zb")) == "zb"


@pytest.mark.parametrize(
    ("texts", "size", "message"),
    [
        ([" ", ""], 300, "on no text"),
        (TEXTS, -5, "-5 pieces could not be trained"),
    ],
)
def test_training_that_cannot_be(
    texts: list[str], size: int, message: str
) -> None:
    with pytest.raises(GlimpseError, match=message):
        Tokenizer.train(texts, size)


def test_the_vocabulary_asked_for_instead_is_enough() -> None:
    with pytest.raises(GlimpseError, match="100 pieces cannot hold") as caught:
        Tokenizer.train(TEXTS, 100)
    least = int(str(caught.value).split()[-1].rstrip("."))
    assert Tokenizer.train(TEXTS, least).vocabulary_size == least


def test_unknown_model_type() -> None:
    with pytest.raises(GlimpseError, match=r"'char'.* bpe, unigram, word"):
        Tokenizer.train(TEXTS, 300, model_type="char")


def test_saved_is_loaded(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(b"older")
    tokenizer.save(path)
    assert Tokenizer.load(path).model == tokenizer.model
    assert [each.name for each in tmp_path.iterdir()] == ["tokenizer.model"]


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_damaged_or_missing_model(
    tokenizer: Tokenizer, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "tokenizer.model"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GlimpseError, match=r"tokenizer\.model"):
        Tokenizer.load(path)
    path.write_bytes(tokenizer.model[:-9])
    with pytest.raises(GlimpseError, match="not a tokenizer"):
        Tokenizer.load(path)


def test_a_model_with_other_marks_is_refused(tmp_path: Path) -> None:
    import io

    import sentencepiece

    foreign = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=foreign,
        vocab_size=60,
        model_type="bpe",
        minloglevel=2,
    )
    with pytest.raises(GlimpseError, match=r"special ids \[-1, 0, 1, 2\]"):
        Tokenizer(foreign.getvalue())


@pytest.mark.parametrize("model_type", ["bpe", "unigram"])
def test_samples_spell_the_same_text(model_type: str) -> None:
    tokenizer = Tokenizer.train(TEXTS, 330, model_type=model_type)
    texts = TEXTS * 20
    found = tokenizer.sample(texts, 0.3, 1)
    assert [tokenizer.decode(ids) for ids in found] == texts
    assert len({tuple(ids) for ids in found}) > 5 * len(TEXTS)
    assert tokenizer.sample(texts, 0.3, 1) == found
    assert tokenizer.sample(texts, 0.3, 2) != found
    if model_type == "bpe":
        assert tokenizer.sample(texts, 0.0, 1) == tokenizer.encode_batch(texts)


def test_words_are_not_sampled() -> None:
    tokenizer = Tokenizer.train(TEXTS, 330, model_type="word")
    with pytest.raises(GlimpseError, match="only the types bpe and unigram"):
        tokenizer.sample(TEXTS, 0.1, 1)
