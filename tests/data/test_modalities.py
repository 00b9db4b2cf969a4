"""Text as a modality: ids, lengths, and what stands along an axis."""

import numpy as np
import pytest
import tensorflow as tf

from data import Language, Tokenizer, normalise
from data.modalities import END, Symbols, Text
from tests.data.test_text import awkward_texts


@pytest.fixture(scope="module")
def text() -> Text:
    tokenizer = Tokenizer.train(["le chat de l'ami voit un chien"] * 9, 290)
    return Text(tokenizer, Language("fr"))


def test_all_ways_to_ids_agree(text: Text) -> None:
    values = [normalise(each) for each in awkward_texts(200, seed=5)] + [""]
    ids = [text.ids(value) for value in values]
    assert text.encode(tf.constant(values)).to_list() == list(map(list, ids))
    assert text.lengths(values).tolist() == list(map(len, ids))
    for value, each in zip(values, ids, strict=True):
        assert each[-1] == text.symbols.end
        assert text.decode(each) == value
        assert max(each) < text.size
        assert len(text.pieces(each)) == len(each)
        assert (len(each) < text.least) is (value == "")


def test_symbols_are_the_tokenizers(text: Text) -> None:
    assert text.symbols == Symbols(Tokenizer.PAD, Tokenizer.BOS, Tokenizer.EOS)
    assert text.size == text.tokenizer.vocabulary_size


def test_a_line_is_normalised(text: Text) -> None:
    assert text.read("\u00a0e\u0301te\u0301\u202f! \r") == "été !"


def test_the_axis_of_a_text_is_its_words_and_its_end(text: Text) -> None:
    value = "le chat de l'ami"
    ids = text.ids(value)
    axis = text.axis(value, ids)
    assert axis.labels == ("le", "chat", "de", "l'", "ami", END)
    assert axis.shares.shape == (len(ids), 6)
    np.testing.assert_allclose(axis.shares.sum(1), 1)
    assert axis.shares[-1].tolist() == [0, 0, 0, 0, 0, 1]
    # By the characters of each piece, whatever the pieces are.
    spans = text.tokenizer.spans(ids, value)
    assert text.axis(value, ids, spans).shares.tolist() == axis.shares.tolist()
    whole = text.axis(value, (9, 3), [(0, 7), (16, 16)])
    np.testing.assert_allclose(
        whole.shares[0], np.array([2, 4, 0, 0, 0, 0]) / 6
    )


def test_an_empty_text_without_places_has_an_axis_without_labels(
    text: Text,
) -> None:
    axis = text.axis("", (), [])
    assert axis.labels == ()
    assert axis.shares.size == 0
