"""The gallery holds every picture, and none is ugly."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text

from tests.app.plots import gallery, illustrations
from tests.app.plots.looks import overhang, overlaps

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"


@pytest.mark.parametrize("name", gallery.DRAW)
def test_nothing_is_cut_or_overlaps(name: str) -> None:
    figure = gallery.DRAW[name]()
    assert overhang(figure) < 0
    assert overlaps(figure) == []
    sizes = [text.get_fontsize() for text in figure.findobj(Text)]
    assert min(sizes) >= 6


def test_the_page_shows_what_is_there() -> None:
    page = (NOTEBOOKS / "gallery.md").read_text("utf-8")
    shown = re.findall(r"\]\(gallery/(\w+)\.png\)", page)
    assert sorted(shown) == sorted(gallery.DRAW)
    files = list((NOTEBOOKS / "gallery").iterdir())
    assert {path.name for path in files} == {f"{n}.png" for n in gallery.DRAW}
    assert sum(path.stat().st_size for path in files) < 1_500_000


def test_the_command_writes_pictures(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(gallery, "DRAW", {"short": gallery.DRAW["short"]})
    folder = tmp_path / "new"
    monkeypatch.setattr(sys, "argv", ["gallery", "--output", str(folder)])
    gallery.main()
    assert [path.name for path in folder.iterdir()] == ["short.png"]
    assert capsys.readouterr().out == f"{folder / 'short.png'}\n"


def test_made_up_attention_is_around_its_links() -> None:
    pairs = [
        value
        for value in vars(illustrations).values()
        if isinstance(value, illustrations.Pair)
    ]
    assert len(pairs) > 5
    for pair in pairs:
        source, target = pair.words
        linked = {row for _, row in pair.gold.possible}
        assert linked == set(range(len(target) - 1))
        view = pair.view(0.3, 0.01)
        assert view.weights is not None
        assert view.weights.shape == (len(target), len(source))
        np.testing.assert_allclose(view.weights.sum(1), 1)
        for row, best in enumerate(view.weights.argmax(1)[:-1]):
            assert (best, row) in pair.gold.possible
