"""Attention of many sentences in one file for NumPy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.alignment.views import View
from app.run import replacing
from data import GlimpseError
from data.links import Link, to_pharaoh


def save_npz(
    path: Path, views: Sequence[View], links: Sequence[Sequence[Link]]
) -> None:
    """Write attention and links, sentence after sentence.

    `weights` holds all matrices row by row, one after the other, of the
    `shapes` (N, 2), target by source; `source_tokens` and `target_tokens` name
    their columns and rows in the same order, and `links` is Pharaoh's text.

    Args:
        path: of the file, whose name usually ends in .npz.
        views: N of them.
        links: between the words of each.

    Raises:
        GlimpseError: there is no attention, or nowhere to write.
    """
    matrices = [_matrix(view) for view in views]
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(
            file,
            shapes=np.array([each.shape for each in matrices]).reshape(-1, 2),
            weights=np.concatenate(
                [np.zeros(0, "float32"), *(each.ravel() for each in matrices)]
            ),
            source_tokens=[token for view in views for token in view.source],
            target_tokens=[token for view in views for token in view.target],
            links=[to_pharaoh(each) for each in links],
        )


def _matrix(view: View) -> np.ndarray:
    if view.weights is not None:
        return view.weights
    if view.target:
        raise GlimpseError(
            "A model without attention has no weights to save; choose a run "
            "whose model.decoder has attention"
        )
    return np.zeros((0, len(view.source)), "float32")  # of an empty sentence
