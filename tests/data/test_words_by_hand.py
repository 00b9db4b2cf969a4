"""Where words are, by hand, in scripts with and without spaces."""

import pytest

from data import words

# "|" parts the words, "_" stands for a space between two of them.
BY_HAND = {
    "zh": [
        "红|色|的|鸟|每|天|早|上|跟|着|马|。",
        "小|老|师|又|看|见|马|。",
        "老|马|，|“|汤|姆|”|来|了|！",
        "他|有|3.14|元|。",
        "2026|年|11|月|30|日",
        "我|用|Keras|写|程|序|。",
        "你|好|吗|？_我|很|好|。",
        "《|红|楼|梦|》|很|长|…",
        "一|九|九|〇|年",
        "人|人|々|，|A|和|B",
    ],
    "ja": [
        "彼|は|東|京|タ|ワ|ー|へ|行|き|ま|し|た|。",
        "赤|い|鳥|が|馬|を|追|う|。",
        "「|は|い|」|と|言|っ|た|。",
        "コ|ー|ヒ|ー|を|2|杯|飲|む|。",
        "私|は|TensorFlow|を|使|う|。",
        "人|々|は|笑|う|。",
        "ﾊﾟ|ﾝ|を|食|べ|る|。",
        "が|ん|ば|れ|！",
        "10|時|30|分|に|会|う|。",
        "き\u3099|ん|こ|う",
    ],
    "th": [
        "แ|ม|ว|กิ|น|ป|ล|า",
        "เ|ด็|ก|ผู้|ห|ญิ|ง|เ|ห็|น|ร|ถ",
        "ฉั|น|รั|ก|เ|ธ|อ",
        "วั|น|นี้|อ|า|ก|า|ศ|ดี",
        "น้ำ|เ|ย็|น|ม|า|ก",
        "ร|ถ|สี|แ|ด|ง_แ|ล|ะ|ม้|า",
        "มี|3|ตั|ว",
        "ปี|๒๕๖๙",
        "ฉั|น|ใ|ช้|Python",
        "เ|ร็|ว|ๆ",
    ],
    "fa": [
        "من_می\u200cخواهم_کتاب_را_ببینم|.",
        "کتاب\u200cها_روی_میز_است|.",
        "خانه\u200cی_ما_بزرگ_است|.",
        "او_نمی\u200cآید|.",
        "سلام|،_دنیا|!",
        "آیا_می\u200cدانی|؟",
        "۳_کتاب_دارم|.",
        "من_Keras_را_دوست_دارم|.",
        "«|بله|»_گفت|.",
        "مُحَمَّد_آمد|.",
    ],
    "ko": [
        "나는_빨간_자동차를_봅니다|.",
        "고양이가_물을_마신다|.",
        "안녕하세요|?",
        "그는_서울에_갔다|.",
        "나는_Keras를_쓴다|.",
        "2026년_11월_30일",
        "“|네|”|라고_말했다|.",
        "비가_온다|,_그래서_집에_있다|.",
        "책_세_권",
        "漢|字|를_배운다|.",
    ],
    "en": [
        "I|_see|_東|京|_today|.",
        "My|_friend|_Иван|_reads|_『|本|』|.",
        "don|'t|_say|_ไ|ท|ย",
        "don|’t|_say|_สวัสดี".replace("สวัสดี", "ส|วั|ส|ดี"),
        "A|_👨\u200d👩\u200d👧|_family",
        "हिन्दी_में_लिखो",
        "शुद्ध_हिंदी|।",
        "שָׁלוֹם_עולם",
        "နေ|ကော|င်း|လား|။",
        "ខ្ញុំ|ស្រ|ឡា|ញ់",
    ],
}


@pytest.mark.parametrize("language", BY_HAND)
def test_ten_sentences_a_language(language: str) -> None:
    for sentence in BY_HAND[language]:
        pieces = sentence.replace("_", "|_").replace("||", "|").split("|")
        text = "".join(pieces).replace("_", " ")
        expected, place = [], 0
        for piece in pieces:
            start = place + piece.startswith("_")
            place += len(piece)
            expected.append((start, place))
        assert words(text, language) == expected, sentence


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        ("zh", "zh-TW", "老马，早。"),
        ("zh", "cmn", "老马，早。"),
        ("ja", "jpn", "馬、早い。"),
        ("fr", "fra", "l'eau d'été"),
        ("de", "de_AT", "Hr. Bzgl. der Sache"),
        ("fr", "fr-CA", "l'eau"),
    ],
)
def test_a_code_may_name_a_region_or_have_three_letters(
    one: str, other: str, text: str
) -> None:
    assert words(text, other) == words(text, one)
