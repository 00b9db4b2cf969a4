"""What is left out, what is warned of, and that each is counted."""

import pytest

from data import CleaningOptions, GlimpseError
from data.cleaning import Drop, Tally, clean, described, suspicions
from data.text import about_words
from tests.unspaced import LANGUAGES, pairs

PAIRS = [
    ("I see the red car in the street.", "Je vois la voiture dans la rue."),
    ("", "vide"),
    ("one two three", "un"),
    ("I see the red car in the street.", "Je vois la voiture dans la rue."),
    ("The house is near the old river.", "Das Haus steht am alten Fluss hier."),
    ("vide", ""),
    ("one two", "un deux trois quatre"),
    ("I see the red car in the street.", "Je la vois."),
    ("Das Haus.", "Das Haus."),
]
ALL = CleaningOptions(length_ratio=2, duplicates=True, language=True)


def cleaned(options: CleaningOptions) -> tuple[list[int], Tally]:
    tally = Tally()
    kept = list(clean(PAIRS, options, ("en", "fr"), tally))
    return [PAIRS.index(pair) for pair in kept], tally


def test_nothing_but_the_empty_is_left_out_by_default() -> None:
    kept, tally = cleaned(CleaningOptions())
    assert kept == [0, 2, 0, 4, 6, 7, 8]
    assert tally == Tally(9, {"empty on a side": Drop(2, PAIRS[1])})


@pytest.mark.parametrize(
    ("options", "reason", "count", "first"),
    [
        (CleaningOptions(length_ratio=2), "than 2 times as long", 2, 2),
        (CleaningOptions(length_ratio=2.9), "than 2.9 times as long", 1, 2),
        (CleaningOptions(duplicates=True), "of an earlier pair", 1, 3),
        (CleaningOptions(language=True), "in another language", 1, 4),
    ],
)
def test_each_option_counts_what_it_leaves_out(
    options: CleaningOptions, reason: str, count: int, first: int
) -> None:
    _, tally = cleaned(options)
    (found,) = (each for each in tally.drops if reason in each)
    assert tally.drops[found] == Drop(count, PAIRS[first])
    assert len(tally.drops) == 2


def test_a_pair_is_left_out_for_one_reason() -> None:
    kept, tally = cleaned(ALL)
    assert kept == [0, 6, 8]
    assert tally.kept == 3
    assert sum(drop.count for drop in tally.drops.values()) == 6


def test_every_pass_counts_anew() -> None:
    tally = Tally()
    for _ in range(2):
        assert len(list(clean(PAIRS, ALL, ("en", "fr"), tally))) == 3
        assert (tally.pairs, tally.kept) == (9, 3)


def test_drops_are_told_with_an_example() -> None:
    lines = described({"too long": Drop(1234, ("a" * 100, "b"))})
    assert lines == [
        f"Left out 1,234 pairs too long, such as “{'a' * 80}…” – “b”"
    ]


def test_a_language_that_nobody_can_tell() -> None:
    with pytest.raises(GlimpseError, match="'qq' is none of the languages"):
        list(clean(PAIRS, ALL, ("en", "qq"), Tally()))


def test_a_ratio_that_no_pair_has() -> None:
    with pytest.raises(GlimpseError, match=r"length_ratio is 0\.5"):
        CleaningOptions(length_ratio=0.5)


ENGLISH = [f"This is the house of my {x} friend." for x in ("old", "new")] * 9
FRENCH = [f"C'est la maison de mon {x} ami." for x in ("vieil", "nouvel")] * 9


@pytest.mark.parametrize(
    ("source", "target", "warning"),
    [
        (ENGLISH, FRENCH, None),
        (
            FRENCH,
            ENGLISH,
            "reads like 'fr' and the target like 'en': .*swapped",
        ),
        (ENGLISH, ENGLISH, "identical in 18 of 18 .*right files"),
        (FRENCH, FRENCH, "identical in 18 of 18"),
        (ENGLISH, ENGLISH[1:] + ENGLISH[:1], "target should be in 'fr' but"),
        (
            FRENCH,
            FRENCH[1:] + FRENCH[:1],
            "source should be in 'en' but .*'fr'",
        ),
        ([], [], None),
        (["1"], ["2"], None),
    ],
)
def test_sides_that_are_not_what_they_should_be(
    source: list[str], target: list[str], warning: str | None
) -> None:
    pairs = list(zip(source, target, strict=True))
    found = list(suspicions(pairs, ("en", "fr")))
    assert len(found) == (warning is not None)
    if warning:
        with pytest.raises(ValueError, match=warning):
            raise ValueError(found[0])


def test_languages_that_nobody_can_tell_raise_no_suspicion() -> None:
    pairs = list(zip(ENGLISH, FRENCH, strict=True))
    assert list(suspicions(pairs, ("qq", "fr-CA"))) == []


def test_some_pairs_may_be_identical() -> None:
    pairs = [*zip(ENGLISH, FRENCH, strict=True), *[("Taxi!", "Taxi!")] * 9]
    assert list(suspicions(pairs, ("en", "fr"))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_ratio_keeps_pairs_of_languages_without_spaces(language: str) -> None:
    some = pairs(language, 50)
    tally = Tally()
    options = CleaningOptions(length_ratio=2.5)
    kept = list(clean(some, options, ["en", language], tally))
    assert len(kept) > 45
    long = (some[0][0], some[0][1] * 4)
    assert list(clean([long], options, ["en", language], tally)) == []


def test_a_ratio_counts_words_between_spaces_as_ever() -> None:
    for text in ("the red car , 3.14", "l'eau d'été", "나는 빨간 차를 봅니다"):
        assert about_words(text) == len(text.split())
    assert about_words("红色的鸟 now") == pytest.approx(4 / 1.6 + 1)


@pytest.mark.parametrize(
    ("language", "told"),
    [("zh", 0), ("cmn", 0), ("zh_TW", 0), ("chinese", 1), ("fr", 1)],
)
def test_a_target_without_spaces_by_another_name_is_told(
    language: str, told: int
) -> None:
    found = suspicions(pairs("zh", 20), ["en", language])
    said = [each for each in found if "written without spaces" in each]
    assert len(said) == told
