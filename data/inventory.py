"""What a training text is written with, and other text in these forms."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import regex

from data.errors import GlimpseError
from data.text import Span, normalise
from data.tokenizer import Tokenizer
from data.typography import SEVERAL, UNITS, forms, loose_forms, opens
from data.vocabulary import plain_words, written_matches, written_words

RARE = 100  # times as frequent must a form be to take the place of another

_ENDS = ".!?。！？…:"
_Unit = tuple[str, Span]  # what is written, and where it comes from
_LETTERS = regex.compile(r"\p{Lu}|\p{Ll}|\p{Lt}")


@dataclass(frozen=True)
class Adapted:
    """A text in the forms that training had.

    Attributes:
        text: normalised.
        origins: for each of its characters, where in the text as typed it
            comes from.
    """

    text: str
    origins: tuple[Span, ...]

    def typed(self, span: Span) -> Span:
        """Return where in the text as typed a span of `text` comes from."""
        start, end = span
        if start < end:
            return self.origins[start][0], self.origins[end - 1][1]
        if start < len(self.origins):
            return (self.origins[start][0],) * 2
        return (self.origins[-1][1],) * 2 if self.origins else (0, 0)


def as_it_is(text: str) -> Adapted:
    """Return `text` adapted to nothing."""
    return Adapted(text, tuple((i, i + 1) for i in range(len(text))))


@dataclass(frozen=True)
class Inventory:
    """The characters and words of a training text, counted.

    Attributes:
        characters: how often each is there, and what `SEVERAL` make up.
        words: the same of `written_words`, as they are written.
        longest: tokens of the longest sentence, its end included; None where
            nobody counted them.
        is_whole: whether it was counted. That of an older run is read off what
            the run has: its letters are in lower case, its other characters
            those of the tokenizer's pieces.
    """

    characters: Mapping[str, int]
    words: Mapping[str, int]
    longest: int | None = None
    is_whole: bool = True
    # What was found out so far.
    _forms: dict[tuple[str, bool], str] = field(
        default_factory=dict, repr=False, compare=False
    )
    _settled: dict[str, bool] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def of(cls, texts: Iterable[str], longest: int | None = None) -> Inventory:
        """Count texts, which are normalised."""
        characters: Counter[str] = Counter()
        words: Counter[str] = Counter()
        for text in texts:
            characters.update(text)
            characters.update(SEVERAL.findall(text))
            words.update(written_words(text))
        return cls(characters, words, longest)

    @classmethod
    def of_older_run(
        cls, words: Iterable[str], tokenizer: Tokenizer
    ) -> Inventory:
        """Read off what an older run has: its `plain_words`, a tokenizer."""
        known = Counter(word for word in words if word)
        every = Counter(character for word in known for character in word)
        every.update(
            character
            for piece in tokenizer.pieces(range(4, tokenizer.vocabulary_size))
            if not piece.startswith("<0x")
            for character in piece
        )
        return cls(every, known, is_whole=False)

    def to_json(self) -> str:
        """Write what `from_json` reads, most frequent first."""
        return json.dumps(
            {
                "longest": self.longest,
                "characters": dict(Counter(self.characters).most_common()),
                "words": dict(Counter(self.words).most_common()),
            },
            ensure_ascii=False,
            indent=0,
        )

    @classmethod
    def from_json(cls, text: str) -> Inventory:
        """Read what `to_json` wrote.

        Raises:
            GlimpseError: it is something else.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            return cls(values["characters"], values["words"], values["longest"])
        except (ValueError, KeyError, TypeError) as error:
            raise GlimpseError(
                f"The inventory of a run is damaged ({error}); its training "
                "wrote one: copy it anew, or delete it to do without"
            ) from error

    def adapt(self, text: str) -> Adapted:
        """Return `text` in the forms that the training text had.

        A form of which another one is at least `RARE` times as frequent gives
        way to that: apostrophes, quotes, ellipses and letters of full width.
        So does a character that training never had, to what a reader takes for
        it: see `data.typography`. A word in capitals that it had in another
        case only is written in that case, and so is one in a sentence of
        capitals, unless it makes a hundredth of its forms.

        Args:
            text: normalised.
        """
        if self._is_in_its_forms(text):
            return as_it_is(text)
        found = _joined(_tidied(_rewritten(text, self._form)))
        found = _joined(self._without_capitals(found))
        found = Adapted("".join(map(self._case, found.text)), found.origins)
        if normalise(found.text) != found.text:  # a mark has met a letter
            return as_it_is(text)
        return found

    def even(self, text: str) -> str:
        """Return `text` with each character in its most frequent form.

        Apostrophes, quotes, ellipses and letters of full width: what leaves
        words where they are.
        """
        found = _rewritten(text, self._most_frequent)
        return "".join(form for form, _ in found)

    def unseen_words(self, text: str) -> list[str]:
        """Return the words that training had in no case, each once."""
        words = dict.fromkeys(plain_words(text))
        return [word for word in words if word not in self.plain_words]

    def unseen_characters(self, text: str) -> list[str]:
        """Return the characters that training had in no case, each once.

        Those of `unseen_words` are left out. Of an older run nothing is known.
        """
        if not self.is_whole:
            return []
        told = "".join(self.unseen_words(text))
        return [
            character
            for character in dict.fromkeys(text)
            if not {character, character.lower(), character.upper()}
            & self.characters.keys()
            and character.casefold() not in told
            and character != " "
        ]

    @cached_property
    def plain_words(self) -> frozenset[str]:
        """The different `plain_words`."""
        return frozenset(w for form in self.words for w in plain_words(form))

    @cached_property
    def _by_case(self) -> dict[str, Counter[str]]:
        """The forms of each word, by the word without case."""
        found: dict[str, Counter[str]] = {}
        for form, count in self.words.items():
            for key in {form.casefold(), _bare(form)}:
                found.setdefault(key, Counter())[form] += count
        return found

    def _is_in_its_forms(self, text: str) -> bool:
        """Whether there is nothing to adapt, told quickly."""
        units = {*text, *SEVERAL.findall(text)}
        if not all(map(self._is_settled, units)):
            return False
        capitals = [word for word in written_words(text) if word.isupper()]
        return all(map(self.words.__contains__, capitals)) and not (
            capitals and _is_shouted(text)
        )

    def _is_settled(self, unit: str) -> bool:
        """Whether a unit stays as it is, wherever it stands."""
        if unit not in self._settled:
            kept = (self._form(unit, True), self._form(unit, False))
            case = self._case(unit) if len(unit) == 1 else unit
            self._settled[unit] = {*kept, case} == {unit}
        return self._settled[unit]

    def _form(self, unit: str, opening: bool) -> str:
        """The form for `adapt`; each is looked for once."""
        if (unit, opening) not in self._forms:
            self._forms[unit, opening] = self._find_form(unit, opening)
        return self._forms[unit, opening]

    def _find_form(self, unit: str, opening: bool) -> str:
        best = self._most_frequent(unit, opening)
        if self._count(best) >= RARE * self._count(unit):
            unit = best
        if self._count(unit):
            return unit
        return next(filter(self._can_spell, loose_forms(unit)), unit)

    def _most_frequent(self, unit: str, opening: bool) -> str:
        return max([unit, *forms(unit, opening)], key=self._count)

    def _count(self, form: str) -> int:
        return self.characters.get(form, 0)

    def _can_spell(self, form: str) -> bool:
        """Whether training had all characters of a form, in one case."""
        letters = form.replace(" ", "")
        return bool(letters) and any(
            all(map(self._count, each))
            for each in (letters, letters.swapcase())
        )

    def _without_capitals(self, given: Adapted) -> Iterator[_Unit]:
        """Words in capitals as training had them, the rest as it is."""
        text, spans = given.text, given.origins
        shouted = _is_shouted(text)
        end = 0
        for found in written_matches(text):
            start, word = found.start(), found.group()
            yield from zip(text[end:start], spans[end:start], strict=True)
            end = found.end()
            form = word
            if word.isupper() and (shouted or self.is_whole):
                form = self._cased(word, shouted, _begins(text[:start]))
            if len(form) == len(word):
                yield from zip(form, spans[start:end], strict=True)
            else:  # such as ß for SS
                yield form, (spans[start][0], spans[end - 1][1])
        yield from zip(text[end:], spans[end:], strict=True)

    def _case(self, character: str) -> str:
        """The case in which training had a character."""
        other = character.swapcase()
        if self._count(character) or len(other) > 1 or not self._count(other):
            return character
        return other

    def _cased(self, word: str, shouted: bool, begins: bool) -> str:
        """The form of a word in capitals that training had.

        Args:
            word: in capitals.
            shouted: whether its sentence is.
            begins: whether it is the first of a sentence.
        """
        had = self.words.get(word, 0)
        key = word.casefold()
        known = self._by_case.get(key) or self._by_case.get(_bare(word))
        if not known or (had and not shouted):
            return word
        if begins and known.get(key.capitalize()):
            return key.capitalize()
        (best, count) = known.most_common(1)[0]
        # A lone capital is what many sentences begin with.
        rare = 1 if len(word) == 1 else RARE
        return best if count >= rare * had else word


def _rewritten(text: str, form: Callable[[str, bool], str]) -> Iterator[_Unit]:
    for found in UNITS.finditer(text):
        unit, start = found.group(), found.start()
        new = form(unit, opens(text[max(0, start - 1) : start]))
        if new == unit:
            yield from ((text[i], (i, i + 1)) for i in range(*found.span()))
        else:
            yield new, found.span()


def _tidied(units: Iterable[_Unit]) -> Iterator[_Unit]:
    """Without the spaces that were put around a dash beside a space."""
    kept = " "
    held: list[_Unit] = []
    for form, span in units:
        for each in form:
            if each != " ":
                yield from held
                held = []
                yield each, span
            elif kept != " ":
                held = [(each, span)]
            kept = each


def _joined(units: Iterable[_Unit]) -> Adapted:
    every = list(units)
    return Adapted(
        "".join(form for form, _ in every),
        tuple(span for form, span in every for _ in form),
    )


def _begins(before: str) -> bool:
    """Whether a sentence begins after this."""
    bare = before.rstrip(' "“”«»¿¡')
    return not bare or bare[-1] in _ENDS


def _is_shouted(text: str) -> bool:
    """Whether a text of several words is in capitals."""
    letters = "".join(_LETTERS.findall(text))
    long = [word for word in written_words(text) if len(word) > 1]
    return letters.isupper() and len(long) > 1


def _bare(word: str) -> str:
    """The word without case and accents, which capitals may lack."""
    parts = unicodedata.normalize("NFD", word.casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))
