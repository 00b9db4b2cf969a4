"""Attention read as links between words, in one direction or from two."""

from collections.abc import Callable, Collection, Iterable, Iterator

import numpy as np

from data.links import Link

NEIGHBOURS = (
    *((-1, 0), (0, -1), (1, 0), (0, 1)),
    *((-1, -1), (-1, 1), (1, -1), (1, 1)),
)


def links(
    weights: np.ndarray | None, threshold: float | None = None
) -> list[Link]:
    """Link each target word to the source word of its largest weight.

    The last row and column, the ends of the sentences, are left out first; a
    row without any weight left has no link, and neither has what has no
    attention.

    Args:
        weights: (T, S) between words, their ends included.
        threshold: link instead every pair of a larger weight.

    Returns:
        In ascending order.
    """
    if weights is None or not weights[:-1, :-1].size:
        return []
    inner = weights[:-1, :-1]
    if threshold is None:
        chosen = np.zeros_like(inner, bool)
        chosen[np.arange(len(inner)), inner.argmax(1)] = inner.any(1)
    else:
        chosen = inner > threshold
    return [(int(s), int(t)) for s, t in np.argwhere(chosen.T)]


def flipped(pairs: Iterable[Link]) -> list[Link]:
    """The links of the other direction, in ascending order."""
    return sorted((target, source) for source, target in pairs)


def intersection(
    forward: Collection[Link], backward: Collection[Link]
) -> list[Link]:
    """Links that both directions have."""
    return sorted(set(forward) & set(backward))


def union(forward: Collection[Link], backward: Collection[Link]) -> list[Link]:
    """Links that one of the directions has."""
    return sorted(set(forward) | set(backward))


def grow_diag_final_and(
    forward: Collection[Link], backward: Collection[Link]
) -> list[Link]:
    """The usual middle way between the two (Koehn et al. 2005, section 2).

    It starts with the intersection, adds links of the union that neighbour a
    link, also diagonally, where one of their words has none yet, until there
    are none; then those of either direction where both words have none.
    """
    found = _Growing(intersection(forward, backward))
    candidates = set(union(forward, backward))
    while found.grow(candidates):
        pass
    for direction in (forward, backward):
        for link in sorted(direction):
            if found.is_free(link, all):
                found.add(link)
    return sorted(found.links)


HEURISTICS: dict[
    str, Callable[[Collection[Link], Collection[Link]], list[Link]]
] = {
    "grow-diag-final-and": grow_diag_final_and,
    "intersection": intersection,
    "union": union,
}


class _Growing:
    """Links, and which words have one."""

    def __init__(self, links: Iterable[Link]) -> None:
        self.links = set(links)
        self.linked = [{link[side] for link in self.links} for side in (0, 1)]

    def add(self, link: Link) -> None:
        self.links.add(link)
        for words, place in zip(self.linked, link, strict=True):
            words.add(place)

    def is_free(
        self, link: Link, how_many: Callable[[Iterable[bool]], bool]
    ) -> bool:
        """Whether `any` or `all` of its words have no link."""
        return how_many(
            place not in words
            for words, place in zip(self.linked, link, strict=True)
        )

    def grow(self, candidates: Collection[Link]) -> bool:
        """Go over the links once; whether any was added."""
        before = len(self.links)
        for link in sorted(self.links):
            for neighbour in _neighbours(link):
                if neighbour in candidates and self.is_free(neighbour, any):
                    self.add(neighbour)
        return len(self.links) > before


def _neighbours(link: Link) -> Iterator[Link]:
    for across, down in NEIGHBOURS:
        yield link[0] + across, link[1] + down
