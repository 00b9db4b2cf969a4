"""Pictures of translations, and of the best and the worst of them."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from app.alignment import parse_pharaoh
from app.inference import Translation, Translator
from app.measuring.evaluation import evaluate
from app.measuring.sets import Files
from app.metrics.text import sentence_bleu
from app.plots import (
    extremes,
    nbest_maps,
    save_extremes,
    save_heat_map,
    translation_map,
    translations,
)
from data import GlimpseError
from tests.app.conftest import SOURCES, TARGETS
from tests.app.plots.looks import columns, maps, rows

NAMES = [
    f"{name}.{kind}"
    for name in ("best", "median", "worst")
    for kind in ("png", "svg")
]


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> dict[Path, Figure]:
    """Figures that would have been written, by their paths' stems."""
    found: dict[Path, Figure] = {}

    def keep(figure: Figure, stem: Path) -> tuple[Path, ...]:
        found[stem] = figure
        return (stem,)

    for module in (extremes, translations):
        monkeypatch.setattr(module, "save", keep)
    return found


def test_a_picture_is_saved_in_both_formats(
    translator: Translator, tmp_path: Path
) -> None:
    translation = translator.translate(SOURCES[:1])[0]
    paths = save_heat_map(translation, tmp_path / "new", 7)
    folder = tmp_path / "new"
    assert paths == (folder / "0007.png", folder / "0007.svg")
    assert sorted(folder.iterdir()) == list(paths)
    assert min(path.stat().st_size for path in paths) > 1000


def test_all_of_an_nbest_list_are_drawn(
    translator: Translator, saved: dict[Path, Figure]
) -> None:
    translation = translator.translate(SOURCES[:1], beam_size=3, nbest=3)[0]
    save_heat_map(translation, "folder", 12, "Title")
    figure = saved[Path("folder/0012")]
    assert [text.get_text() for text in figure.texts] == ["Title"]
    drawn = maps(figure)
    assert len(drawn) == 3
    for rank, (axes, each) in enumerate(
        zip(drawn, translation.hypotheses, strict=True), start=1
    ):
        view = each.view()
        np.testing.assert_array_equal(
            axes.collections[0].get_array(), view.weights
        )
        title = f"{rank}. score {each.score:.3f}".replace("-", "−")
        assert axes.get_title(loc="left") == title
        assert len(rows(axes)) == len(view.target)


def test_gold_is_shown_on_a_forced_reference(translator: Translator) -> None:
    forced = translator.force(SOURCES[:1], TARGETS[:1])[0]
    gold = parse_pharaoh("0-0 1-1 2p2")
    axes = translation_map(forced, gold=gold).axes[0]
    assert rows(axes) == ["Je", "vois", "la", "voiture", "rouge", ".", "</s>"]
    assert columns(axes)[0] == "I"
    assert len(axes.patches) == 2 * 3  # each on white


def test_no_picture_without_attention(
    translator: Translator, tmp_path: Path
) -> None:
    empty = translator.translate([""])[0]
    for draw in (translation_map, nbest_maps):
        with pytest.raises(GlimpseError, match="no attention to draw"):
            draw(empty)
    with pytest.raises(GlimpseError, match="no attention to draw"):
        save_heat_map(empty, tmp_path, 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ([], {}),
        ([7], {"best": 0, "median": 0, "worst": 0}),
        ([3, 9, 1, 5, 7], {"best": 1, "median": 3, "worst": 2}),
        ([3, 9, 1, 5], {"best": 1, "median": 0, "worst": 2}),
        ([5, 9, 0, 5, 9, 0], {"best": 1, "median": 0, "worst": 2}),
    ],
)
def test_the_best_the_median_and_the_worst(
    scores: list[float], chosen: dict[str, int]
) -> None:
    assert extremes.choose(scores) == chosen


def as_if(translation: Translation, text: str) -> Translation:
    """The same attention, with another text to be scored."""
    first = translation.hypotheses[0]
    said = replace(first, target=replace(first.target, text=text))
    return replace(translation, hypotheses=(said,))


def test_what_is_chosen_is_drawn_with_its_score_and_reference(
    translator: Translator, saved: dict[Path, Figure], tmp_path: Path
) -> None:
    made: list[Any] = translator.translate(["", *SOURCES[:4]])
    texts = ["", "x y z", *TARGETS[1:3], "Elle a perdu la clé."]
    made = [as_if(*each) for each in zip(made, texts, strict=True)]
    references = [("",), *[(target, "other") for target in TARGETS[:4]]]
    scores = [
        sentence_bleu(each.text, few)
        for each, few in zip(made, references, strict=True)
    ]
    save_extremes(tmp_path, made, references, scores, "BLEU")
    assert list(saved) == [
        tmp_path / name for name in ("best", "median", "worst")
    ]
    best, median, worst = saved.values()
    titles = [
        figure.axes[0].get_title(loc="left").replace("\n", " ")
        for figure in (best, median, worst)
    ]
    assert titles[0] == "Best of 4: BLEU 100.0, sentence 3"
    assert titles[1].startswith("Median of 4: BLEU ")
    assert titles[1].endswith(", sentence 5")
    assert titles[2].startswith("Worst of 4: BLEU ")
    assert titles[2].endswith(", sentence 2")
    captions = " ".join(text.get_text() for text in worst.texts).split("\n")
    assert captions[:3] == [
        "Translation: x y z",
        f"Reference: {TARGETS[0]}",
        "Reference: other",
    ]
    assert columns(worst.axes[0])[:2] == ["I", "see"]


def test_pictures_of_an_evaluation(
    tiny_run: Path, plain_run: Path, tmp_path: Path
) -> None:
    source, reference = tmp_path / "a.en", tmp_path / "a.fr"
    source.write_text("\n".join(SOURCES[:3]) + "\n", "utf-8")
    reference.write_text("\n".join(TARGETS[:3]) + "\n", "utf-8")
    run = shutil.copytree(tiny_run, tmp_path / "run")
    evaluate(run, files=Files(source, reference), beam_size=1)
    (folder,) = run.glob("evaluation/files/a.en-*.beam1.pictures")
    assert sorted(path.name for path in folder.iterdir()) == NAMES

    # Of a model without attention none is left, and what is not ours stays.
    plain = shutil.copytree(plain_run, tmp_path / "plain")
    earlier = plain / folder.relative_to(run)
    shutil.copytree(folder, earlier)
    evaluate(plain, files=Files(source, reference), beam_size=1)
    assert not earlier.exists()


def test_only_pictures_of_ours_are_removed(tmp_path: Path) -> None:
    for name in ("best.png", "worst.svg", "mine.png"):
        (tmp_path / name).write_text("old")
    assert save_extremes(tmp_path, [], [], [], "BLEU") == []
    assert [path.name for path in tmp_path.iterdir()] == ["mine.png"]
