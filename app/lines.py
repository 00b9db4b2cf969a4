"""Lines in, lines out: the work of the translate command."""

import codecs
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from app import alignment
from app.cautions import cautions
from app.translator import Hypothesis, Translation, Translator
from data.corpora.recoding import (
    how_to_convert,
    recoded,
    unmarked_encoding,
)

CHUNK = 1024  # lines read before they are translated, sorted by length
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LineOptions:
    """What `translate_lines` prints; see the help of `translate`."""

    beam_size: int | None = None
    nbest: int = 1
    as_json: bool = False
    words: bool = False
    alignments: bool = False
    plot: Path | None = None
    npz: Path | None = None
    keep_unknown: bool = False


def translate_lines(
    run: Path, source: BinaryIO, output: TextIO, options: LineOptions
) -> None:
    """Translate every line of `source`; order and empty lines are kept.

    A line is what ends in a newline, whatever other separators it holds, or
    in a carriage return where there is no newline at all. Text is UTF-8, or
    UTF-16 or UTF-32 with a byte order mark. Nothing is refused: bytes that are
    not UTF-8 become U+FFFD and over-long lines are cut. A warning names the
    line of either, and of what else there is to say in `cautions`, each unseen
    word where it first comes.
    """
    translator = Translator.load(run, keep_unknown=options.keep_unknown)
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
            texts, beam_size=options.beam_size, nbest=options.nbest
        ):
            number += 1
            line = f"Line {number}"
            for caution in cautions(translation, translator, line, said):
                log.warning("%s", caution)
            print(
                _present(translation, number, translator, options), file=output
            )
            if options.plot is not None and translation.text:
                # On demand: drawing takes long to import.
                from app.plots import save_heat_map

                save_heat_map(translator, translation, options.plot, number)
            if options.npz is not None:
                for hypothesis in translation.hypotheses:
                    of = (translator, translation, hypothesis)
                    views.append(_view(options, *of))
                    words = alignment.word_view(*of)
                    links.append(alignment.links(words.weights))
        output.flush()
    if options.npz is not None:
        alignment.save_npz(options.npz, views, links)


def _chunks(source: BinaryIO) -> Iterator[list[bytes]]:
    """Lines by chunks; one by one when a person types them."""
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
    """Lines without their ends, in UTF-8, each as soon as it is there."""
    first = source.readline()
    guess = unmarked_encoding(first)
    if guess:
        log.warning(
            "Standard input looks like %s without a byte order mark, but is "
            "read as UTF-8; %s",
            guess,
            how_to_convert(guess),
        )
    rest, end = b"", b"\r"  # what ends a line where there is no LF
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
            "Line %d is not UTF-8 at byte %d; U+FFFD stands there",
            number,
            error.start + 1,
        )
        return line.decode("utf-8", errors="replace")


def _present(
    translation: Translation,
    number: int,
    translator: Translator,
    options: LineOptions,
) -> str:
    if options.as_json:
        found = to_json(translation, translator, options)
        return json.dumps(found, ensure_ascii=False)
    if options.nbest == 1:
        return translation.text
    # From 0, as Moses counts in its own lists of n best.
    return "\n".join(
        f"{number - 1} ||| {hypothesis.text} ||| {hypothesis.score:.4f}"
        for hypothesis in translation.hypotheses
    )


def to_json(
    translation: Translation, translator: Translator, options: LineOptions
) -> dict[str, Any]:
    """The object of `translate --json`."""
    hypotheses = [
        _hypothesis_json(translation, hypothesis, translator, options)
        for hypothesis in translation.hypotheses
    ]
    best = translation.hypotheses[0]
    shown = _view(options, translator, translation, best)
    return {
        "source": translation.source,
        **hypotheses[0],
        "source_tokens": list(shown.source),
        "nbest": hypotheses,
    }


def _view(
    options: LineOptions,
    translator: Translator,
    translation: Translation,
    hypothesis: Hypothesis,
) -> alignment.View:
    view = alignment.word_view if options.words else alignment.token_view
    return view(translator, translation, hypothesis)


def _hypothesis_json(
    translation: Translation,
    hypothesis: Hypothesis,
    translator: Translator,
    options: LineOptions,
) -> dict[str, Any]:
    shown = _view(options, translator, translation, hypothesis)
    found = {
        "translation": hypothesis.text,
        "score": hypothesis.score,
        "target_tokens": list(shown.target),
        "attention": None
        if shown.weights is None
        else alignment.rounded(shown.weights),
    }
    if options.alignments:
        words = alignment.word_view(translator, translation, hypothesis)
        found["alignments"] = alignment.to_pharaoh(
            alignment.links(words.weights)
        )
    return found
