"""Training watched: TensorBoard, and attention as it forms.

A few validation sentences are looked at all along: at each validation their
translations and heat maps go to TensorBoard; and at step 0, at early steps and
at each validation the attention over their references is kept in the run's
folder, so that pictures of one sentence over training have the same words.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams

from app.alignment import View, word_view
from app.config import flatten
from app.plots import heat_map
from app.run import Run, replacing
from app.translator import Translation, Translator
from data import Example, Language

SENTENCES = 3
LENGTHS = range(5, 13)  # words of a source that makes a good picture
EARLIEST = 32  # first of the early steps, which are its multiples by 2


def is_early(step: int) -> bool:
    """Whether attention is kept at this step: 32, 64, 128, …"""
    return step >= EARLIEST and step.bit_count() == 1


class Watch:
    """Writes what happens to a run's folder; training does not depend on it.

    Args:
        run: the run.
        translator: with the model in training.
        examples: of validation; some are chosen, always the same.
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
        """Keep the attention over the references; see `load_snapshots`."""
        forced = self.translator.force(
            [example.source for example in self.examples],
            [example.references[0] for example in self.examples],
        )
        views = [
            word_view(self.translator, each, each.hypotheses[0])
            for each in forced
        ]
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
        """Write one validation to TensorBoard.

        Args:
            step: updates done.
            row: the scalars, by name.
            translations: of all of validation.
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
        view = word_view(
            self.translator, translation, translation.hypotheses[0]
        )
        if view.weights is not None:
            tf.summary.image(f"attention {number}", _image(view))


def chosen(sources: Sequence[str], language: Language) -> list[int]:
    """Places of a few sentences from all over, of a length to look at.

    Of any length where too few are.
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
    """Attention over the references as it formed, by step, ascending.

    Between words; empty for a model without attention.
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
    """A heat map as TensorBoard wants it: (1, height, width, 4), 0 to 255."""
    assert view.weights is not None
    buffer = io.BytesIO()
    figure = heat_map(view.weights, view.source, view.target)
    figure.savefig(buffer, format="png", dpi=80)
    return tf.image.decode_png(buffer.getvalue(), channels=4)[None]


def _hyper_parameters(run: Run) -> dict[str, Any]:
    """What a preset says, as far as it is a number, a truth or a text."""
    return {
        key: value
        for key, value in flatten(run.config).items()
        if isinstance(value, bool | int | float | str)
    }
