"""Warnings about sentences that a model is likely to translate badly."""

import logging
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from app.inference.hypotheses import Translation
from app.inference.translator import Translator
from data import GlimpseError

LONGEST_SHOWN = 40  # characters of a word
log = logging.getLogger(__name__)


def cautions(
    translation: Translation,
    subject: str = "The sentence",
    said: set[str] | None = None,
) -> list[str]:
    """List reasons why a translation may be bad, each as a sentence.

    There are three possible reasons: the source sentence was cut, it is longer
    than all sources in training, or it has words or characters that did not
    occur in training.

    Args:
        translation: the translation to check.
        subject: the grammatical subject of each sentence in the result, such as
            "Line 3".
        said: set of words and characters that earlier calls have reported. This
            call does not report them again, and adds to the set the words and
            characters that it does report. If None, all are reported.
    """
    return [
        *_of_length(translation, subject),
        *_of_unseen(translation, subject, said),
    ]


def _of_length(translation: Translation, subject: str) -> list[str]:
    tokens = len(translation.source_ids) - 1  # without EOS
    longest = translation.longest_trained - 1
    found = []
    if translation.truncated:
        found.append(
            f"{subject} is over-long: only its first {tokens} tokens are "
            "translated"
        )
    if tokens > longest:
        found.append(
            f"{subject} has {tokens} tokens, but the longest in training had "
            f"{longest}: parts of the translation may be missing or repeated"
        )
    return found


def _of_unseen(
    translation: Translation, subject: str, said: set[str] | None
) -> list[str]:
    said = set() if said is None else said
    found = []
    for kind, unseen in translation.unseen.items():
        new = [_shown(each) for each in unseen if each not in said]
        said.update(unseen)
        if new:
            found.append(
                f"{subject} has {kind} never seen in training: {', '.join(new)}"
            )
    return found


def _shown(unseen: str) -> str:
    """Return a word or a character in a form that can be printed.

    A long word is cut. A combining mark or an unprintable character is replaced
    by its code point, such as U+0301.
    """
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
    """Warn of the sentences that are too long for a translator's model.

    There are two warnings. The first is about over-long sentences, which are
    cut since they have more tokens than the model reads. The second is about
    sentences that are longer than all sources in training.

    Args:
        translator: the translator that will read the sentences.
        sources: the sentences, in the order of their lines.
        file: the user's file that the sentences come from, if any.
        cut: whether to allow over-long lines in the file; if false, they cause
            an error.

    Raises:
        GlimpseError: `file` is given and has over-long lines, and `cut` is
            false.
    """
    encoded = [translator.encode(source) for source in sources]
    most = translator.config.search.max_source_length - 1
    over_long = [line for line, each in enumerate(encoded, 1) if each.truncated]
    if over_long and file is not None and not cut:
        raise GlimpseError(
            f"{file} has {_lines(over_long)} of more than {most} tokens, the "
            f"most that this run reads; the first is line {over_long[0]}: "
            "shorten or split such lines, or give --cut to cut them"
        )
    code = translator.sides.source.language.code
    if over_long:
        log.warning(
            "Over-long: %s in %s, the first is line %d; only the first %d "
            "tokens of such a line are read",
            *(_lines(over_long), code, over_long[0], most),
        )
    _warn_if_longer(encoded, code, translator.longest_trained - 1)


def _warn_if_longer(
    encoded: Sequence[Translation], language: str, longest: int
) -> None:
    lengths = [len(each.source_ids) - 1 for each in encoded]
    long = [line for line, each in enumerate(lengths, 1) if each > longest]
    if long:
        log.warning(
            "Longer than all sources in training, which had at most %d tokens: "
            "%s in %s, the first is line %d, with %d tokens",
            *(longest, _lines(long), language, long[0], lengths[long[0] - 1]),
        )


def _lines(numbers: Sequence[int]) -> str:
    return f"{len(numbers):,} line{'s' if len(numbers) > 1 else ''}"
