"""Translation of a stream of lines, for the command `translate`."""

import codecs
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from app import alignment
from app.inference.cautions import cautions
from app.inference.hypotheses import By, Hypothesis, Translation
from app.inference.translator import Translator
from app.inference.wishes import NO_WISHES, Wishes
from data.corpora.recoding import (
    how_to_convert,
    recoded,
    unmarked_encoding,
)

CHUNK = 1024  # lines that are translated together
log = logging.getLogger(__name__)


# Function of a translation and of the number of its line, counted from 1.
Draw = Callable[[Translation, int], Any]


@dataclass(frozen=True)
class LineOptions:
    """Options of `translate_lines`.

    Attributes:
        beam_size: number of hypotheses kept in the search; None for the number
            in the run's configuration.
        nbest: number of translations of each line, at most `beam_size`.
        as_json: whether to print a JSON object for each line.
        words: whether attention in JSON and in `npz` is between words instead
            of pieces of words.
        alignments: whether the JSON object also has the links between words.
        npz: NumPy file to write attention and links to; None to write no file.
        wishes: wishes for the translation of each line.
    """

    beam_size: int | None = None
    nbest: int = 1
    as_json: bool = False
    words: bool = False
    alignments: bool = False
    npz: Path | None = None
    wishes: Wishes = NO_WISHES

    @property
    def by(self) -> By:
        """Units between which attention is shown: words or pieces of words."""
        return "words" if self.words else "pieces"


def translate_lines(
    translator: Translator,
    source: BinaryIO,
    output: TextIO,
    options: LineOptions,
    draw: Draw | None = None,
) -> None:
    """Translate every line of `source`, in order, and print the translations.

    The translation of an empty line is an empty line.

    Each line ends with a newline, and may contain other line separators. In a
    text without any newline, each line ends with a carriage return. The text is
    UTF-8, or UTF-16 or UTF-32 with a byte order mark. No line causes an error:
    bytes that are not UTF-8 become U+FFFD, and lines with too many tokens are
    cut.

    A warning is logged if a line has bytes that are not UTF-8, and for each
    result of `cautions`, for example that a line was cut. A word or character
    that did not occur in training is reported only for the first line that has
    it.

    Args:
        translator: the translator to use.
        source: the stream to read.
        output: the stream to print the translations to.
        options: what to print, and how to translate.
        draw: function that is called for each translation that is not empty,
            with two arguments: the translation, and the number of its line,
            counted from 1. If None, no function is called.
    """
    views: list[alignment.View] = []
    links: list[list[alignment.Link]] = []
    number = 0
    said: set[str] = set()
    for chunk in _chunks(source):
        texts = [
            _decode(line, number + place)
            for place, line in enumerate(chunk, start=1)
        ]
        for translation in translator.translate(
            texts,
            beam_size=options.beam_size,
            nbest=options.nbest,
            wishes=[options.wishes] * len(texts),
        ):
            number += 1
            line = f"Line {number}"
            for caution in cautions(translation, line, said):
                log.warning("%s", caution)
            print(_present(translation, number, options), file=output)
            if draw is not None and translation.text:
                draw(translation, number)
            if options.npz is not None:
                for hypothesis in translation.hypotheses:
                    views.append(hypothesis.view(options.by))
                    links.append(_links(hypothesis))
        output.flush()
    if options.npz is not None:
        alignment.save_npz(options.npz, views, links)


def _chunks(source: BinaryIO) -> Iterator[list[bytes]]:
    """Yield lists of lines, or one line at a time if `source` is a terminal."""
    size = 1 if source.isatty() else CHUNK
    chunk = []
    for line in _lines(source):
        chunk.append(line)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """Yield each line as soon as it is read, in UTF-8 and without its line end.

    Warn if the first line looks like UTF-16 or UTF-32 without a byte order
    mark.
    """
    first = source.readline()
    guess = unmarked_encoding(first)
    if guess:
        log.warning(
            "Standard input looks like %s without a byte order mark, but is "
            "read as UTF-8; %s",
            guess,
            how_to_convert(guess),
        )
    rest, end = b"", b"\r"  # lines end with CR if there is no LF
    for piece in recoded(chain([first], source)):
        *lines, rest = (rest + piece).split(b"\n")
        if lines:
            yield from lines
            end = b"\n"
    if rest:
        yield from rest.removesuffix(end).split(end)


def _decode(line: bytes, number: int) -> str:
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        log.warning(
            "Line %d is not UTF-8 at byte %d, which becomes U+FFFD",
            number,
            error.start + 1,
        )
        return line.decode("utf-8", errors="replace")


def _present(
    translation: Translation, number: int, options: LineOptions
) -> str:
    if options.as_json:
        found = to_json(translation, options)
        return json.dumps(found, ensure_ascii=False)
    if options.nbest == 1:
        return translation.text
    # Lines are numbered from 0, as in the n-best lists of Moses.
    return "\n".join(
        f"{number - 1} ||| {hypothesis.text} ||| {hypothesis.score:.4f}"
        for hypothesis in translation.hypotheses
    )


def to_json(translation: Translation, options: LineOptions) -> dict[str, Any]:
    """Return the JSON object that `translate --json` prints for a line."""
    hypotheses = [
        _hypothesis_json(hypothesis, options)
        for hypothesis in translation.hypotheses
    ]
    shown = translation.hypotheses[0].view(options.by)
    return {
        "source": translation.source,
        **hypotheses[0],
        "source_tokens": list(shown.source),
        "nbest": hypotheses,
    }


def _hypothesis_json(
    hypothesis: Hypothesis, options: LineOptions
) -> dict[str, Any]:
    shown = hypothesis.view(options.by)
    found = {
        "translation": hypothesis.text,
        "score": hypothesis.score,
        "confidence": _short(hypothesis.confidence),
        "target_tokens": list(shown.target),
        "attention": None
        if shown.weights is None
        else alignment.rounded(shown.weights),
        "token_confidences": [
            _short(each) for each in hypothesis.confidences(options.by)
        ],
    }
    if options.alignments:
        found["alignments"] = alignment.to_pharaoh(_links(hypothesis))
    return found


def _short(confidence: float) -> float:
    return round(confidence, 4)


def _links(hypothesis: Hypothesis) -> list[alignment.Link]:
    return alignment.links(hypothesis.view("words").weights)
