"""How BLEU counts a text: what a configuration must know before any scorer."""

from data.languages import BY_CHARACTERS, CHINESE, base

ORDINARY = "13a"  # mteval's, of words between spaces
TOKENIZERS = (ORDINARY, "intl", "zh", "char", "none", "ja-mecab", "ko-mecab")


def bleu_tokenizer(language: str) -> str:
    """The name of sacreBLEU's tokenizer for texts in a language.

    It hangs on the language alone, not on what is installed: so the same
    training keeps the same epoch everywhere.

    Args:
        language: its code, "zh-TW" or "jpn".
    """
    code = base(language)
    if code in CHINESE:
        return "zh"
    return "char" if code in BY_CHARACTERS else ORDINARY
