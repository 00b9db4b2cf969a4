"""Word alignment of sentences with given translations, for command `align`.

The model reads the source and the given translation (forced decoding), and
words are linked where its attention weights are large. A second model may do
the same in the opposite direction; the links of both directions are combined.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from app.alignment import (
    FORESIGHT,
    HEURISTICS,
    MAIN_READING,
    OF_GIVEN,
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
)
from app.inference.cautions import check_lengths
from app.inference.hypotheses import Translation
from app.inference.translator import Translator
from data import Example, GlimpseError
from data.naming import choose

CHUNK = 1024  # pairs that are aligned together
# Why a model cannot compute a reading.
_WITHOUT = {
    POSTERIOR: "The starting example, and a model without attention, have no "
    "posterior; choose --reading before, or --reading after",
    FORESIGHT: "No foresight was fitted to the model, or to that of --reverse; "
    "fit one with: python -m app align RUN --fit",
}


@dataclass(frozen=True)
class AlignedPair:
    """Pair of sentences with the links between their words.

    Attributes:
        source: the source sentence.
        target: its translation.
        view: attention between the words, computed by the model that translates
            from source to target.
        links: pairs (source index, target index) of linked words, ascending.
    """

    source: str
    target: str
    view: View
    links: tuple[Link, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that `align --json` prints for the pair."""
        weights = self.view.weights
        assert weights is not None  # else the aligner has refused it
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
    """Aligner of words with one model, or with one model for each direction.

    Args:
        forward: translator from source to target.
        backward: translator from target to source; None to use the links of
            `forward` alone.
        heuristic: name of the method that combines the links of both
            directions; one of `HEURISTICS`.
        reading: "before", "after", "posterior" or "foresight": which attention
            weights each target word gets; see `Hypothesis.view`.
        threshold: attention weight above which two words are linked; None to
            link each target word to the source word with the largest weight.

    Raises:
        GlimpseError: `heuristic` or `reading` is unknown, a model cannot
            compute the reading, or the two models do not translate in opposite
            directions.
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
            dict.fromkeys([*READINGS, *OF_GIVEN]),
            "reading of attention",
        )
        if reading not in self.readings:
            raise GlimpseError(_WITHOUT[reading])
        if backward and _codes(backward) != _codes(forward)[::-1]:
            there, back = ("→".join(_codes(m)) for m in (forward, backward))
            raise GlimpseError(
                f"The model given as --reverse translates {back} and the other "
                f"model {there}; they must translate in opposite directions: "
                "train a model for --reverse with "
                f"--set corpus.source={_codes(forward)[1]} --set "
                f"corpus.target={_codes(forward)[0]}"
            )

    @classmethod
    def load(
        cls, run: Path, reverse: Path | None = None, **options: Any
    ) -> "Aligner":
        """Make an aligner that uses the models of one or two run folders.

        Args:
            run: run folder of the model from source to target.
            reverse: run folder of the model from target to source, if any.
            options: further arguments of `Aligner`.
        """
        backward = None if reverse is None else Translator.load(reverse)
        return cls(Translator.load(run), backward, **options)

    def check_lengths(
        self,
        examples: Sequence[Example],
        source: Path | None = None,
        reference: Path | None = None,
        cut: bool = False,
    ) -> None:
        """Warn of sentences that are too long for the models.

        Args:
            examples: the pairs to align.
            source: the user's file of source sentences, if the pairs come from
                files.
            reference: the user's file of translations, if the pairs come from
                files. Translations are checked only if there is a backward
                model, since that model reads them as its sources.
            cut: whether lines of these files may have more tokens than a model
                reads; the model then reads only the first tokens of the line.

        Raises:
            GlimpseError: `cut` is false, and a file has over-long lines.
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
        """Align the source of each example with its first reference.

        Args:
            examples: the sentences with their translations.
            progress: function that is called after each chunk of examples with
                the number of examples in that chunk.

        Yields:
            An aligned pair for each example, in the order of the examples.

        Raises:
            GlimpseError: a model has no attention.
        """
        for start in range(0, len(examples), CHUNK):
            chunk = examples[start : start + CHUNK]
            forced = self._force(chunk, [self.reading])
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
        """Compare the aligner's links with gold links, which people made.

        Args:
            examples: pairs of sentences; only those with gold links are used.
            gold: gold links; the keys are the indices of their examples.

        Returns:
            Scores as `scores[name][reading]`. The name "forward" means the
            links of the forward model. If there is a backward model, "reverse"
            means its links, and each name in `HEURISTICS` means the combined
            links of both models. For the values of `reading`, see `Aligner`.

        Raises:
            GlimpseError: `gold` is empty, or a model has no attention.
        """
        if not gold:
            raise GlimpseError(
                "There are no gold alignments to score against: give files "
                "with --alignments, or a split that has gold alignments, such "
                "as the split test of phrasebook or multi30k"
            )
        readings = self.readings
        forced = self._force([examples[place] for place in gold], readings)
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
    def readings(self) -> list[str]:
        """Readings that all models can compute."""
        models = [self.forward, *([self.backward] if self.backward else [])]
        has_them = {
            POSTERIOR: all(each.model.has_posterior for each in models),
            FORESIGHT: all(each.foresight is not None for each in models),
        }
        return [*READINGS, *(name for name, has in has_them.items() if has)]

    def _force(
        self, examples: Sequence[Example], readings: Sequence[str]
    ) -> "_Forced":
        sources = [example.source for example in examples]
        targets = [example.references[0] for example in examples]
        there = _attended(self.forward, sources, targets, readings)
        if self.backward is None:
            return _Forced(there)
        back = _attended(self.backward, targets, sources, readings)
        return _Forced(there, _Forced(back))

    def _links(
        self, there: Sequence[View], forced: "_Forced"
    ) -> list[list[Link]]:
        """Return the links of each pair, from one model or combined from both.

        Args:
            there: attention of each pair, computed by the forward model.
            forced: the pairs after forced decoding; used for the backward
                direction only.
        """
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
    return [side.language.code for side in translator.sides]


@dataclass(frozen=True)
class _Forced:
    """Pairs of sentences after forced decoding.

    Attributes:
        pairs: each source sentence with its target as the only hypothesis.
        back: the same pairs, with source and target exchanged; None if there is
            no backward model.
    """

    pairs: Sequence[Translation]
    back: "_Forced | None" = None

    def views(self, reading: str) -> list[View]:
        return [
            pair.hypotheses[0].view("words", reading) for pair in self.pairs
        ]


def _attended(
    translator: Translator,
    sources: Sequence[str],
    targets: Sequence[str],
    readings: Sequence[str],
) -> list[Translation]:
    forced = translator.force(
        sources,
        targets,
        posterior=POSTERIOR in readings,
        foresight=FORESIGHT in readings,
    )
    if any(pair.hypotheses[0].attention is None for pair in forced):
        raise GlimpseError(
            "A model without attention cannot align sentences; choose a run "
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
        aligner: the aligner to use.
        examples: the pairs to align.
        output: the stream to print to.
        as_json: whether to print `AlignedPair.to_json` of each pair, instead of
            its links in Pharaoh's format.
        npz: NumPy file to which `save_npz` also writes the attention and links
            of all pairs; None to write no file.
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
