"""Files of a measurement: scores, translations, attention and pictures."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from app.inference import Translation
from app.measuring.keeping import keep
from app.measuring.measure import Measured
from app.measuring.tables import to_json
from app.metrics import METRICS
from app.plots import save_extremes
from data.writing import replacing, write_whole

EXTREMES = "bleu"  # metric that decides which translations are drawn


def save(stem: Path, measured: Measured) -> None:
    """Save a measurement in files, and warn of files that cannot be written.

    The files contain the translations (one on each line), the attention between
    tokens, the scores in JSON, and pictures of the best, the median and the
    worst translation.

    Args:
        stem: path of the files without their endings.
        measured: the measurement to save.
    """
    lines = "".join(f"{each}\n" for each in measured.hypotheses)
    keep(
        stem,
        {
            ".hypotheses.txt": lambda path: write_whole(path, lines),
            ".attention.npz": partial(_save_attention, measured.translations),
            ".json": lambda path: write_whole(
                path, f"{json.dumps(to_json(measured), indent=2)}\n"
            ),
            ".pictures": lambda folder: save_extremes(
                folder,
                measured.translations,
                [each.references for each in measured.given.examples],
                measured.sentence_scores(EXTREMES),
                METRICS[EXTREMES].label,
            ),
        },
    )


def _save_attention(translations: Sequence[Translation], path: Path) -> None:
    """Write the attention weights of all translations to one file.

    The weights are saved in half precision, which is enough for pictures. If
    the model has no attention, an older file at the path is deleted.
    """
    best = [translation.hypotheses[0] for translation in translations]
    weights = [each.attention for each in best if each.attention is not None]
    if not weights:
        path.unlink(missing_ok=True)  # written earlier by another model
        return
    sources = [translation.source_ids for translation in translations]
    targets = [hypothesis.ids for hypothesis in best]
    with replacing(path) as beside:
        np.savez_compressed(
            beside,
            shapes=[
                (len(target), len(source))
                for target, source in zip(targets, sources, strict=True)
            ],
            target_ids=np.concatenate([np.array(ids, int) for ids in targets]),
            source_ids=np.concatenate([np.array(ids, int) for ids in sources]),
            weights=np.concatenate([each.ravel() for each in weights]).astype(
                np.float16
            ),
        )


def load_attention(path: Path) -> list[np.ndarray]:
    """Read the attention weights that `save` wrote.

    The result is a list with an array for each sentence. Each array has the
    shape (T, S): T is the number of target tokens, and S is the number of
    source tokens.
    """
    with np.load(path) as arrays:
        shapes, weights = arrays["shapes"], arrays["weights"]
    ends = np.cumsum(shapes.prod(1))
    return [
        part.reshape(shape)
        for part, shape in zip(
            np.split(weights, ends[:-1]), shapes, strict=True
        )
    ]
