"""Results of translation: source and target texts, scores, and attention."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from app.alignment import (
    FORESIGHT,
    MAIN_READING,
    POSTERIOR,
    READINGS,
    View,
    merge,
)
from data import GlimpseError
from data.inventory import Inventory
from data.modalities import Axis, Text
from data.text import Span
from models import Hypotheses

By = Literal["words", "pieces"]


@dataclass(frozen=True)
class Item:
    """Text of the source or of the target, with the ids of its tokens.

    Attributes:
        text: the normalised text.
        ids: ids of the text's tokens, the final EOS included.
        modality: the object that converted the text into ids.
        spans: start and end of each token in the text, counted in characters;
            None to let the modality compute them.
    """

    text: str
    ids: tuple[int, ...]
    modality: Text
    spans: tuple[Span, ...] | None = None

    @cached_property
    def words(self) -> Axis:
        """Words of the text, and how much of each token belongs to each word.

        The last word stands for the end of the sentence.
        """
        return self.modality.axis(self.text, self.ids, self.spans)

    @property
    def pieces(self) -> tuple[str, ...]:
        """Pieces into which the tokenizer divided the text, one for each id."""
        return self.modality.pieces(self.ids)


@dataclass(frozen=True)
class Hypothesis:
    """Translation of a sentence, either found by search or given by the user.

    Attributes:
        score: log-probability adjusted by the length penalty of the search; for
            a given translation, the same as `log_prob`.
        log_prob: sum of the natural log-probabilities of the target tokens.
        attention: attention weights (T, S), with a row for each target token
            and a column for each source token; None for a model without
            attention.
        source: the source text in the form that the model read.
        target: the translation. If the model's target tokens are whole words,
            unknown words may have been replaced in the text, see
            `Translator.translate`; `target.ids` still has the id of `<unk>`
            for these words.
        correct: for a given translation, the number of its tokens to which the
            model gives a higher probability than to any other token in the same
            position; None for a translation found by search.
        loss: for a given translation, the value of the training loss; None for
            a translation found by search.
        token_log_probs: natural log-probability of each target token (T,); None
            if they were not computed.
        carried: text of the translation with the placeholders, tags and
            glossary entries of the source; None if the source has none.
        posterior: for a given translation, attention (T, S) computed with
            knowledge of the target words, see `Seq2Seq.posterior`; None if it
            was not computed.
        foresight: for a given translation, attention (T, S) whose queries know
            the target words, see `models.foresight`; None if it was not
            computed.
    """

    score: float
    log_prob: float
    attention: np.ndarray | None
    source: Item
    target: Item
    correct: int | None = None
    loss: float | None = None
    posterior: np.ndarray | None = None
    foresight: np.ndarray | None = None
    token_log_probs: np.ndarray | None = None
    carried: str | None = None
    _views: dict[tuple[str, str], View] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def text(self) -> str:
        """Text of the translation."""
        return self.target.text if self.carried is None else self.carried

    @property
    def ids(self) -> tuple[int, ...]:
        """Ids of the target tokens, the final EOS included."""
        return self.target.ids

    @property
    def confidence(self) -> float:
        """Confidence of the translation, from 0 to 1.

        It is the geometric mean of the probabilities of its tokens.
        """
        return math.exp(self.log_prob / max(1, len(self.ids)))

    def confidences(self, by: By = "words") -> tuple[float, ...]:
        """Return the confidence of each word or piece, from 0 to 1.

        It is the probability of the piece or, for a word, the product of the
        probabilities of its pieces. All are given the words before them.

        Args:
            by: "words" or "pieces".
        """
        if self.token_log_probs is None:
            return ()
        log_probs = self.token_log_probs
        if by == "words":
            log_probs = log_probs @ self.target.words.shares
        return tuple(np.exp(log_probs).tolist())

    def view(self, by: By = "words", reading: str = MAIN_READING) -> View:
        """Return the attention, with labels for its rows and columns.

        The label of a word is the word as it stands in the text. So the label
        of an unknown source word is the word itself. The label of an unknown
        target word is its replacement or, if it was not replaced, `<unk>`.

        Args:
            by: "words" for one row or column per word, or "pieces" for one per
                piece of a word.
            reading: which attention weights each target token gets. "before"
                means the weights of the decoder step that produced the token,
                "after" means the weights of the next step, and "posterior"
                means the posterior attention, which only `Translator.force`
                computes.

        Raises:
            GlimpseError: `reading` is `POSTERIOR`, but the posterior attention
                was not computed.
        """
        key = (by, reading)
        if key not in self._views:
            self._views[key] = self._view(by, reading)
        return self._views[key]

    def _view(self, by: By, reading: str) -> View:
        weights = self._read(reading)
        if by == "pieces":
            return View(self.source.pieces, self.target.pieces, weights)
        source, target = self.source.words, self.target.words
        if weights is not None:
            weights = merge(weights, source.shares, target.shares)
        return View(source.labels, target.labels, weights)

    def _read(self, reading: str) -> np.ndarray | None:
        if self.attention is None:
            return None
        if reading in READINGS:
            return READINGS[reading](self.attention)
        found = {POSTERIOR: self.posterior, FORESIGHT: self.foresight}[reading]
        if found is None:
            raise GlimpseError(
                f"The {reading} of a translation was asked for, but was not "
                f"computed: call Translator.force with {reading}=True"
            )
        return found


@dataclass(frozen=True)
class Translation:
    """Source sentence with its n best translations.

    Attributes:
        source: the sentence as the user gave it.
        read: the sentence after normalisation, and cut if it has too many
            tokens. When it is converted to ids, some words and characters are
            replaced by forms that occur in the training text, see
            `Inventory.adapt`; `read.text` does not show these replacements.
            The positions in `read.spans` are those in `read.text`.
        hypotheses: the translations, best first; empty only after
            `Translator.encode`, which does not translate.
        truncated: whether the sentence was cut.
        longest_trained: length of the longest source in training, in tokens
            with EOS.
        inventory: counts of the words and characters in the source side of the
            training text; None if they are not known.
    """

    source: str
    read: Item
    hypotheses: tuple[Hypothesis, ...]
    truncated: bool
    longest_trained: int
    inventory: Inventory | None = field(repr=False, compare=False)

    @property
    def text(self) -> str:
        """Text of the best translation."""
        return self.hypotheses[0].text

    @property
    def source_ids(self) -> tuple[int, ...]:
        """Ids of the source tokens that the model read, with the final EOS."""
        return self.read.ids

    @property
    def unseen(self) -> dict[str, list[str]]:
        """Words and characters of the source that did not occur in training.

        The keys are "words" and "characters". Words and characters that
        occurred in another case, upper or lower, are not listed. Characters of
        listed words are not listed again. If `inventory` is None, it is unknown
        what occurred in training, and both lists are empty.
        """
        if self.inventory is None:
            return {"words": [], "characters": []}
        adapted = self.inventory.adapt(self.read.text).text
        return {
            "words": self.inventory.unseen_words(adapted),
            "characters": self.inventory.unseen_characters(adapted),
        }


def found_hypotheses(
    found: Hypotheses, place: int, source: Item, target: Text, nbest: int
) -> list[Hypothesis]:
    """Return the best hypotheses that a search found for one sentence.

    Args:
        found: what the search found for a batch, as NumPy arrays.
        place: index of the sentence in the batch.
        source: the source text in the form that the model read.
        target: modality of the target.
        nbest: largest number of hypotheses to return.
    """
    hypotheses = []
    for rank, length in enumerate(found.lengths[place][:nbest]):
        if not length:
            continue
        ids = tuple(int(i) for i in found.tokens[place, rank, :length])
        item = Item(target.decode(ids), ids, target)
        hypotheses.append(
            Hypothesis(
                float(found.scores[place, rank]),
                float(found.log_probs[place, rank]),
                crop(found.seen.attention, (place, rank), item, source),
                source,
                item,
                token_log_probs=found.token_log_probs[place, rank, :length],
            )
        )
    return hypotheses


def forced_hypotheses(
    forced: Any,
    sources: Sequence[Item],
    targets: Sequence[Item],
    posterior: Any,
    foresight: Any,
) -> list[Hypothesis]:
    """Return the given targets of a batch as hypotheses.

    Args:
        forced: result of the graph from `models.decoding.forced_graph`, as
            NumPy arrays.
        sources: the source texts in the form that the model read.
        targets: the given targets.
        posterior: posterior attention of the batch; () if not computed.
        foresight: attention of a foresight; () if not computed.
    """
    return [
        Hypothesis(
            float(forced.log_probs[place]),
            float(forced.log_probs[place]),
            crop(forced.attention, (place,), target, source),
            source,
            target,
            int(forced.correct[place]),
            float(forced.losses[place]),
            crop(posterior, (place,), target, source),
            crop(foresight, (place,), target, source),
        )
        for place, (source, target) in enumerate(
            zip(sources, targets, strict=True)
        )
    ]


def crop(
    attention: Any, place: tuple[int, ...], target: Item, source: Item
) -> np.ndarray | None:
    """Return the attention (T, S) of a text, without padding; None if none.

    Args:
        attention: attention weights of a batch, or () without attention.
        place: indices of the text in the batch.
        target: the target text of T tokens.
        source: the source text of S tokens.
    """
    if isinstance(attention, tuple):
        return None
    rows = attention[place][: len(target.ids), : len(source.ids)]
    return rows.astype(np.float32)
