"""normalise and words, on likely text and on text nobody would write."""

import random
import sys
import unicodedata

import pytest

from data import text as text_module
from data.text import normalise, plain_spaces, words

AWKWARD = (
    *("...", "..", ".", ",", "'", "''", '"', "`", "-", "@-@", "&amp;", "&"),
    *("DOTMULTI", "DOTDOTMULTI", "DOT", "MULTI", "THISISPROTECTED000"),
    *("Mr.", "No. 5", "1,000", "isn't", "l'an", "</s>", "a", "é", "e\u0301"),
    *("\u0301", "😀", "👨\u200d👩\u200d👧", "\u200b", "\ufeff", "\u00ad"),
    *(" ", "  ", "\t", "\n", "\0", "\x85", "\u2028", "\u3000", "\u2581"),
    *("\ud800", "\u202e", "\ufffd", "\U0010ffff", "\u180e", "\u093c"),
)


def awkward_texts(count: int, seed: int) -> list[str]:
    """Random texts of awkward bits and of characters of all planes."""
    draw = random.Random(seed)
    ceilings = (0x80, 0x250, 0x3100, 0x110000)

    def bit() -> str:
        if draw.random() < 0.7:
            return draw.choice(AWKWARD)
        return chr(draw.randrange(draw.choice(ceilings)))

    return [
        "".join(bit() for _ in range(draw.randrange(13))) for _ in range(count)
    ]


def test_normalise_spaces_are_those_of_unicode() -> None:
    for character in map(chr, range(sys.maxunicode + 1)):
        category = unicodedata.category(character)
        is_space = category in ("Zs", "Zl", "Zp", "Cc")
        assert (normalise(f"a{character}b") == "a b") == is_space


def test_normalise_what_it_documents() -> None:
    assert (
        normalise("\u00a0 e\u0301t\0e\u2028\n\u2581 x\u202f! ") == "ét e _ x !"
    )
    assert normalise("a\ud800b") == "a\ufffdb"
    assert normalise("½ “A”…") == "½ “A”…"
    assert normalise(" \t") == ""


INVISIBLE = "\ufeff\u200b\u2060\u00ad\u200e\u200f\u202a\u202e\u2066\u2069\u061c"


@pytest.mark.parametrize("mark", INVISIBLE)
def test_normalise_drops_what_nobody_sees(mark: str) -> None:
    assert normalise(f"{mark}a{mark}b{mark} c{mark}") == "ab c"
    assert normalise(f"e{mark}\u0301") == "é"
    assert normalise(f" {mark} {mark}") == ""


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d", "\ufe0f"])
def test_normalise_keeps_joiners_of_a_text_that_has_more(joiner: str) -> None:
    assert normalise(f"می{joiner}خواهم") == f"می{joiner}خواهم"
    assert normalise(f" {joiner}{joiner} \u200b") == ""


def test_normalise_is_idempotent_and_encodable() -> None:
    for text in awkward_texts(3000, seed=1):
        once = normalise(text)
        assert normalise(once) == once
        once.encode("utf-8")


def test_plain_spaces_keeps_every_character_in_its_place() -> None:
    assert plain_spaces("a\n\0b\u3000 é") == "a  b  é"


@pytest.mark.parametrize("language", ["en", "fr", "de"])
def test_words_cover_all_but_spaces(language: str) -> None:
    for raw in awkward_texts(1500, seed=2):
        for text in (raw, normalise(raw)):
            end = 0
            for start, stop in words(text, language):
                assert normalise(text[end:start]) == ""
                assert start < stop
                assert " " not in plain_spaces(text[start:stop])
                end = stop
            assert normalise(text[end:]) == ""


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Une poutre d'équilibre.", "fr", "Une|poutre|d'|équilibre|."),
        ("I don't see Mr. X...", "en", "I|don|'t|see|Mr.|X|..."),
        ("R&amp;D costs 1,000", "en", "R|&|amp|;|D|costs|1,000"),
        ("a @-@ b DOTMULTI c..", "en", "a|@|-|@|b|DOTMULTI|c|.."),
        ("«  Oui », dit-il", "fr", "«|Oui|»|,|dit-il"),
        ("", "en", ""),
    ],
)
def test_words_are_those_of_moses(
    text: str, language: str, expected: str
) -> None:
    spans = words(text, language)
    assert "|".join(text[start:stop] for start, stop in spans) == expected


def test_words_survive_rules_that_alter_characters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Altering:
        def tokenize(self, text: str, escape: bool) -> list[str]:
            return text.replace(".", "…").split()

    monkeypatch.setattr(text_module, "_moses", lambda language: Altering())
    assert words("no. end.") == [(0, 3), (4, 8)]
