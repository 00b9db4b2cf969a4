"""Templated pairs of English and languages that put no spaces between words.

Run as a program it writes them to files: `python -m tests.unspaced FOLDER`.
"""

import random
import sys
from itertools import product
from pathlib import Path

Pair = tuple[str, str]

NOUNS = {
    "bird": ("鸟", "鳥", "นก"),
    "horse": ("马", "馬", "ม้า"),
    "cat": ("猫", "猫", "แมว"),
    "dog": ("狗", "犬", "หมา"),
    "boy": ("男孩", "少年", "เด็กชาย"),
    "teacher": ("老师", "先生", "ครู"),
    "baker": ("面包师", "パン屋", "คนทำขนมปัง"),
    "friend": ("朋友", "友達", "เพื่อน"),
}
ADJECTIVES = {
    "red": ("红色的", "赤い", "สีแดง"),
    "small": ("小", "小さい", "ตัวเล็ก"),
    "quiet": ("安静的", "静かな", "เงียบ"),
    "happy": ("快乐的", "幸せな", "มีความสุข"),
    "old": ("老", "年取った", "แก่"),
}
VERBS = {
    "sees": ("看见", "見る", "เห็น"),
    "hears": ("听见", "聞く", "ได้ยิน"),
    "helps": ("帮助", "助ける", "ช่วย"),
    "follows": ("跟着", "追う", "ตาม"),
}
TIMES = {
    "today": ("今天", "今日", "วันนี้"),
    "now": ("现在", "今", "ตอนนี้"),
    "again": ("又", "また", "อีกครั้ง"),
    "every morning": ("每天早上", "毎朝", "ทุกเช้า"),
}
# Adjective, subject, verb, object and time, in the order of each language.
PATTERNS = {
    "zh": "{a}{s}{t}{v}{o}。",
    "ja": "{t}{a}{s}が{o}を{v}。",
    "th": "{s}{a}{v}{o}{t}",
}
LANGUAGES = tuple(PATTERNS)


def pairs(language: str, count: int, seed: int = 1) -> list[Pair]:
    """Different pairs, the same for the same seed."""
    which = LANGUAGES.index(language)
    every = [
        words
        for words in product(ADJECTIVES, NOUNS, VERBS, NOUNS, TIMES)
        if words[1] != words[3]
    ]
    random.Random(seed).shuffle(every)
    return [_pair(words, language, which) for words in every[:count]]


def _pair(words: tuple[str, ...], language: str, which: int) -> Pair:
    adjective, subject, verb, object_, time = words
    source = f"The {adjective} {subject} {verb} the {object_} {time}."
    target = PATTERNS[language].format(
        a=ADJECTIVES[adjective][which],
        s=NOUNS[subject][which],
        v=VERBS[verb][which],
        o=NOUNS[object_][which],
        t=TIMES[time][which],
    )
    return source, target


def write(folder: Path) -> None:
    """Write 500 pairs for training and 100 for a test, in each language."""
    for language in LANGUAGES:
        every = pairs(language, 600)
        for name, some in (("train", every[:500]), ("test", every[500:])):
            for suffix, side in (("en", 0), (language, 1)):
                path = folder / f"{name}-{language}.{suffix}"
                lines = "".join(f"{pair[side]}\n" for pair in some)
                path.write_text(lines, "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
