"""Language codes, and sets of codes of languages written without spaces."""

from functools import lru_cache

# Codes of the languages that are written only in Chinese characters.
CHINESE = frozenset(
    ("zh", "yue", "wuu", "nan", "hak", "gan", "hsn", "cdo", "cjy", "lzh")
)

# Codes of other languages without spaces between words; also Korean, whose
# particles are attached to words.
BY_CHARACTERS = frozenset(("ja", "ko", "th", "lo", "km", "my", "bo", "dz"))


@lru_cache(maxsize=64)
def base(code: str) -> str:
    """Return the shortest code of a language, without region or script.

    The result is "zh" for "zh-TW", "zh_Hans", "cmn" and "chi", and "ja" for
    "jpn". A string that is not a language code is returned in lower case.
    """
    import langcodes

    try:
        tag = langcodes.standardize_tag(code, macro=True)
        return langcodes.Language.get(tag).language or code.lower()
    except langcodes.LanguageTagError:
        return code.lower()
