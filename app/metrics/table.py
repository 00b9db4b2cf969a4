"""Table of metrics: names, computation, and which values are better."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from app.metrics.bleu_tokenizers import ORDINARY
from app.metrics.text import (
    References,
    Score,
    corpus_bleu,
    corpus_chrf,
    corpus_ter,
    process,
    processed_bleu,
    sentence_bleu,
)
from data.naming import choose

Need = Literal["text", "losses"]


@dataclass(frozen=True)
class Outcome:
    """Input of metrics: a model's translations, and its losses on references.

    Attributes:
        hypotheses: the model's translation of each sentence.
        references: one or more reference translations of each sentence.
        language: code of the language of hypotheses and references.
        tokenizer: name of the tokenizer for BLEU, one of
            `bleu_tokenizers.TOKENIZERS`.
        supplied: one more reference for each sentence, if the corpus publishes
            references in the form that `text.process` makes; otherwise None.
        tokens: number of tokens of the first references of all sentences, end
            symbols included.
        nll: sum of the negative log-likelihoods of these tokens, in nats.
        loss: sum, over these tokens, of the loss that training minimises.
        correct: number of these tokens to which the model gave the highest
            probability.
        is_final: whether training has ended. If not, BLEU is computed without
            a warning about translations that look tokenized.
    """

    hypotheses: Sequence[str] = ()
    references: References = ()
    language: str = ""
    tokenizer: str = ORDINARY
    supplied: Sequence[str] | None = None
    tokens: int = 0
    nll: float = 0.0
    loss: float = 0.0
    correct: int = 0
    is_final: bool = True

    @cached_property
    def processed_references(self) -> list[tuple[str, ...]]:
        """Processed references of each sentence.

        If `supplied` is not None, the result has these references. Otherwise
        `text.process` makes the result from `references`.
        """
        if self.supplied is not None:
            return [(text,) for text in self.supplied]
        return [
            tuple(process(text, self.language) for text in texts)
            for texts in self.references
        ]


@dataclass(frozen=True)
class Metric:
    """Metric: its names, how it is computed, and which values are better.

    Attributes:
        name: name in configurations and in JSON.
        label: name in tables and pictures.
        best: "max" if larger values are better, "min" if smaller ones are.
        needs: the fields of an `Outcome` that the metric is computed from:
            "text" (translations and references) or "losses" (sums over tokens).
        score: function that computes the metric from an `Outcome`.
        of_sentence: function that computes the metric of one sentence from its
            translation, its references and the name of the tokenizer for BLEU;
            None if the metric is not computed for single sentences.
        history_name: name of the metric's column in a run's `history.csv`,
            without the prefix "validation_"; None if it is the same as `name`.
    """

    name: str
    label: str
    best: Literal["max", "min"]
    needs: Need
    score: Callable[[Outcome], Score]
    of_sentence: Callable[[str, Sequence[str], str], float] | None = None
    history_name: str | None = None

    @property
    def column(self) -> str:
        """Name of the metric's column in `history.csv`."""
        return f"validation_{self.history_name or self.name}"

    @property
    def sign(self) -> int:
        """Sign of the metric: 1 if larger values are better, else -1."""
        return 1 if self.best == "max" else -1

    def is_reached(self, value: float, goal: float) -> bool:
        """Tell whether `value` is at least as good as `goal`."""
        return self.sign * value >= self.sign * goal


def _perplexity(outcome: Outcome) -> Score:
    # Bounded, since JSON knows no infinity.
    return Score(math.exp(min(outcome.nll / outcome.tokens, 700)), "")


METRICS: Mapping[str, Metric] = {
    each.name: each
    for each in (
        Metric(
            "bleu",
            "BLEU",
            "max",
            "text",
            lambda o: corpus_bleu(
                o.hypotheses, o.references, o.tokenizer, force=not o.is_final
            ),
            sentence_bleu,
        ),
        Metric(
            "bleu_lc_norm_tok",
            "BLEU lc.norm.tok",
            "max",
            "text",
            lambda o: processed_bleu(
                o.hypotheses, o.processed_references, o.language
            ),
        ),
        Metric(
            "chrf",
            "chrF",
            "max",
            "text",
            lambda o: corpus_chrf(o.hypotheses, o.references),
        ),
        Metric(
            "ter",
            "TER",
            "min",
            "text",
            lambda o: corpus_ter(o.hypotheses, o.references, o.tokenizer),
        ),
        Metric("perplexity", "Perplexity", "min", "losses", _perplexity),
        Metric(
            "token_accuracy",
            "Token accuracy",
            "max",
            "losses",
            lambda o: Score(o.correct / o.tokens, ""),
            history_name="accuracy",
        ),
        Metric(
            "loss",
            "Loss",
            "min",
            "losses",
            lambda o: Score(o.loss / o.tokens, ""),
        ),
    )
}
OLD_NAMES = {"accuracy": "token_accuracy"}
EVALUATED = (
    *("bleu", "bleu_lc_norm_tok", "chrf", "ter"),
    *("perplexity", "token_accuracy"),
)
WATCHED = ("loss", "perplexity", "token_accuracy", "bleu")  # of validation
TRAINED_BY = (*METRICS, *OLD_NAMES)  # names for `training.metric`


def metric(name: str) -> Metric:
    """Return the metric with this name; old names of metrics are accepted.

    Raises:
        GlimpseError: there is no such metric; the message suggests the metric
            with the most similar name.
    """
    return choose(OLD_NAMES.get(name, name), METRICS, "metric")
