"""Export of the attention of many sentences to one .npz file of NumPy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.alignment.views import View
from data import GlimpseError
from data.links import Link, to_pharaoh
from data.writing import replacing


def save_npz(
    path: Path, views: Sequence[View], links: Sequence[Sequence[Link]]
) -> None:
    """Write attention and word alignments of sentences to an .npz file.

    The file contains these arrays:

    - `weights`: the attention matrices of all sentences, flattened row by row
      and joined into one array;
    - `shapes`, of shape (N, 2): the number of rows (target tokens) and the
      number of columns (source tokens) of each matrix;
    - `source_tokens` and `target_tokens`: the labels of the columns and of the
      rows of all matrices, joined in the order of the matrices;
    - `links`: the links of each sentence as a text, such as `0-0 1-2`.

    Args:
        path: path of the file to write; its name usually ends in .npz.
        views: attention matrices with their labels, one for each of the N
            sentences.
        links: for each sentence, the links of its word alignment. A link is a
            pair (position of a source word, position of a target word); both
            positions are counted from 0.

    Raises:
        GlimpseError: a view has no attention matrix although its sentence has
            target tokens, or the file cannot be written.
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
    return np.zeros((0, len(view.source)), "float32")  # empty sentence
