"""The engine of the phrasebook: draws sentence pairs from rules and lexicon."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate

from data.corpora.phrasebook.lexicon import Classes, Word, load_lexicon
from data.corpora.phrasebook.phrase import (
    DeadEndError,
    Filling,
    LemmaPairs,
    Phrase,
    Slots,
    say,
)
from data.corpora.phrasebook.rules import Rule, Slot, load_rules
from data.corpora.phrasebook.surface import Pair, write

_FLATNESS = 5  # the word of rank r is drawn with weight 1 / (r + 5)
_CONTENT = {
    "noun",
    "name",
    "verb",
    "adjective",
    "condition",
    "adverb",
    "unit",
    "weekday",
    "month",
    "place",
    "hour",
}


class Grammar:
    """Draws sentences at random.

    Args:
        seed: of the only source of chance: two grammars of one seed draw the
            same sentences.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._words = load_lexicon().words
        self._rules = load_rules()

    def sentence(self) -> tuple[Pair, Phrase]:
        """Draw a sentence that neither repeats nor contradicts itself."""
        while True:
            phrase = self._expand("sentence", None, {})
            if not (_repeats(phrase) or _contradicts(phrase)):
                english, french = (phrase.sides[key] for key in ("en", "fr"))
                pair = write(english.tokens, french.tokens, phrase.links)
                return pair, phrase

    def _expand(
        self, symbol: str, classes: Classes | None, given: Slots
    ) -> Phrase:
        """Expand a symbol by a rule drawn by weight, by another if it fails."""
        rules = list(self._rules[symbol])
        while rules:
            weights = [rule.weight for rule in rules]
            (rule,) = self._random.choices(rules, weights)
            try:
                return self._apply(rule, classes, given)
            except DeadEndError:
                rules.remove(rule)
        raise DeadEndError

    def _apply(
        self, rule: Rule, classes: Classes | None, given: Slots
    ) -> Phrase:
        slots = dict(given)
        noted: LemmaPairs = frozenset()
        for slot in rule.slots:
            filling = self._fill(slot, classes, slots)
            slots[slot.name] = filling
            if slot.noted:
                noted |= _pairs(slots[slot.argument[0]], filling)
        return say(rule, slots, noted)

    def _fill(
        self, slot: Slot, classes: Classes | None, slots: Slots
    ) -> Filling:
        if slot.argument.startswith("@"):
            return self._pronoun(slots[slot.argument[1]])
        name, handed_on, filling = slot.argument.partition("=")
        if handed_on:
            return self._expand(slot.source, None, {name: slots[filling]})
        wanted = _wanted(slot.argument, classes, slots)
        if slot.name in slots:
            return _fitting(slots[slot.name], wanted)
        if slot.source in self._words:
            return self._draw(slot.source, slot.kinds, wanted)
        return self._expand(self._symbol(slot, slots), wanted, {})

    def _symbol(self, slot: Slot, slots: Slots) -> str:
        symbol = slot.source
        if symbol in slots:  # a word, whose own column names the symbol
            (column,) = slot.kinds
            (symbol,) = slots[symbol].sense.columns[column]
        within_negation = symbol + "-"
        if slot.negated and within_negation in self._rules:
            return within_negation
        return symbol

    def _draw(
        self, table: str, kinds: frozenset[str], wanted: Classes | None
    ) -> Word:
        words, cumulative_weights = _candidates(table, kinds, wanted)
        if not words:
            raise DeadEndError
        (word,) = self._random.choices(words, cum_weights=cumulative_weights)
        return word

    def _pronoun(self, named: Filling) -> Word:
        """Return the pronoun that stands for what was named before."""
        sense = named.sense
        sort = "person" if "person" in sense.classes else "thing"
        for word in self._words["pronoun"]:
            same = word.sense.agreement == sense.agreement
            if same and sort in word.sense.classes:
                return replace(word, sense=sense)
        raise DeadEndError


@cache
def _candidates(
    table: str, kinds: frozenset[str], wanted: Classes | None
) -> tuple[Sequence[Word], Sequence[float]]:
    words = [
        word
        for word in load_lexicon().words[table]
        if kinds <= word.kinds
        and (wanted is None or wanted & word.sense.classes)
    ]
    weights = (1 / (rank + _FLATNESS) for rank in range(1, len(words) + 1))
    return words, list(accumulate(weights))


def _wanted(
    argument: str, classes: Classes | None, slots: Mapping[str, Filling]
) -> Classes | None:
    if not argument:
        return None
    if argument == "CLASS":
        return classes
    name, _, column = argument.partition(".")
    if name not in slots:
        return frozenset(argument.split("+"))
    sense = slots[name].sense
    if column == "person" and sense.agreement:
        return frozenset({sense.agreement.person})
    return sense.columns[column] if column else sense.classes


def _fitting(filling: Filling, wanted: Classes | None) -> Filling:
    if wanted is not None and not wanted & filling.sense.classes:
        raise DeadEndError
    return filling


def _pairs(governor: Filling, drawn: Filling) -> LemmaPairs:
    return frozenset(
        (min(first, second), max(first, second))
        for first in governor.sense.heads
        for second in drawn.sense.heads
    )


def _repeats(phrase: Phrase) -> bool:
    """Whether a content word comes twice."""
    content = [
        lemma for lemma in phrase.lemmas if lemma.partition(":")[0] in _CONTENT
    ]
    return len(set(content)) < len(content)


def _contradicts(phrase: Phrase) -> bool:
    """Whether one noun is given two adjectives of one scale, as two colours."""
    if "alternative" in phrase.constructions:  # "Is it red or blue?"
        return False
    scales = _scales()
    said = [
        (second, scales[first])
        for first, second in phrase.pairs
        if first in scales
    ]
    return len(set(said)) < len(said)


@cache
def _scales() -> Mapping[str, Classes]:
    return {
        word.lemma: word.sense.columns["scale"]
        for word in load_lexicon().words["adjective"]
    }
