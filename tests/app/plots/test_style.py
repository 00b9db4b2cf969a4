"""Colours that a grey print and any eye can tell apart."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from app.plots.fonts import BASE
from app.plots.style import COLOURS, GOLD, INK, letters, line_style

# Machado, Oliveira and Fernandes 2009, table 1, all of it lost; linear RGB.
VISION = {
    "all": np.eye(3),
    "no red": [
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ],
    "no green": [
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ],
    "no blue": [
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ],
}
TO_XYZ = np.array(
    [
        (0.4124, 0.3576, 0.1805),
        (0.2126, 0.7152, 0.0722),
        (0.0193, 0.1192, 0.9505),
    ]
)


def linear(colours: np.ndarray) -> np.ndarray:
    """sRGB without its gamma: (number, 3)."""
    low, high = colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4
    return np.where(colours <= 0.04045, low, high)


def luminance(colours: np.ndarray) -> np.ndarray:
    return linear(colours) @ TO_XYZ[1]


def lab(light: np.ndarray) -> np.ndarray:
    """CIE L*a*b*, in which a distance of 2 is just seen: (number, 3)."""
    xyz = light.clip(0, 1) @ TO_XYZ.T / (0.9505, 1, 1.089)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def test_every_step_of_the_scale_is_darker() -> None:
    grey = luminance(INK(np.arange(256))[:, :3])
    assert all(after < before for before, after in pairwise(grey))
    assert grey[0] > 0.8
    assert grey[-1] < 0.02


@pytest.mark.parametrize("vision", VISION)
def test_lines_differ_for_every_kind_of_colour_vision(vision: str) -> None:
    colours = linear(np.array([to_rgb(colour) for colour in COLOURS]))
    seen = lab(colours @ np.array(VISION[vision]).T)
    for one, other in combinations(seen, 2):
        assert np.linalg.norm(one - other) > 12


def test_lines_differ_without_colours_too() -> None:
    styles = [line_style(index) for index in range(168)]
    for size in (8, 168):
        kinds = {
            (style["marker"], str(style["linestyle"]))
            + ((style["color"],) if size == 168 else ())
            for style in styles[:size]
        }
        assert len(kinds) == size


def test_gold_is_seen_on_paper_and_on_ink() -> None:
    gold, paper, ink = luminance(
        np.array([to_rgb(GOLD), INK(0.0)[:3], INK(1.0)[:3]])
    )
    assert (paper + 0.05) / (gold + 0.05) > 3  # contrast as WCAG has it
    assert (gold + 0.05) / (ink + 0.05) > 3


def test_letters_are_never_mathematics() -> None:
    style = letters("$x_1$", 9, "#000000", "bold")
    assert style["parse_math"] is False
    assert style["fontfamily"] == [BASE]
    assert (style["fontsize"], style["fontweight"]) == (9, "bold")
