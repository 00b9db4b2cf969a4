"""Given translations aligned word by word: what the align command does.

Each pair is decoded by force, in one direction or in both, and its attention
between words is read as links.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from app.alignment import (
    HEURISTICS,
    MAIN_READING,
    POSTERIOR,
    READINGS,
    AlignmentScore,
    Gold,
    Link,
    View,
    entropy,
    flipped,
    links,
    rounded,
    save_npz,
    score_alignments,
    to_pharaoh,
    warn_if_from_one,
    word_view,
)
from app.cautions import check_lengths
from app.translator import Translation, Translator
from data import Example, GlimpseError
from models.naming import choose

CHUNK = 1024  # pairs aligned before the first of them is given out


@dataclass(frozen=True)
class AlignedPair:
    """A pair with its links.

    Attributes:
        source: the sentence.
        target: its translation.
        view: where the forward model looked, between words.
        links: between words, ascending.
    """

    source: str
    target: str
    view: View
    links: tuple[Link, ...]

    def to_json(self) -> dict[str, Any]:
        """The object of `align --json`."""
        weights = self.view.weights
        assert weights is not None  # the aligner has seen to that
        return {
            "source": self.source,
            "target": self.target,
            "source_tokens": list(self.view.source),
            "target_tokens": list(self.view.target),
            "links": to_pharaoh(self.links),
            "attention": rounded(weights),
            "entropy": rounded(entropy(weights)[None])[0],
        }


class Aligner:
    """Aligns with one model, or with one of each direction.

    Args:
        forward: translates from source to target.
        backward: translates from target to source, if its links are wanted too.
        heuristic: how the links of both are joined; one of `HEURISTICS`.
        reading: which attention is a word's; one of `READINGS`, or
            `POSTERIOR`.
        threshold: see `alignment.links`.

    Raises:
        GlimpseError: a model has no attention, or none to read like that, or
            they do not turn each other.
    """

    def __init__(
        self,
        forward: Translator,
        backward: Translator | None = None,
        *,
        heuristic: str = next(iter(HEURISTICS)),
        reading: str = MAIN_READING,
        threshold: float | None = None,
    ) -> None:
        self.forward = forward
        self.backward = backward
        self.heuristic = heuristic
        self.reading = reading
        self.threshold = threshold
        choose(heuristic, HEURISTICS, "way to join two directions")
        choose(
            reading,
            dict.fromkeys([*READINGS, POSTERIOR]),
            "reading of attention",
        )
        if reading == POSTERIOR and not self._has_posterior:
            raise GlimpseError(
                "The starting example, and a model without attention, have no "
                "posterior to be read; choose --reading before or after"
            )
        if backward and _codes(backward) != _codes(forward)[::-1]:
            there, back = ("→".join(_codes(m)) for m in (forward, backward))
            raise GlimpseError(
                f"The model given as --reverse translates {back} and the other "
                f"{there}; it must translate the other way round: train one "
                f"with --set corpus.source={_codes(forward)[1]} --set "
                f"corpus.target={_codes(forward)[0]}"
            )

    @classmethod
    def load(
        cls, run: Path, reverse: Path | None = None, **options: Any
    ) -> "Aligner":
        """Load the models of run folders; `options` are the constructor's."""
        backward = None if reverse is None else Translator.load(reverse)
        return cls(Translator.load(run), backward, **options)

    def check_lengths(
        self,
        examples: Sequence[Example],
        source: Path | None = None,
        reference: Path | None = None,
        cut: bool = False,
    ) -> None:
        """Warn of what is too long for a model to read, before it aligns.

        Args:
            examples: what is to be aligned.
            source: the user's file of sources, if they come from one.
            reference: that of translations, which the backward model reads.
            cut: whether to cut over-long lines of these, not refuse them.

        Raises:
            GlimpseError: lines of the user's files are over-long.
        """
        sources = [example.source for example in examples]
        check_lengths(self.forward, sources, source, cut)
        if self.backward:
            targets = [example.references[0] for example in examples]
            check_lengths(self.backward, targets, reference, cut)

    def align(
        self,
        examples: Sequence[Example],
        progress: Callable[[int], Any] = lambda count: None,
    ) -> Iterator[AlignedPair]:
        """Align each source with its first reference, in order."""
        for start in range(0, len(examples), CHUNK):
            chunk = examples[start : start + CHUNK]
            forced = self._force(chunk, self.reading == POSTERIOR)
            views = forced.views(self.reading)
            for example, view, found in zip(
                chunk, views, self._links(views, forced), strict=True
            ):
                yield AlignedPair(
                    example.source, example.references[0], view, tuple(found)
                )
            progress(len(chunk))

    def score(
        self, examples: Sequence[Example], gold: Mapping[int, Gold]
    ) -> dict[str, dict[str, AlignmentScore]]:
        """Score against gold, by direction or heuristic, then by reading.

        Args:
            examples: of which some have gold.
            gold: by place.

        Raises:
            GlimpseError: there is no gold.
        """
        if not gold:
            raise GlimpseError(
                "There are no gold alignments to score against: give files "
                "with --alignments, or a split that has some, such as the "
                "test of phrasebook or multi30k"
            )
        posterior = self._has_posterior
        forced = self._force([examples[place] for place in gold], posterior)
        readings = (*READINGS, POSTERIOR) if posterior else READINGS
        every = list(gold.values())
        scores: dict[str, dict[str, AlignmentScore]] = {}
        for reading in readings:
            links_of = self._all_links(forced, reading)
            if reading == MAIN_READING:
                warn_if_from_one(links_of["forward"], every)
            for name, found in links_of.items():
                scores.setdefault(name, {})[reading] = score_alignments(
                    found, every
                )
        return scores

    @property
    def _has_posterior(self) -> bool:
        models = [self.forward, *([self.backward] if self.backward else [])]
        return all(model.has_posterior for model in models)

    def _force(self, examples: Sequence[Example], posterior: bool) -> "_Forced":
        sources = [example.source for example in examples]
        targets = [example.references[0] for example in examples]
        there = _attended(self.forward, sources, targets, posterior)
        if self.backward is None:
            return _Forced(self.forward, there)
        back = _attended(self.backward, targets, sources, posterior)
        return _Forced(self.forward, there, _Forced(self.backward, back))

    def _links(
        self, there: Sequence[View], forced: "_Forced"
    ) -> list[list[Link]]:
        """Those of the chosen reading and heuristic."""
        found = self._read(there)
        if forced.back is None:
            return found
        back = map(flipped, self._read(forced.back.views(self.reading)))
        return list(map(HEURISTICS[self.heuristic], found, back))

    def _all_links(
        self, forced: "_Forced", reading: str
    ) -> dict[str, list[list[Link]]]:
        there = self._read(forced.views(reading))
        if forced.back is None:
            return {"forward": there}
        back = list(map(flipped, self._read(forced.back.views(reading))))
        joined = {
            name: list(map(join, there, back))
            for name, join in HEURISTICS.items()
        }
        return {"forward": there, "reverse": back, **joined}

    def _read(self, views: Sequence[View]) -> list[list[Link]]:
        return [links(view.weights, self.threshold) for view in views]


def _codes(translator: Translator) -> list[str]:
    return [language.code for language in translator.languages]


@dataclass(frozen=True)
class _Forced:
    """Pairs decoded by force, and the same pairs the other way round."""

    translator: Translator
    pairs: Sequence[Translation]
    back: "_Forced | None" = None

    def views(self, reading: str) -> list[View]:
        return [
            word_view(self.translator, pair, pair.hypotheses[0], reading)
            for pair in self.pairs
        ]


def _attended(
    translator: Translator,
    sources: Sequence[str],
    targets: Sequence[str],
    posterior: bool,
) -> list[Translation]:
    forced = translator.force(sources, targets, posterior=posterior)
    if any(pair.hypotheses[0].attention is None for pair in forced):
        raise GlimpseError(
            "A model without attention got sentences to align; choose a run "
            "whose model.decoder has attention"
        )
    return forced


def write(
    aligner: Aligner,
    examples: Sequence[Example],
    output: TextIO,
    as_json: bool = False,
    npz: Path | None = None,
) -> None:
    """Print a line for each pair: its links, or a JSON object.

    Args:
        aligner: what aligns them.
        examples: the pairs.
        output: takes the lines.
        as_json: see `AlignedPair.to_json`.
        npz: a file for `save_npz`, if any.
    """
    pairs = []
    with tqdm(
        desc="Aligning", total=len(examples), unit=" pairs", leave=False
    ) as bar:
        for pair in aligner.align(examples, bar.update):
            line = (
                json.dumps(pair.to_json(), ensure_ascii=False)
                if as_json
                else to_pharaoh(pair.links)
            )
            print(line, file=output)
            if npz:
                pairs.append(pair)
    if npz:
        save_npz(
            npz,
            [pair.view for pair in pairs],
            [pair.links for pair in pairs],
        )


def scores_to_json(
    scores: Mapping[str, Mapping[str, AlignmentScore]],
) -> dict[str, Any]:
    """The object of `align --score --json`: 0 to 1, like `evaluate`'s."""
    return {
        name: {reading: vars(score) for reading, score in readings.items()}
        for name, readings in scores.items()
    }


def scores_table(
    scores: Mapping[str, Mapping[str, AlignmentScore]],
) -> str:
    """The scores for people: aligned plain text."""
    lines = [
        f"{'links':<22}{'reading':<11}{'AER':>8}{'precision':>11}{'recall':>8}"
        f"{'F1':>8}   sentences"
    ]
    lines += [
        f"{name:<22}{reading:<11}{score.aer:>8.2%}{score.precision:>11.1%}"
        f"{score.recall:>8.1%}{score.f1:>8.1%}   {score.sentences:>9,}"
        for name, readings in scores.items()
        for reading, score in readings.items()
    ]
    return "\n".join(lines)
