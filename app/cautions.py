"""What to say of sentences that a model is likely to translate badly."""

import logging
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from app.translator import Translation, Translator
from data import GlimpseError

LONGEST_SHOWN = 40  # characters, of a word
log = logging.getLogger(__name__)


def cautions(
    translation: Translation,
    translator: Translator,
    subject: str = "The sentence",
    said: set[str] | None = None,
) -> list[str]:
    """What a reader of a translation should know, a sentence each.

    Args:
        translation: made by `translator`.
        translator: knows what it was trained on.
        subject: what the sentences are about.
        said: words and characters that are not named again; those named are
            added.
    """
    return [
        *_of_length(translation, translator, subject),
        *_of_unseen(translation, translator, subject, said),
    ]


def _of_length(
    translation: Translation, translator: Translator, subject: str
) -> list[str]:
    tokens = len(translation.source_ids) - 1  # without the end
    longest = translator.longest_trained - 1
    found = []
    if translation.truncated:
        found.append(
            f"{subject} is over-long: only its first {tokens} tokens are "
            "translated"
        )
    if tokens > longest:
        found.append(
            f"{subject} has {tokens} tokens, where the longest of training "
            f"had {longest}: parts of it may be lost or repeated"
        )
    return found


def _of_unseen(
    translation: Translation,
    translator: Translator,
    subject: str,
    said: set[str] | None,
) -> list[str]:
    text = translation.source_text
    kinds = {
        "words": translator.unseen_words(text),
        "characters": translator.unseen_characters(text),
    }
    said = set() if said is None else said
    found = []
    for kind, unseen in kinds.items():
        new = [_shown(each) for each in unseen if each not in said]
        said.update(unseen)
        if new:
            found.append(
                f"{subject} has {kind} never seen in training: {', '.join(new)}"
            )
    return found


def _shown(unseen: str) -> str:
    """A word, or the number of a character that cannot be shown alone."""
    if len(unseen) > LONGEST_SHOWN:
        return f"{unseen[:LONGEST_SHOWN]}…"
    if unseen.isprintable() and unicodedata.category(unseen[0])[0] != "M":
        return unseen
    return f"U+{ord(unseen[0]):04X}"


def check_lengths(
    translator: Translator,
    sources: Sequence[str],
    file: Path | None = None,
    cut: bool = False,
) -> None:
    """Warn of sentences too long for a model, before it gets them.

    Args:
        translator: whose sources they are.
        sources: a sentence a line.
        file: where the user has them, if that is where they come from.
        cut: whether to cut over-long lines of it, not refuse them.

    Raises:
        GlimpseError: lines of the user's file are over-long.
    """
    encoded = [translator.encode(source) for source in sources]
    most = translator.config.search.max_source_length - 1
    over_long = [line for line, each in enumerate(encoded, 1) if each.truncated]
    if over_long and file is not None and not cut:
        raise GlimpseError(
            f"{file} has {_lines(over_long)} of more than the {most} tokens "
            f"that this run translates, the first is line {over_long[0]}: "
            "shorten or split them, or have them cut by --cut"
        )
    language = translator.languages[0]
    if over_long:
        log.warning(
            "Over-long: %s in %s, the first is line %d; only their first %d "
            "tokens are read",
            *(_lines(over_long), language.code, over_long[0], most),
        )
    _warn_if_longer(encoded, language.code, translator.longest_trained - 1)


def _warn_if_longer(
    encoded: Sequence[Translation], language: str, longest: int
) -> None:
    lengths = [len(each.source_ids) - 1 for each in encoded]
    long = [line for line, each in enumerate(lengths, 1) if each > longest]
    if long:
        log.warning(
            "Longer than any source of training, of at most %d tokens: %s in "
            "%s, the first is line %d, of %d",
            *(longest, _lines(long), language, long[0], lengths[long[0] - 1]),
        )


def _lines(numbers: Sequence[int]) -> str:
    return f"{len(numbers):,} line{'s' if len(numbers) > 1 else ''}"
