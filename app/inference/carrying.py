"""Carrying of placeholders, tags and glossary entries into translations.

A model cannot translate `{name}`, `%1$s` or `<b>`, and it does not know the
terms of a user's glossary. So it reads a sentence in which a name stands for
each placeholder, and the tags are missing. Attention then shows which words of
the translation to replace, and where to put the tags. Whatever attention shows,
each placeholder and each tag occurs in the translation exactly once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import regex

from app.inference.hypotheses import Hypothesis
from data import GlimpseError, normalise
from data.corpora.files import read_lines
from data.inventory import Inventory
from data.text import Span

_MARKS = regex.compile(
    r"(?P<tag></?[A-Za-z][^<>]*>)"
    r"|(?P<placeholder>\{\{[^{}]*\}\}|\$?\{[^{}\s]*\}|%(?:\d+\$)?[sdif@]\b)"
)
_OFTEN = 5  # occurrences of a word that can stand for a placeholder
_NAMED = 0.98  # share of a word's occurrences with a capital letter, in names


@dataclass(frozen=True)
class Mark:
    """Part of a source that is carried over.

    Attributes:
        kind: "placeholder", "tag" or "entry" of the glossary.
        text: what the translation has for it.
        start: its first character in the text that the model reads.
        end: the character after its last one; for a tag, the same as `start`.
        glued: whether it has no space before it, and none after it.
    """

    kind: str
    text: str
    start: int
    end: int
    glued: tuple[bool, bool]


@dataclass(frozen=True)
class Prepared:
    """Sentence in the form that the model reads, with the marks to carry."""

    typed: str  # as the user gave it
    text: str
    marks: tuple[Mark, ...] = ()


def prepare(
    sentence: str,
    stand_in: str | None = None,
    glossary: tuple[tuple[str, str], ...] = (),
) -> Prepared:
    """Return what the model is to read for a sentence, and the marks in it.

    Args:
        sentence: any text.
        stand_in: word that the model reads for a placeholder; None to let it
            read the placeholder itself.
        glossary: terms with their translations. Upper and lower case of a term
            count as the same.
    """
    text = normalise(sentence)
    pattern, translations = _pattern(glossary)
    read, done = "", 0
    marks: list[Mark] = []

    def more(part: str) -> str:
        return part.lstrip(" ") if read[-1:] in ("", " ") else part

    for found in pattern.finditer(text):
        read += more(text[done : found.start()])
        done, start = found.end(), len(read)
        kind, own = found.lastgroup, found.group()
        if kind == "placeholder":
            read += stand_in or own
        elif kind == "entry":
            read += own
            own = translations[own.lower()]
        around = text[: found.start()][-1:], text[done:][:1]
        before, after = (each not in ("", " ") for each in around)
        marks.append(Mark(kind, own, start, len(read), (before, after)))
    read += more(text[done:])
    return Prepared(sentence, read.rstrip(" "), tuple(marks))


@lru_cache(maxsize=8)
def _pattern(
    glossary: tuple[tuple[str, str], ...],
) -> tuple["regex.Pattern[str]", dict[str, str]]:
    """Return a pattern of marks, and translations of terms in lower case."""
    known = {normalise(term).lower(): text for term, text in glossary}
    if not known:
        return _MARKS, known
    terms = sorted(known, key=len, reverse=True)  # the longest counts
    entry = "|".join(map(regex.escape, terms))
    return (
        regex.compile(
            rf"{_MARKS.pattern}|(?P<entry>(?i:(?<!\w)(?:{entry})(?!\w)))"
        ),
        known,
    )


def with_marks(
    hypothesis: Hypothesis, prepared: Prepared, beginning: str = ""
) -> Hypothesis:
    """Return a hypothesis whose text has the marks of its source.

    Its words and its attention stay those of the text that the model read.

    Args:
        hypothesis: translation of what the model has read.
        prepared: what the model has read, and the marks.
        beginning: text that the translation begins with, also with marks.
    """
    if not prepared.marks:
        return hypothesis
    source, target = (
        item.modality.language.words(item.text)
        for item in (hypothesis.source, hypothesis.target)
    )
    weights = hypothesis.view("words").weights
    assert weights is not None
    weights = weights[: len(target), : len(source)]
    text = hypothesis.target.text
    kept = len(normalise(beginning))
    writer = _Writer(prepared, text, source, target, weights, kept)
    return replace(hypothesis, carried=writer.write())


class _Writer:
    """Writer of a translation with marks.

    Args:
        prepared: what the model has read.
        translation: the translation of this.
        source: spans of the source words.
        target: spans of the target words.
        weights: attention (T, S) between the words.
        kept: number of characters at the start of the translation that stay as
            they are.
    """

    def __init__(
        self,
        prepared: Prepared,
        translation: str,
        source: Sequence[Span],
        target: Sequence[Span],
        weights: np.ndarray,
        kept: int,
    ) -> None:
        self.marks = prepared.marks
        self.translation = translation
        self.source = source
        self.target = target
        self.weights = weights
        # The source word that each target word looks at.
        self.looks = (
            weights.argmax(1) if weights.size else np.full(len(target), -1)
        )
        starts = np.array([start for start, _ in target], int)
        self.looks = np.where(starts < kept, -1, self.looks)
        # The last of the words that stay is not divided.
        ends = [end for start, end in target if start < kept]
        self.kept = max(ends, default=0)
        self.partners = _partners(self.marks)
        self.edits: list[_Edit] = []

    def write(self) -> str:
        """Return the translation with all marks."""
        taken = np.zeros(len(self.target), bool)
        for number, mark in enumerate(self.marks):
            if mark.kind == "tag":
                self._insert_tag(mark, number)
            else:
                self._replace(mark, number, taken)
        parts, done = [], 0
        for edit in sorted(self.edits):
            parts += [self.translation[done : edit.start], edit.text]
            done = max(done, edit.end)
        return normalise("".join(parts) + self.translation[done:])

    def _replace(self, mark: Mark, number: int, taken: np.ndarray) -> None:
        """Write a mark in place of the target words that look at it.

        If there are several series of such words, the one with most attention
        is replaced; if there is none, the mark is inserted.

        Args:
            mark: placeholder or entry.
            number: number of the mark.
            taken: booleans (T,), True for words that are replaced already;
                updated.
        """
        words = self._between(mark.start, mark.end)
        looking = np.flatnonzero(np.isin(self.looks, words) & ~taken)
        if not len(looking):
            place = self._end_of_earlier(min(words, default=len(self.source)))
            self.edits.append(
                _Edit(place, number, place, self._apart(mark, place))
            )
            return
        runs = np.split(looking, np.flatnonzero(np.diff(looking) > 1) + 1)
        run = max(runs, key=lambda run: self.weights[run][:, words].sum())
        taken[run] = True
        start, end = self.target[run[0]][0], self.target[run[-1]][1]
        self.edits.append(_Edit(start, number, end, mark.text))

    def _insert_tag(self, mark: Mark, number: int) -> None:
        """Insert a tag where the words between it and its partner are.

        A tag without a partner goes with the source word beside it.
        """
        before, after = mark.glued
        closes = before and not after
        if number in self.partners:
            partner = self.marks[self.partners[number]]
            closes = self.partners[number] < number
            inside = self._between(*sorted((partner.start, mark.start)))
        else:
            left = self._between(0, mark.start)
            inside = left[-1:] if closes else self._right_of(mark)[:1]
        looking = np.flatnonzero(np.isin(self.looks, inside))
        if not len(looking):
            right = min(self._right_of(mark), default=len(self.source))
            place = self._end_of_earlier(right)
            text = self._apart(mark, place)
        elif closes:
            place = self.target[looking[-1]][1]
            text = f"{'' if before else ' '}{mark.text}"
        else:
            place = self.target[looking[0]][0]
            text = f"{mark.text}{'' if after else ' '}"
        # What opens comes before what stands at its place, what closes after.
        order = number + (len(self.marks) if closes else -len(self.marks))
        self.edits.append(_Edit(place, order, place, text))

    def _between(self, start: int, end: int) -> list[int]:
        """Return the source words that overlap a span of the source."""
        return [
            place
            for place, (first, last) in enumerate(self.source)
            if first < end and last > start
        ]

    def _right_of(self, mark: Mark) -> list[int]:
        """Return the source words after a tag."""
        starts = (start for start, _ in self.source)
        return [i for i, start in enumerate(starts) if start >= mark.start]

    def _end_of_earlier(self, word: int) -> int:
        """Return the end of the last target word that looks left of a word."""
        earlier = np.flatnonzero((self.looks < word) & (self.looks >= 0))
        return self.target[earlier[-1]][1] if len(earlier) else self.kept

    def _apart(self, mark: Mark, place: int) -> str:
        """Return the text of a mark with spaces, to be inserted at a place."""
        follows = self.translation[place : place + 1].isalnum()
        return f" {mark.text}{' ' if follows else ''}"


class _Edit(NamedTuple):
    """Change of a translation; edits are done in this order."""

    start: int
    order: int  # among edits with the same start
    end: int
    text: str


def _partners(marks: Sequence[Mark]) -> dict[int, int]:
    """Return the number of the partner of each tag that has one."""
    found: dict[int, int] = {}
    opened: list[tuple[str, int]] = []
    for number, mark in enumerate(marks):
        name = regex.match(r"<(/?)([\w-]+)[^>]*?(/?)>", mark.text)
        if mark.kind != "tag" or name is None or name[3]:
            continue
        if not name[1]:
            opened.append((name[2], number))
        elif opened and opened[-1][0] == name[2]:
            partner = opened.pop()[1]
            found |= {number: partner, partner: number}
    return found


def frequent_name(inventory: Inventory | None) -> str | None:
    """Return the most frequent word that is always written with a capital.

    It can stand for a placeholder, since the model knows it as a name. The
    result is None if there is no such word, or if words were not counted.
    """
    if inventory is None or not inventory.is_whole:
        return None
    words = inventory.words
    names = (
        (count, word)
        for word, count in words.items()
        if len(word) > 1
        and word.isalpha()
        and word.istitle()
        and count >= _OFTEN
        and count >= _NAMED * (count + words.get(word.lower(), 0))
    )
    return max(names, default=(0, None))[1]


def read_glossary(path: Path) -> tuple[tuple[str, str], ...]:
    """Read a glossary: a file with a term, a tab and its translation per line.

    Empty lines are left out. The file may be in the encodings and compressions
    that `data.corpora.files` reads.

    Raises:
        GlimpseError: the file cannot be read, or a line has not two columns.
    """
    try:
        lines = read_lines(path)
    except GlimpseError as error:
        raise GlimpseError(
            f"The glossary {path} cannot be read ({error}); a UTF-8 file with "
            "a term, a tab and its translation on each line is accepted"
        ) from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        term, *rest = (normalise(part) for part in line.split("\t"))
        if len(rest) != 1 or not term or not rest[0]:
            raise GlimpseError(
                f"Line {number} of the glossary {path} is '{line[:60]}', but a "
                "term, a tab and its translation are accepted: write it so"
            )
        found.append((term, rest[0]))
    return tuple(found)
