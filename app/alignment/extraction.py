"""Links between words: functions that derive links from attention.

A link is a pair (position of a source word, position of a target word). Both
positions are counted from 0. Heuristics, such as `intersection`, combine the
links of two models that translate in opposite directions.
"""

from collections.abc import Callable, Collection, Iterable, Iterator

import numpy as np

from data.links import Link

NEIGHBOURS = (  # steps (source, target) from a link to the links around it
    *((-1, 0), (0, -1), (1, 0), (0, 1)),
    *((-1, -1), (-1, 1), (1, -1), (1, 1)),
)


def links(
    weights: np.ndarray | None, threshold: float | None = None
) -> list[Link]:
    """Link each target word to the source word that it attends to most.

    The last row and the last column of `weights` belong to the end-of-sentence
    tokens; they are ignored. A target word gets no link if its weights on all
    source words are 0.

    Args:
        weights: attention (T, S) of T target words on S source words, where
            the end of a sentence counts as its last word. None if the model
            has no attention; then there are no links.
        threshold: if None, each target word is linked as described above. If a
            number, a source word and a target word are linked whenever the
            weight between them is above this number.

    Returns:
        The links (source word, target word), in ascending order.
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
    """Swap source and target of each link, and sort the resulting links."""
    return sorted((target, source) for source, target in pairs)


def intersection(
    forward: Collection[Link], backward: Collection[Link]
) -> list[Link]:
    """Return the links that are in both alignments, in ascending order."""
    return sorted(set(forward) & set(backward))


def union(forward: Collection[Link], backward: Collection[Link]) -> list[Link]:
    """Return the links of either alignment, once each, in ascending order."""
    return sorted(set(forward) | set(backward))


def grow_diag_final_and(
    forward: Collection[Link], backward: Collection[Link]
) -> list[Link]:
    """Combine the alignments of two directions (Koehn et al. 2005, section 2).

    The result starts as the intersection of both alignments. Then links of
    their union are added until no more can be added: a link is added if it is a
    direct or diagonal neighbour of a link of the result, and at least one of
    its two words has no link yet. Finally, each link of either alignment is
    added if neither of its two words has a link yet.

    Args:
        forward: links from the model that translates source to target.
        backward: links from the model that translates target to source. They
            too must be pairs (source word, target word); see `flipped`.

    Returns:
        The links, in ascending order.
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
    """Set of links that grows; it also records which words have a link.

    Attributes:
        links: the links.
        linked: two sets: the positions of the source words that have a link,
            and the positions of the target words that have a link.
    """

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
        """Tell whether one or both words of a candidate have no link yet.

        Args:
            link: the candidate, a link that may be added to this set. If it is
                in the set already, its words are not free.
            how_many: the function `any` if one word without a link is enough;
                `all` if both words must be without a link.
        """
        return how_many(
            place not in words
            for words, place in zip(self.linked, link, strict=True)
        )

    def grow(self, candidates: Collection[Link]) -> bool:
        """Add candidates that are neighbours of links of this set.

        Two links are neighbours if their source words are the same or adjacent,
        and so are their target words. A candidate is added only if at least one
        of its two words has no link yet.

        Returns:
            Whether any candidate was added.
        """
        before = len(self.links)
        for link in sorted(self.links):
            for neighbour in _neighbours(link):
                if neighbour in candidates and self.is_free(neighbour, any):
                    self.add(neighbour)
        return len(self.links) > before


def _neighbours(link: Link) -> Iterator[Link]:
    for across, down in NEIGHBOURS:
        yield link[0] + across, link[1] + down
