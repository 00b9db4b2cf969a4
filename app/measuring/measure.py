"""Measurement of a model: its translations of an evaluation set, and scores."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tqdm import tqdm

from app.alignment import (
    MAIN_READING,
    READINGS,
    AlignmentScore,
    AttentionSummary,
    links,
    score_alignments,
    summarise,
    warn_if_from_one,
)
from app.inference import Translation, Translator
from app.inference.translator import LEAST_DIVIDED
from app.measuring.sets import EvaluationSet
from app.metrics import EVALUATED, METRICS, Metric, Outcome, Score
from data import Language

LENGTH_STEP = 5  # source lengths in a row of the table by source length


@dataclass(frozen=True)
class LengthScore:
    """BLEU of the sentences whose source has `shortest` to `longest` words."""

    shortest: int
    longest: int
    sentences: int
    bleu: float


@dataclass(frozen=True)
class Measured:
    """Measurement of a model on an evaluation set.

    Attributes:
        given: the evaluation set.
        beam: number of hypotheses kept in beam search.
        translations: the model's translation of each source, in order.
        forced: the first reference of each source, in order, with the
            log-probability and the attention that the model computes for it.
        scores: dictionary whose keys are names of metrics.
        sentences_per_second: speed of search, not counting the time to build
            its graph; None if the speed was not measured.
        tokenizer: name of the tokenizer that BLEU was computed with.
    """

    given: EvaluationSet
    beam: int
    translations: Sequence[Translation] = field(repr=False)
    forced: Sequence[Translation] = field(repr=False)
    scores: dict[str, Score]
    sentences_per_second: float | None
    tokenizer: str

    @property
    def hypotheses(self) -> list[str]:
        """Texts of the model's translations, in order."""
        return [translation.text for translation in self.translations]

    @cached_property
    def by_source_length(self) -> tuple[LengthScore, ...]:
        """BLEU for each range of source lengths, shortest sources first."""
        rows: dict[int, list[int]] = {}
        for index, translation in enumerate(self.translations):
            language = translation.read.modality.language
            rows.setdefault(_step(translation.source, language), []).append(
                index
            )
        return tuple(
            LengthScore(
                step * LENGTH_STEP + 1,
                (step + 1) * LENGTH_STEP,
                len(rows[step]),
                self._score_of(METRICS["bleu"], rows[step]),
            )
            for step in sorted(rows)
        )

    def _score_of(self, metric: Metric, rows: Sequence[int]) -> float:
        """Compute a text metric on the sentences with the indices `rows`.

        No warning is shown about texts that look tokenized.
        """
        outcome = Outcome(
            [self.translations[row].text for row in rows],
            [self.given.examples[row].references for row in rows],
            tokenizer=self.tokenizer,
            is_final=False,
        )
        return metric.score(outcome).score

    @cached_property
    def aer(self) -> dict[str, AlignmentScore] | None:
        """Alignment error rate of the attention for the references.

        The attention of a target word can be taken from two steps of the
        decoder, so the value is a dictionary with two rates. The key "before"
        means the step that produces the word, and "after" means the next step.
        If the model has no attention or the set has no gold alignments, the
        value is None instead of a dictionary.
        """
        gold = self.given.gold
        attended = {index: self.forced[index].hypotheses[0] for index in gold}
        if not gold or any(h.attention is None for h in attended.values()):
            return None
        every = list(gold.values())
        made = {
            reading: [
                links(hypothesis.view("words", reading).weights)
                for hypothesis in attended.values()
            ]
            for reading in READINGS
        }
        warn_if_from_one(made[MAIN_READING], every)
        return {
            reading: score_alignments(found, every)
            for reading, found in made.items()
        }

    @cached_property
    def attention(self) -> AttentionSummary | None:
        """Summary of the attention between words in the translations.

        The end of a sentence counts as a word. The value is None if the model
        has no attention.
        """
        views = (each.hypotheses[0].view("words") for each in self.translations)
        return summarise(v.weights for v in views if v.weights is not None)

    def sentence_scores(self, name: str) -> list[float]:
        """Return the value of a metric for each sentence.

        If smaller values of the metric are better, the values are negated.
        """
        metric = METRICS[name]
        assert metric.of_sentence is not None
        return [
            metric.sign
            * metric.of_sentence(
                translation.text, example.references, self.tokenizer
            )
            for translation, example in zip(
                self.translations, self.given.examples, strict=True
            )
        ]


def measure(
    translator: Translator,
    given: EvaluationSet,
    metrics: Sequence[str] = EVALUATED,
    beam: int | None = None,
    *,
    is_final: bool = True,
) -> Measured:
    """Translate an evaluation set and compute the metrics.

    No file is read or written.

    Args:
        translator: the translator to measure.
        given: the evaluation set.
        metrics: names of the metrics to compute, see `app.metrics.METRICS`.
        beam: number of hypotheses kept in beam search; None for the number in
            the translator's configuration.
        is_final: whether training has ended; if so, search is timed, and
            progress is shown.
    """
    beam = beam or translator.config.search.beam_size
    sources = [example.source for example in given.examples]
    firsts = [example.references[0] for example in given.examples]
    if is_final:
        # The first call builds the graph, which must not be timed as search.
        # For fewer than LEAST_DIVIDED sentences, another graph would be built.
        translator.translate(sources[:LEAST_DIVIDED], beam_size=beam)
    with _progress("Translating", len(sources), is_final) as bar:
        start = time.perf_counter()
        translations = translator.translate(
            sources, beam_size=beam, progress=bar.update
        )
        seconds = time.perf_counter() - start
    with _progress("Scoring references", len(sources), is_final) as bar:
        forced = translator.force(sources, firsts, progress=bar.update)
    hypotheses = [each.hypotheses[0] for each in forced]
    tokenizer = translator.config.bleu_tokenizer
    outcome = Outcome(
        hypotheses=[translation.text for translation in translations],
        references=[example.references for example in given.examples],
        language=translator.sides.target.language.code,
        tokenizer=tokenizer,
        supplied=given.supplied,
        tokens=sum(len(each.ids) for each in hypotheses),
        nll=-sum(each.log_prob for each in hypotheses),
        loss=sum(each.loss or 0.0 for each in hypotheses),
        correct=sum(each.correct or 0 for each in hypotheses),
        is_final=is_final,
    )
    return Measured(
        given,
        beam,
        translations,
        forced,
        {name: METRICS[name].score(outcome) for name in metrics},
        len(sources) / seconds if is_final else None,
        tokenizer,
    )


def _progress(what: str, total: int, shown: bool) -> tqdm:
    return tqdm(
        desc=what,
        total=total,
        unit=" sentences",
        leave=False,
        disable=not shown,
    )


def _step(source: str, language: Language) -> int:
    """Return the index of the range of lengths that a source belongs to.

    Each range has `LENGTH_STEP` lengths; the first has index 0, and begins with
    sources of one word.
    """
    return (max(1, len(language.words(source))) - 1) // LENGTH_STEP
