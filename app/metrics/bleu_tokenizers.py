"""Tokenizers for BLEU, which divide a text into the units that BLEU counts."""

from data.languages import BY_CHARACTERS, CHINESE, base

ORDINARY = "13a"  # mteval's tokenizer, for words between spaces
TOKENIZERS = (ORDINARY, "intl", "zh", "char", "none", "ja-mecab", "ko-mecab")


def bleu_tokenizer(language: str) -> str:
    """Return the name of sacreBLEU's tokenizer for texts in a language.

    The name depends only on the language, not on which tokenizers are
    installed. So a training has the same BLEU, and the same best epoch, on
    every machine.

    Args:
        language: code of the language, such as "zh-TW" or "jpn".
    """
    code = base(language)
    if code in CHINESE:
        return "zh"
    return "char" if code in BY_CHARACTERS else ORDINARY
