"""What links count: words, what stands between spaces, from 0 or from 1."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from data import GlimpseError, Language, Places, Tokenizer, words
from data.corpora import Corpus, Pair
from data.guidance import Guide, between_words, gold_guide, read_guide
from data.links import Counting, over_spaces, parse_links, parse_pharaoh
from data.sides import Sides

CASES = Path(__file__).parents[1] / "cases"
OURS = (Language("en"), Language("fr"))
TOKENISED = (Language("en", True), Language("fr", True))
ADVICE = r"fit what stands between spaces: .* set corpus\.tokenised=true"


@dataclass(frozen=True)
class Listed(Corpus):
    """Pairs as given."""

    given: tuple[Pair, ...]
    splits = ("train",)

    def pairs(self, split: str) -> Iterator[Pair]:
        return iter(self.given)

    def size(self, split: str) -> int:
        return len(self.given)

    def gold_alignments(self, split: str) -> dict[int, str]:
        return {0: "1-0 2-0 3p1"}


def listed(*pairs: Pair) -> Listed:
    return Listed("listed", "en", "fr", pairs)


@pytest.fixture(scope="module")
def tokenised() -> Listed:
    """The case of text that statistical tools have tokenised."""
    sides = [(CASES / f"tok.{side}").read_text("utf-8") for side in OURS_CODES]
    lines = (each.splitlines() for each in sides)
    return listed(*zip(*lines, strict=True))


OURS_CODES = [language.code for language in OURS]


def test_links_of_tokens_are_refused_with_advice(tokenised: Listed) -> None:
    with pytest.raises(GlimpseError, match=ADVICE):
        read_guide(str(CASES / "tok.links"), tokenised, OURS, Places())


def test_links_of_tokens_guide_tokens(tokenised: Listed) -> None:
    guide = read_guide(str(CASES / "tok.links"), tokenised, TOKENISED, Places())
    texts = [side for pair in tokenised.given for side in pair]
    tokenizer = Tokenizer.train(texts, 400)
    rows = guide.rows(tokenised.given[:1], Sides.of([tokenizer], TOKENISED))
    ((source, target, links),) = rows
    ends = [len(tokenizer.encode(text)) - 1 for text in (target, source)]
    # The full stops, both the last tokens, are linked, and no "@".
    assert ends in links.reshape(-1, 2).tolist()


@pytest.mark.parametrize(
    ("pair", "link"),
    [
        (("a well @-@ known man", "b"), "4-0"),
        (("the man &apos;s dog .", "le chien"), "4-1"),
        (("x", "l &apos;homme @-@ là"), "0-3"),
    ],
)
def test_each_line_counts(pair: Pair, link: str) -> None:
    counting, other = Counting(OURS), Counting(TOKENISED)
    for _ in range(3):
        counting.add(parse_links(link, pair, OURS), pair)
        other.add(parse_links(link, pair, TOKENISED), pair)
    assert counting.is_of_spaces
    assert not other.is_of_spaces
    last = "-".join(
        str(len(words(text, code)) - 1)
        for text, code in zip(pair, OURS_CODES, strict=True)
    )
    for _ in range(3):  # as many that link the last of our words
        counting.add(parse_links(last, pair, OURS), pair)
    assert not counting.is_of_spaces


@pytest.mark.parametrize(
    ("link", "languages", "message"),
    [
        ("0-3", OURS, "word 3 of the target is linked, but the target has 3"),
        ("0-9", OURS, "count the words of data.words from 0"),
        ("1-3", OURS, "no word 0 is linked: count the words from 0"),
        ("0-2", TOKENISED, "count what stands between spaces, from 0"),
    ],
)
def test_what_does_not_fit_says_how_to_count(
    link: str, languages: tuple[Language, Language], message: str
) -> None:
    with pytest.raises(GlimpseError, match=message):
        parse_links(link, ("the cat", "l'autre chat"), languages)


@pytest.mark.parametrize(("first", "warned"), [("0-0", False), ("1-1", True)])
def test_many_lines_without_a_word_0_are_told(
    first: str,
    warned: bool,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    corpus = listed(*[("a b c", "x y z")] * 25)
    path = tmp_path / "links"
    path.write_text("\n".join(["1-1 2-2"] * 24 + [first]) + "\n")
    with caplog.at_level(logging.WARNING):
        read_guide(str(path), corpus, OURS, Places())
    assert ("counted from 1?" in caplog.text) is warned


def test_pairs_with_an_empty_side_may_be_left_out(tmp_path: Path) -> None:
    corpus = listed(("a", "x"), ("", "x"), ("b c", "y"), ("a", ""))
    path = tmp_path / "links"
    path.write_text("0-0\n1-0\n")
    guide = read_guide(str(path), corpus, OURS, Places())
    assert guide == Guide({0: "0-0", 2: "1-0"})
    path.write_text("0-0\n\n1-0\n\n")
    whole = read_guide(str(path), corpus, OURS, Places())
    assert [whole.links[place] for place in (0, 2)] == ["0-0", "1-0"]
    for lines in (1, 3, 5):
        path.write_text("0-0\n" * lines)
        with pytest.raises(GlimpseError, match=f"{lines} lines of links for"):
            read_guide(str(path), corpus, OURS, Places())


def test_gold_between_words_becomes_gold_between_spaces() -> None:
    # I|don|'t|see|. and l'|eau
    pair = ("I don't see.", "l'eau")
    assert over_spaces("0-0 2p0 1-1 4-1", pair, OURS_CODES) == "0-0 1-0 2-0"
    assert over_spaces("0p0 2p1", pair, OURS_CODES) == "0p0 1p0"
    corpus = listed(pair)
    given = "1-0 2-0 3p1"
    for languages, links in ((OURS, given), (TOKENISED, "1-0 2p0")):
        assert between_words(given, pair, languages) == links
        assert gold_guide(corpus, languages).links == {0: links}
    assert parse_pharaoh("1-0 2p0").sure == {(1, 0)}
