"""Made-up sentences, attention and training, to show what pictures look like.

Nothing here was measured: no model made these weights or scores.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.alignment import END, Gold, Link, View, parse_pharaoh
from app.plots.curves import History
from app.plots.lengths import Rows


@dataclass(frozen=True)
class Pair:
    """Two sentences, words separated by spaces, and Pharaoh links."""

    source: str
    target: str
    links: str

    @property
    def words(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Source and target labels, each with the end of the sentence."""
        return (*self.source.split(), END), (*self.target.split(), END)

    @property
    def gold(self) -> Gold:
        return parse_pharaoh(self.links)

    def view(self, spread: float = 0.5, noise: float = 0.02) -> View:
        """Attention around the links; see `attention`."""
        source, target = self.words
        shape = len(target), len(source)
        ends = (shape[1] - 1, shape[0] - 1)
        links = [*self.gold.possible, ends]
        return View(source, target, attention(shape, links, spread, noise))


def attention(
    shape: tuple[int, int],
    links: Iterable[Link],
    spread: float,
    noise: float,
) -> np.ndarray:
    """Rows that sum to 1, around the links.

    Args:
        shape: (T, S).
        links: a row without any looks at its like place.
        spread: standard deviation of a bell around each link, in columns.
        noise: what every column has besides, drawn by a fixed seed; a bell
            is 1 high.
    """
    rows, columns = shape
    made: list[list[int]] = [[] for _ in range(rows)]
    for source, target in links:
        made[target].append(source)
    weights = np.random.default_rng(7).uniform(0, noise, shape)
    for row, found in enumerate(made):
        for centre in found or [row * columns // rows]:
            distance = (np.arange(columns) - centre) / spread
            weights[row] += np.exp(-(distance**2) / 2)
    return weights / weights.sum(1, keepdims=True)


SHORT = Pair("Good morning", "Bonjour", "0-0 1-0")
FRENCH = Pair(
    "My sister 's friend doesn 't like the red car .",
    "L' ami de ma sœur n' aime pas la voiture rouge .",
    "0-3 1-4 2-2 3p0 3-1 4p5 5-5 5-7 6-6 7-8 8-10 9-9 10-11",
)
ARABIC = Pair(
    "قرأ الطالب الكتاب الجديد في المكتبة .",
    "The student read the new book in the library .",
    "0-2 1p0 1-1 2p3 2-5 3-4 4-6 5p7 5-8 6-9",
)
HEBREW = Pair(
    "The girl drinks cold water .",
    "הילדה שותה מים קרים .",
    "0p0 1-0 2-1 3-3 4-2 5-4",
)
CHINESE = Pair(
    "我 昨天 在 图书馆 看 了 一 本 新 书 。",
    "Yesterday I read a new book in the library .",
    "0-1 1-0 2-6 3p7 3-8 4-2 5p2 6-3 7p3 8-4 9-5 10-9",
)
LONG = Pair(
    "When the old man who had lived by the sea for more than forty years saw "
    "the small boat come back without its sail he ran down to the beach and "
    "called his two daughters who were still asleep in the house because he "
    "knew that nobody else in the village would help him before the storm "
    "came .",
    "Quand le vieil homme qui avait vécu près de la mer pendant plus de "
    "quarante ans vit le petit bateau revenir sans sa voile il courut vers la "
    "plage et appela ses deux filles qui dormaient encore dans la maison parce "
    "qu' il savait que personne d' autre au village ne l' aiderait avant que "
    "la tempête ne vienne .",
    "0-0 1-1 2-2 3-3 4-4 5-5 6-6 7-7 7p8 8-9 9-10 10-11 11-12 12-13 13-14 "
    "14-15 15-16 16-17 17-18 18-19 19-20 20-20 21-21 22-22 23-23 24-24 25-25 "
    "26p25 27-26 28-27 29-28 30-29 31-30 32-31 33-32 34-33 35-34 36p35 37-36 "
    "38-35 39-37 40-38 41-39 42-40 42-41 43-42 44-43 45-44 46-45 46p50 47-47 "
    "47p46 48-48 49p48 50-49 51p52 52-52 53-51 54-53 54p54 55-55 56-56 57-58 "
    "57p57 58-59",
)
MONEY = Pair(
    "It costs $5 to $9 per item_id .",
    "Ça coûte de 5 $ à 9 $ par item_id .",
    "0-0 1-1 1p2 2-3 2-4 3-5 4-6 4-7 5-8 6-9 7-10",
)

# What a beam might leave besides FRENCH.
OTHERS = (
    Pair(
        FRENCH.source,
        "L' amie de ma sœur n' aime pas la voiture rouge .",
        FRENCH.links,
    ),
    Pair(
        FRENCH.source,
        "L' ami de ma sœur n' aime pas l' auto rouge .",
        FRENCH.links,
    ),
)

# How much of each row of FRENCH is undecided: little words are, names of
# things are not.
UNDECIDED = (0.7, 0.1, 0.8, 0.3, 0, 0.9, 0.1, 0.6, 0.5, 0, 0.05, 0.2, 0.1)


def models() -> dict[str, View]:
    """FRENCH as three models might see it."""
    return {
        "Bahdanau": FRENCH.view(0.45, 0.02),
        "Luong, dot product": FRENCH.view(0.9, 0.1),
        "Location-sensitive": FRENCH.view(0.3, 0.2),
    }


def nbest() -> dict[str, View]:
    """Three translations with the scores they might have."""
    return {
        "1. score −0.214": FRENCH.view(0.4),
        "2. score −0.387": OTHERS[0].view(0.55, 0.05),
        "3. score −0.561": OTHERS[1].view(0.7, 0.1),
    }


def undecided() -> np.ndarray:
    """FRENCH, each row as decided as `UNDECIDED` says."""
    sharp, flat = FRENCH.view(0.3, 0.01).weights, FRENCH.view(2, 0.5).weights
    assert sharp is not None
    assert flat is not None
    share = np.array(UNDECIDED)[:, None]
    return (1 - share) * sharp + share * flat


def snapshots() -> list[tuple[str, np.ndarray]]:
    """FRENCH while attention forms: from everywhere to the right words."""
    settings = [(6.0, 0.6), (3.0, 0.5), (1.5, 0.3), (0.8, 0.1), (0.45, 0.02)]
    found = []
    for epoch, (spread, noise) in enumerate(settings, start=1):
        weights = FRENCH.view(spread, noise).weights
        assert weights is not None
        found.append((f"epoch {epoch}", weights))
    return found


def histories() -> dict[str, History]:
    """Training of three models."""
    return {
        "GRU, Bahdanau": _history(12, 0.55, 0.26, 93),
        "GRU, Luong": _history(12, 0.42, 0.34, 86),
        "no attention": _history(10, 0.30, 1.05, 48),
    }


def _history(epochs: int, rate: float, floor: float, bleu: float) -> History:
    epoch = np.arange(1, epochs + 1)
    fall = np.exp(-rate * epoch)
    validation = floor + 4 * fall
    train = 0.7 * floor + 5 * fall
    columns = {
        "epoch": epoch,
        "step": 500 * epoch,
        "train_loss": train,
        "train_perplexity": np.exp(train),
        "train_gradient_norm": 0.4 + floor + 6 * fall,
        "validation_loss": validation,
        "validation_perplexity": np.exp(validation),
        "validation_bleu": bleu * (1 - np.exp(-rate * 1.6 * (epoch - 0.5))),
    }
    return [
        {name: float(values[row]) for name, values in columns.items()}
        for row in range(epochs)
    ]


def lengths() -> dict[str, Rows]:
    """BLEU by source length of the same three models."""
    scores = {
        "GRU, Bahdanau": (94.1, 93.6, 91.2, 88.0, 84.9),
        "GRU, Luong": (89.5, 87.0, 81.3, 70.2, 57.7),
        "no attention": (66.4, 51.9, 34.8, 18.3, 9.1),
    }
    counts = (212, 405, 261, 98, 24)
    return {
        name: [
            {"from": 5 * i + 1, "to": 5 * i + 5, "sentences": n, "bleu": s}
            for i, (n, s) in enumerate(zip(counts, row, strict=True))
        ]
        for name, row in scores.items()
    }


CHOICES: dict[str, tuple[Any, ...]] = {
    "model.cell": ("gru", "lstm"),
    "model.decoder": ("bahdanau", "luong", "conditional"),
    "model.input_feeding": (False, True),
    "model.decoder_units": (64, 128, 256),
    "model.readout_dropout": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
}
LEARNING_RATE = "training.learning_rate"


def trials(number: int = 20) -> tuple[list[dict[str, Any]], list[float]]:
    """What trials of a search chose, and the BLEU they might have.

    Input feeding is chosen for Luong's decoder only.
    """
    values, scores = [], []
    for row in np.random.default_rng(7).random((number, len(CHOICES) + 2)):
        chosen = {
            name: choices[int(share * len(choices))]
            for (name, choices), share in zip(
                CHOICES.items(), row[:-2], strict=True
            )
        }
        if chosen["model.decoder"] != "luong":
            del chosen["model.input_feeding"]
        chosen[LEARNING_RATE] = float(3e-4 * 100 ** row[-2])
        values.append(chosen)
        scores.append(_made_up_bleu(chosen) + 3 * row[-1])
    return values, scores


def _made_up_bleu(chosen: dict[str, Any]) -> float:
    """Best at a rate of 0.003, with many units and some dropout."""
    rate = np.log10(chosen[LEARNING_RATE] / 3e-3)
    return float(
        26
        + 3 * np.log2(chosen["model.decoder_units"] / 64)
        + 2 * (chosen["model.decoder"] == "conditional")
        + 2 * chosen.get("model.input_feeding", 0)
        - 60 * (chosen["model.readout_dropout"] - 0.25) ** 2
        - 9 * rate**2
    )
