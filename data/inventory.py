"""Inventory of a training text: counts of its characters and of its words.

Before translation, a text is adapted to the inventory: characters and words
that are not in the training text are replaced by other forms that are in it.
"""

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

RARE = 100  # a form gives way to one that is this many times as frequent

_ENDS = ".!?。！？…:"  # characters that end a sentence
_Unit = tuple[str, Span]  # characters, and the span that they come from
_LETTERS = regex.compile(r"\p{Lu}|\p{Ll}|\p{Lt}")


@dataclass(frozen=True)
class Adapted:
    """Text whose unknown characters and words were replaced by known variants.

    Attributes:
        text: the adapted text, normalised.
        origins: for each character of `text`, the span of the original text
            that the character comes from.
    """

    text: str
    origins: tuple[Span, ...]

    def typed(self, span: Span) -> Span:
        """Return the span of the original text for a `span` of `text`."""
        start, end = span
        if start < end:
            return self.origins[start][0], self.origins[end - 1][1]
        if start < len(self.origins):
            return (self.origins[start][0],) * 2
        return (self.origins[-1][1],) * 2 if self.origins else (0, 0)


def as_it_is(text: str) -> Adapted:
    """Return an `Adapted` whose text is `text`, unchanged."""
    return Adapted(text, tuple((i, i + 1) for i in range(len(text))))


@dataclass(frozen=True)
class Inventory:
    """Counts of the characters and words of a training text.

    Attributes:
        characters: count of each character, and of each group that stands for
            one character, such as "..." for "…" (each match of
            `data.typography.SEVERAL`).
        words: count of each word that `data.vocabulary.written_words` finds, in
            its original case.
        longest: number of tokens of the longest sentence, EOS included; None if
            it is not known.
        is_whole: whether the training text itself was counted. If not, the
            inventory was rebuilt from the files of an older training run. Its
            words are then in lower case, and its characters are only those that
            occur in these words or in the pieces of the tokenizer.
    """

    characters: Mapping[str, int]
    words: Mapping[str, int]
    longest: int | None = None
    is_whole: bool = True
    # Results of `_form` and `_is_settled` so far.
    _forms: dict[tuple[str, bool], str] = field(
        default_factory=dict, repr=False, compare=False
    )
    _settled: dict[str, bool] = field(
        default_factory=dict, repr=False, compare=False
    )

    @classmethod
    def of(cls, texts: Iterable[str], longest: int | None = None) -> Inventory:
        """Count the characters and words of normalised training sentences."""
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
        """Rebuild the inventory of an older training run, which saved none.

        Args:
            words: case-folded words of the training text, which the run saved.
            tokenizer: tokenizer of the run.
        """
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
        """Return the inventory as JSON, sorted by count, largest first."""
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
        """Read an inventory that `to_json` wrote.

        Raises:
            GlimpseError: `text` is not the JSON of an inventory.
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
        """Replace characters and words by forms that the training text has.

        - An apostrophe, a quote, an ellipsis or a full-width letter is replaced
          by another form of it if that form is at least `RARE` (100) times as
          frequent in the training text.
        - Other characters that the training text lacks are replaced by similar
          characters that it has (see `data.typography.loose_forms`).
        - Words in capitals that the training text has only in another case are
          written in that case. In a sentence all in capitals, every word is
          written in its most frequent case, if that case is at least `RARE`
          times as frequent in the training text as the word in capitals.

        Args:
            text: normalised text.
        """
        if self._is_in_its_forms(text):
            return as_it_is(text)
        found = _joined(_tidied(_rewritten(text, self._form)))
        found = _joined(self._without_capitals(found))
        found = Adapted("".join(map(self._case, found.text)), found.origins)
        if normalise(found.text) != found.text:  # a mark has joined a letter
            return as_it_is(text)
        return found

    def even(self, text: str) -> str:
        """Replace apostrophes, quotes and ellipses by their most frequent form.

        A full-width letter is replaced, too, if its usual form is more
        frequent. The frequencies are those in the training text. All other
        characters remain, so no word is split, and no words are joined.
        """
        found = _rewritten(text, self._most_frequent)
        return "".join(form for form, _ in found)

    def unseen_words(self, text: str) -> list[str]:
        """Return the words of `text` that are not in the training text.

        Upper and lower case count as the same. Each word is returned once,
        case-folded.
        """
        words = dict.fromkeys(plain_words(text))
        return [word for word in words if word not in self.plain_words]

    def unseen_characters(self, text: str) -> list[str]:
        """Return the characters of `text` that are not in the training text.

        Upper and lower case count as the same. Each character is returned once.
        Characters that occur in a word of `unseen_words` are left out. If
        `is_whole` is false, it is unknown which characters the training text
        has, and the list is empty.
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
        """Set of the case-folded words of the training text."""
        return frozenset(w for form in self.words for w in plain_words(form))

    @cached_property
    def _by_case(self) -> dict[str, Counter[str]]:
        """For each case-folded word, the counts of its forms in training.

        A form with accents is also counted under the word without accents.
        """
        found: dict[str, Counter[str]] = {}
        for form, count in self.words.items():
            for key in {form.casefold(), _bare(form)}:
                found.setdefault(key, Counter())[form] += count
        return found

    def _is_in_its_forms(self, text: str) -> bool:
        """Return True if a quick check shows that `text` needs no adapting."""
        units = {*text, *SEVERAL.findall(text)}
        if not all(map(self._is_settled, units)):
            return False
        capitals = [word for word in written_words(text) if word.isupper()]
        return all(map(self.words.__contains__, capitals)) and not (
            capitals and _is_shouted(text)
        )

    def _is_settled(self, unit: str) -> bool:
        """Check whether `_form` and `_case` always return a unit unchanged.

        Args:
            unit: a character, or a group such as "...".
        """
        if unit not in self._settled:
            kept = (self._form(unit, True), self._form(unit, False))
            case = self._case(unit) if len(unit) == 1 else unit
            self._settled[unit] = {*kept, case} == {unit}
        return self._settled[unit]

    def _form(self, unit: str, opening: bool) -> str:
        """Return the form by which `adapt` replaces a unit, and cache it.

        Args:
            unit: a character, or a group such as "...".
            opening: whether a quote at this place would be an opening quote.
        """
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
        """Check whether the training text has all characters of `form`.

        The result is also True if the training text has all characters of
        `form.swapcase()`. Spaces are ignored.
        """
        letters = form.replace(" ", "")
        return bool(letters) and any(
            all(map(self._count, each))
            for each in (letters, letters.swapcase())
        )

    def _without_capitals(self, given: Adapted) -> Iterator[_Unit]:
        """Yield the text, with words in capitals written as in training.

        Each item is a character and the span of the original text that it comes
        from. Only if a word and its replacement differ in length, as "STRASSE"
        and "Straße" do, an item is the whole replacement and the word's span.
        """
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
            else:  # of another length, such as ß for SS
                yield form, (spans[start][0], spans[end - 1][1])
        yield from zip(text[end:], spans[end:], strict=True)

    def _case(self, character: str) -> str:
        """Swap the case of a character if training has only the other case."""
        other = character.swapcase()
        if self._count(character) or len(other) > 1 or not self._count(other):
            return character
        return other

    def _cased(self, word: str, shouted: bool, begins: bool) -> str:
        """Return the form that should replace a word in capitals.

        Args:
            word: word in capitals.
            shouted: whether the whole text is in capitals.
            begins: whether `word` is the first word of a sentence.
        """
        had = self.words.get(word, 0)
        key = word.casefold()
        known = self._by_case.get(key) or self._by_case.get(_bare(word))
        if not known or (had and not shouted):
            return word
        if begins and known.get(key.capitalize()):
            return key.capitalize()
        (best, count) = known.most_common(1)[0]
        # A word of one letter often is a capital only because it begins a
        # sentence.
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
    """Yield the characters, but no repeated spaces and no spaces at the ends.

    Such spaces arise where a dash is replaced by a dash with spaces around it.
    """
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
    """Check whether a sentence begins right after the text `before`."""
    bare = before.rstrip(' "“”«»¿¡')
    return not bare or bare[-1] in _ENDS


def _is_shouted(text: str) -> bool:
    """Check whether a text is all in capitals and has more than one word.

    Words of a single letter are not counted.
    """
    letters = "".join(_LETTERS.findall(text))
    long = [word for word in written_words(text) if len(word) > 1]
    return letters.isupper() and len(long) > 1


def _bare(word: str) -> str:
    """Return a word case-folded and without accents, to look it up."""
    parts = unicodedata.normalize("NFD", word.casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))
