import pytest

from data.inventory import Inventory
from data.vocabulary import plain_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Cat's 12 mice!", ["the", "cat", "s", "12", "mice"]),
        ("L'été, Straße", ["l", "été", "strasse"]),
        ("我看书 now 本を", ["我", "看", "书", "now", "本", "を"]),
        ("…  \u2028", []),
        ("किताब पढ़ता, می\u200cخواهم", ["किताब", "पढ़ता", "می\u200cخواهم"]),
        ("ผู้หญิง 2569", ["ผู้", "ห", "ญิ", "ง", "2569"]),
        ("👨\u200d👩 ❤\ufe0f \u0301", []),
        ("m² e\u0301t", ["m²", "e\u0301t"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert plain_words(text) == expected


def test_known_words_are_those_of_all_texts() -> None:
    assert Inventory.of(["A cat", "the CAT"]).plain_words == {"a", "cat", "the"}
