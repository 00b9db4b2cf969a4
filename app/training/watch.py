"""Records of training: files for TensorBoard, and attention at several steps.

A few validation sentences are chosen at the start. At each validation, their
translations and heat maps of the attention are written for TensorBoard. At step
0, at early steps and at each validation, the model is given each sentence with
its reference translation, and the attention is saved in the run folder. The
reference is used because it stays the same, so that all pictures of a sentence
have the same words.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from app.alignment import View
from app.config import flatten
from app.inference import Translation, Translator
from app.plots import heat_map
from app.runs import Run
from data import Example, Language
from data.writing import replacing

SENTENCES = 3  # number of validation sentences that are chosen
LENGTHS = range(5, 13)  # words of a source that suits a picture
EARLIEST = 32  # first of the early steps; each is twice the one before


def is_early(step: int) -> bool:
    """Tell whether `step` is 32 or a greater power of two: 64, 128 and so on.

    Such steps become rarer as training goes on, so most of them are early.
    """
    return step >= EARLIEST and step.bit_count() == 1


class Watch:
    """Writer of records of training, for a few validation sentences.

    Args:
        run: the run, whose folder the records are written to.
        translator: a translator with the model that is being trained.
        examples: all validation examples, a few of which are chosen. The choice
            depends only on the examples and the source language.
    """

    def __init__(
        self, run: Run, translator: Translator, examples: Sequence[Example]
    ) -> None:
        self.run = run
        self.translator = translator
        language = run.config.languages[0]
        self.places = chosen([each.source for each in examples], language)
        self.examples = [examples[place] for place in self.places]
        self.writer = tf.summary.create_file_writer(str(run.logs))

    def snapshot(self, step: int) -> None:
        """Save the current attention of the model for the chosen sentences.

        The model does not translate the sentences; it is given their reference
        translations. Nothing is saved for a model without attention.

        Args:
            step: number of updates of the weights so far.
        """
        forced = self.translator.force(
            [example.source for example in self.examples],
            [example.references[0] for example in self.examples],
        )
        views = [each.hypotheses[0].view("words") for each in forced]
        if not views or any(view.weights is None for view in views):
            return
        path = self.run.snapshots / f"{step:07}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as beside:
            np.savez_compressed(beside, **_arrays(views))  # type: ignore[arg-type]

    def record(
        self,
        step: int,
        row: Mapping[str, float],
        translations: Sequence[Translation],
    ) -> None:
        """Write the results of a validation for TensorBoard.

        Args:
            step: number of updates of the weights so far.
            row: dictionary whose keys are names of results, and whose values
                are the results.
            translations: the translation of each validation sentence.
        """
        with self.writer.as_default(step=step):
            if row["epoch"] == 1:
                hparams.hparams(_hyper_parameters(self.run))
            for name, value in row.items():
                tf.summary.scalar(name, value)
            for number, place in enumerate(self.places, start=1):
                self._show(number, translations[place])
        self.writer.flush()

    def _show(self, number: int, translation: Translation) -> None:
        example = self.examples[number - 1]
        tf.summary.text(
            f"sentence {number}",
            f"source: {example.source}\n\n"
            f"translation: {translation.text}\n\n"
            f"reference: {example.references[0]}",
        )
        view = translation.hypotheses[0].view("words")
        if view.weights is not None:
            tf.summary.image(f"attention {number}", _image(view))


def chosen(sources: Sequence[str], language: Language) -> list[int]:
    """Return the indices of a few sentences, spread evenly over the list.

    Only sentences whose number of words is in `LENGTHS` are chosen. If there
    are fewer than `SENTENCES` such sentences, other lengths are allowed too.
    """
    every = range(len(sources))
    fitting = [
        place
        for place in every
        if len(language.words(sources[place])) in LENGTHS
    ]
    some: Sequence[int] = fitting if len(fitting) >= SENTENCES else every
    return list(some[:: max(1, len(some) // SENTENCES)][:SENTENCES])


def load_snapshots(run: Run) -> list[tuple[int, list[View]]]:
    """Load the attention that `Watch.snapshot` saved during training.

    The list is sorted by step. Each item is a tuple of two values: the number
    of the step, and a list that has, for each chosen validation sentence, the
    attention between its words and the words of its reference. For a model
    without attention, there are no items.
    """
    return [
        (int(path.stem), _views(path))
        for path in sorted(run.snapshots.glob("*.npz"))
    ]


def _arrays(views: Sequence[View]) -> dict[str, np.ndarray]:
    return {
        f"{name}{number}": np.array(getattr(view, name))
        for number, view in enumerate(views)
        for name in ("source", "target", "weights")
    }


def _views(path: Any) -> list[View]:
    with np.load(path) as arrays:
        count = len(arrays.files) // 3
        return [
            View(
                tuple(map(str, arrays[f"source{number}"])),
                tuple(map(str, arrays[f"target{number}"])),
                arrays[f"weights{number}"],
            )
            for number in range(count)
        ]


def _image(view: View) -> tf.Tensor:
    """Draw a heat map as an image for TensorBoard.

    The image has the shape (1, height, width, 4), and values from 0 to 255.
    """
    assert view.weights is not None
    buffer = io.BytesIO()
    figure = heat_map(view.weights, view.source, view.target)
    figure.savefig(buffer, format="png", dpi=80)
    return tf.image.decode_png(buffer.getvalue(), channels=4)[None]


def _hyper_parameters(run: Run) -> dict[str, Any]:
    """Return only those options of a run that are numbers, bools or texts."""
    return {
        key: value
        for key, value in flatten(run.config).items()
        if isinstance(value, bool | int | float | str)
    }
