"""Which language a code names."""

from functools import lru_cache

# Languages written in Chinese characters alone, by their own codes.
CHINESE = frozenset(
    ("zh", "yue", "wuu", "nan", "hak", "gan", "hsn", "cdo", "cjy", "lzh")
)

# Others without spaces between words; and Korean, whose particles stick to its
# words.
BY_CHARACTERS = frozenset(("ja", "ko", "th", "lo", "km", "my", "bo", "dz"))


@lru_cache(maxsize=64)
def base(code: str) -> str:
    """Return the shortest code of a language, without region or script.

    "zh" for "zh-TW", "zh_Hans", "cmn" and "chi"; "ja" for "jpn". What is no
    code of a language comes back in lower case.
    """
    import langcodes

    try:
        tag = langcodes.standardize_tag(code, macro=True)
        return langcodes.Language.get(tag).language or code.lower()
    except langcodes.LanguageTagError:
        return code.lower()
