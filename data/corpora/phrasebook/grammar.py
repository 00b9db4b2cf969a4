"""Grammar of the phrasebook, which generates sentence pairs from its rules."""

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
from data.corpora.phrasebook.surface import WrittenPair, write

_FLATNESS = 5  # the word of rank r is drawn with weight 1 / (r + 5)
# Tables of content words: a sentence may have each of these words only once.
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
    """Grammar that generates random pairs of English and French sentences.

    Args:
        seed: seed of all random choices; grammars with the same seed generate
            the same sentences.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._words = load_lexicon().words
        self._rules = load_rules()

    def sentence(self) -> tuple[WrittenPair, Phrase]:
        """Generate a sentence pair.

        Sentences that repeat a content word or contradict themselves are
        rejected.

        Returns:
            A sentence pair, and the phrase from which it was written.
        """
        while True:
            phrase = self._expand("sentence", None, {})
            if not (_repeats(phrase) or _contradicts(phrase)):
                english, french = (phrase.sides[key] for key in ("en", "fr"))
                pair = write(english.tokens, french.tokens, phrase.links)
                return pair, phrase

    def _expand(
        self, symbol: str, classes: Classes | None, given: Slots
    ) -> Phrase:
        """Generate a phrase from a random rule of a symbol.

        Rules are chosen with probabilities in proportion to their weights. If a
        rule fails, another one is chosen.

        Args:
            symbol: symbol of the grammar, such as "sentence" or "clause".
            classes: classes of meaning; the phrase must have at least one of
                them. If None, any class is allowed.
            given: mapping whose keys are names of slots that are filled
                already, and whose values are the words or phrases in them.

        Raises:
            DeadEndError: all rules of the symbol fail.
        """
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
        if symbol in slots:  # a slot, whose word names the symbol in a column
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
        """Return the pronoun that refers to an earlier word or phrase.

        Args:
            named: the earlier word or phrase; the pronoun agrees with it.

        Raises:
            DeadEndError: no pronoun agrees with the word or phrase.
        """
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
    """Tell whether a phrase has the same content word twice."""
    content = [
        lemma for lemma in phrase.lemmas if lemma.partition(":")[0] in _CONTENT
    ]
    return len(set(content)) < len(content)


def _contradicts(phrase: Phrase) -> bool:
    """Tell whether a phrase has two incompatible adjectives.

    Two adjectives are incompatible if they belong to the same scale, such as
    two colours, and describe the same noun. A phrase that asks to choose
    between the two, such as "Is it red or blue?", is no contradiction.
    """
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
