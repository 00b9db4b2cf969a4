"""Attention as data: merged, linked, scored."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from app.alignment import (
    HEURISTICS,
    Gold,
    View,
    after,
    before,
    coverage,
    diagonality,
    entropy,
    fertility,
    flipped,
    links,
    merge,
    parse_pharaoh,
    score_alignments,
    summarise,
    to_pharaoh,
)
from app.inference import Hypothesis, Item, Translator
from data import GlimpseError, Tokenizer, words
from data.pieces import shares
from tests.app.conftest import SOURCES, TARGETS


def test_pieces_are_summed_over_source_and_averaged_over_target() -> None:
    # "ab c" is the pieces a|b| c|end, "xyz" is x|yz|end.
    source = shares([(0, 1), (1, 2), (2, 4), (4, 4)], [(0, 2), (3, 4)])
    target = shares([(0, 1), (1, 3), (3, 3)], [(0, 3)])
    weights = np.array(
        [[0.1, 0.2, 0.3, 0.4], [0.5, 0.1, 0.3, 0.1], [0.0, 0.2, 0.2, 0.6]]
    )
    np.testing.assert_allclose(
        merge(weights, source, target),
        [[0.45, 0.3, 0.25], [0.2, 0.2, 0.6]],
        rtol=1e-6,
    )


def test_a_piece_in_two_words_is_shared_by_characters() -> None:
    # "abc" is one piece over the words "ab" and "c"; the space before counts
    # for neither.
    result = shares([(0, 4), (4, 4)], [(1, 3), (3, 4)])
    np.testing.assert_allclose(result, [[2 / 3, 1 / 3, 0], [0, 0, 1]])
    # Both words looked where their one piece did.
    weights = np.array([[0.7, 0.3], [0.2, 0.8]])
    merged = merge(weights, np.eye(2), result)
    np.testing.assert_allclose(merged, weights[[0, 0, 1]], rtol=1e-6)


@pytest.mark.parametrize(
    ("space", "word"), [((0, 0), 0), ((2, 3), 1), ((5, 6), 1)]
)
def test_a_lone_space_goes_with_the_next_word(
    space: tuple[int, int], word: int
) -> None:
    pieces = sorted([space, (0, 2), (3, 5)])
    result = shares([*pieces, (6, 6)], [(0, 2), (3, 5)])
    assert result[pieces.index(space), word] == 1


def test_without_words_everything_goes_with_the_end() -> None:
    np.testing.assert_array_equal(shares([(0, 1), (1, 1)], []), [[1], [1]])


def test_no_attention_is_lost_whatever_the_pieces(
    translator: Translator,
) -> None:
    random = np.random.default_rng(5)
    side = translator.sides.target
    for _ in range(200):
        ids = random.integers(4, side.size, 17)
        ids = (*map(int, ids), Tokenizer.EOS)
        weights = random.dirichlet(np.ones(len(ids)), len(ids))
        item = Item(side.decode(ids), ids, side)
        view = Hypothesis(0.0, 0.0, weights, item, item).view()
        assert view.weights is not None
        assert view.weights.shape == (len(view.target), len(view.source))
        np.testing.assert_allclose(view.weights.sum(1), 1, rtol=1e-5)


def test_views_of_a_translation(translator: Translator) -> None:
    forced = translator.force(SOURCES[:1], TARGETS[:1])[0]
    hypothesis = forced.hypotheses[0]
    merged = hypothesis.view(by="words")
    assert " ".join(merged.source) == "I see the red car . </s>"
    assert merged.target == (
        "Je",
        "vois",
        "la",
        "voiture",
        "rouge",
        ".",
        "</s>",
    )
    assert merged.weights is not None
    assert merged.weights.shape == (7, 7)
    pieces = hypothesis.view(by="pieces")
    assert "".join(pieces.source) == "▁I▁see▁the▁red▁car.</s>"
    assert pieces.weights is hypothesis.attention


def test_a_beam_merged_to_words_is_the_sum_and_mean_of_its_rows(
    translator: Translator,
) -> None:
    """Piece by piece, by where each is in the text."""
    found = translator.translate(SOURCES, beam_size=5, nbest=5)
    for translation in found:
        assert len(translation.hypotheses) == 5
        source = _owners(translation.source_ids, translator, 0)
        for hypothesis in translation.hypotheses:
            target = _owners(hypothesis.ids, translator, 1)
            view = hypothesis.view()
            assert view.weights is not None
            assert hypothesis.attention is not None
            for j in range(len(view.target)):
                rows = [r for r, word in enumerate(target) if j in word]
                shares = [target[r][j] for r in rows]
                raw = np.average(hypothesis.attention[rows], 0, shares)
                for i in range(len(view.source)):
                    column = sum(
                        weight * word.get(i, 0)
                        for weight, word in zip(raw, source, strict=True)
                    )
                    assert view.weights[j, i] == pytest.approx(column, abs=1e-6)
                assert view.weights[j].sum() == pytest.approx(
                    raw.sum(), abs=1e-5
                )


def _owners(
    ids: Sequence[int], translator: Translator, side: int
) -> list[dict[int, float]]:
    """For each piece its words, and how much of it each has."""
    tokenizer = translator.sides[side].tokenizer
    language = ("en", "fr")[side]
    text = tokenizer.decode(ids)
    spans = words(text, language)
    owners: list[dict[int, float]] = []
    for start, end in tokenizer.spans(ids)[:-1]:
        of = [
            word
            for place in range(start, end)
            for word, (first, last) in enumerate(spans)
            if first <= place < last
        ]
        if not of:  # a lone space goes with what follows it
            of = [min(sum(last <= end for _, last in spans), len(spans) - 1)]
        owners.append({word: of.count(word) / len(of) for word in of})
    return [*owners, {len(spans): 1.0}]


def test_words_follow_the_language(translator: Translator) -> None:
    forced = translator.force(["It's l'eau."], ["It's l'eau."])[0]
    view = forced.hypotheses[0].view()
    assert view.source == ("It", "'s", "l", "'eau", ".", "</s>")
    assert view.target == ("It'", "s", "l'", "eau", ".", "</s>")


def test_an_empty_sentence_has_a_view_without_weights(
    translator: Translator,
) -> None:
    empty = translator.translate([""])[0]
    view = empty.hypotheses[0].view()
    assert view == View(("</s>",), (), None)
    assert links(view.weights) == []


def test_readings() -> None:
    weights = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(before(weights), weights)
    np.testing.assert_array_equal(after(weights), weights[[1, 2, 2]])


def test_the_reading_is_of_pieces(translator: Translator) -> None:
    forced = translator.force(SOURCES[:1], TARGETS[:1])[0]
    hypothesis = forced.hypotheses[0]
    assert hypothesis.attention is not None
    shifted = replace(hypothesis, attention=after(hypothesis.attention))
    np.testing.assert_allclose(
        hypothesis.view(reading="after").weights,
        shifted.view(reading="before").weights,
    )


def test_links_leave_the_ends_out() -> None:
    weights = np.array(
        [
            [0.1, 0.3, 0.2, 0.4],  # mostly to the end: the best word counts
            [0.6, 0.2, 0.1, 0.1],
            [0.0, 0.0, 0.0, 1.0],  # to the end alone: no link
            [0.1, 0.1, 0.8, 0.0],  # of the end
        ]
    )
    assert links(weights) == [(0, 1), (1, 0)]
    assert to_pharaoh(links(weights)) == "0-1 1-0"
    assert links(np.ones((1, 5))) == []
    assert links(np.ones((5, 1))) == []


def test_pharaoh_is_read() -> None:
    gold = parse_pharaoh(" 0-0 10p2\t1-3 ")
    assert gold.sure == {(0, 0), (1, 3)}
    assert gold.possible == {(0, 0), (1, 3), (10, 2)}
    assert parse_pharaoh("") == Gold(frozenset(), frozenset())


@pytest.mark.parametrize(
    "text", ["0-0 1", "a-1", "1--2", "0-0,1-1", "1-2p3", "-1-2", "٣-1"]
)
def test_malformed_pharaoh_is_refused(text: str) -> None:
    with pytest.raises(GlimpseError, match="are accepted") as caught:
        parse_pharaoh(text)
    assert "\n" not in str(caught.value)


def test_scores_by_hand() -> None:
    gold = [parse_pharaoh("0-0 1-1 2p2"), parse_pharaoh("0-1 1p0")]
    made = [[(0, 0), (2, 2), (1, 2)], [(0, 1), (1, 1)]]
    # |A| = 5, |S| = 3, A and S share 0-0 and 0-1, A and P those and 2-2.
    score = score_alignments(made, gold)
    assert score.precision == pytest.approx(3 / 5)
    assert score.recall == pytest.approx(2 / 3)
    assert score.f1 == pytest.approx(2 * (3 / 5) * (2 / 3) / (3 / 5 + 2 / 3))
    assert score.aer == pytest.approx(1 - (2 + 3) / (5 + 3))
    assert score.sentences == 2


def test_a_published_score() -> None:
    """The example of NLTK's alignment_error_rate: two thirds."""
    gold = [parse_pharaoh("0-0 1-1 2-2")]
    score = score_alignments([[(0, 0), (1, 2), (2, 1)]], gold)
    assert score.aer == pytest.approx(0.6666666666666667)


def test_scores_at_the_ends() -> None:
    gold = [parse_pharaoh("0-0 1-1 1p2")]
    perfect = score_alignments([[(0, 0), (1, 1), (1, 2)]], gold)
    assert (perfect.aer, perfect.precision, perfect.recall) == (0, 1, 1)
    nothing = score_alignments([[]], gold)
    assert (nothing.aer, nothing.recall, nothing.f1) == (1, 0, 0)
    void = score_alignments([[]], [parse_pharaoh("")])
    assert (void.aer, void.precision, void.recall, void.f1) == (0, 1, 1, 1)


def test_every_word_has_a_column(translator: Translator) -> None:
    tokenizer = translator.sides.source.tokenizer
    for text in SOURCES:
        ids = [*tokenizer.encode(text), Tokenizer.EOS]
        result = shares(tokenizer.spans(ids), words(text, "en"))
        assert (result.sum(0) > 0).all()


def test_a_threshold_links_every_pair_above_it() -> None:
    weights = np.array([[0.5, 0.3, 0.2], [0.25, 0.4, 0.35], [0.9, 0.05, 0.05]])
    assert links(weights) == [(0, 0), (1, 1)]
    assert links(weights, 0.25) == [(0, 0), (1, 0), (1, 1)]
    assert links(weights, 0.6) == []


# Two directions over four source and four target words:
#   both have 0-0 and 2-2; forward alone 1-0 and 3-3; backward alone 1-1,
#   0-3 and 3-1.
FORWARD = [(0, 0), (1, 0), (2, 2), (3, 3)]
BACKWARD = [(0, 0), (0, 3), (1, 1), (2, 2), (3, 1)]


def test_two_directions_meet_in_the_middle() -> None:
    assert HEURISTICS["intersection"](FORWARD, BACKWARD) == [(0, 0), (2, 2)]
    assert HEURISTICS["union"](FORWARD, BACKWARD) == sorted(
        {*FORWARD, *BACKWARD}
    )
    # From 0-0 grow 1-0 (right) and 1-1 (diagonal: target 1 is free); from 2-2
    # 3-1 (source 3 is free; before 3-3, which then has but one free word, and
    # still grows as a neighbour). 0-3 neighbours nothing, and its target has
    # a link by the time of final-and.
    assert HEURISTICS["grow-diag-final-and"](FORWARD, BACKWARD) == [
        (0, 0),
        (1, 0),
        (1, 1),
        (2, 2),
        (3, 1),
        (3, 3),
    ]


def test_final_and_links_only_words_that_both_have_none() -> None:
    grow = HEURISTICS["grow-diag-final-and"]
    # 0-0 is agreed; 5-5 stands apart with both words free; 0-5 does not.
    assert grow([(0, 0), (5, 5)], [(0, 0), (0, 5)]) == [(0, 0), (5, 5)]
    # Of two apart on the same word the forward one comes first.
    assert grow([(4, 2)], [(4, 6)]) == [(4, 2)]
    assert grow([], []) == []


def test_directions_are_turned() -> None:
    assert flipped([(0, 2), (1, 0)]) == [(0, 1), (2, 0)]


def test_summaries_by_hand() -> None:
    weights = np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(entropy(weights), [0, 1, 0])
    assert not np.signbit(entropy(weights)).any()
    odd = np.array([[0.25] * 4, [0.5, 0.25, 0.125, 0.125]])
    np.testing.assert_allclose(entropy(odd), [2, 1.75])
    np.testing.assert_allclose(entropy(weights / 4), [0, 1, 0])  # local-p
    np.testing.assert_allclose(coverage(weights), [1.5, 0.5, 0])
    assert fertility(weights).tolist() == [2, 0, 0]
    # Rows at 0 and 1/2 of the target look at 0, and at 0 and 1/2.
    assert diagonality(weights) == pytest.approx(1 - (0 + 0.25) / 2)
    assert diagonality(np.eye(5)) == 1
    assert diagonality(np.fliplr(np.eye(2))) == 0
    assert diagonality(np.full((400, 400), 1 / 400)) == pytest.approx(
        2 / 3, abs=2e-3
    )
    assert diagonality(np.ones((1, 1))) == 1
    summary = summarise([weights, np.eye(3)])
    assert summary is not None
    assert summary.entropy == pytest.approx(1 / 6)
    assert summary.diagonality == pytest.approx((0.875 + 1) / 2)
    assert summary.covered == pytest.approx(5 / 6)
    assert summary.fertility == pytest.approx((2 + 1 + 1 + 1) / 4)
    assert summarise([]) is None
