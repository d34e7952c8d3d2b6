"""Greedy choice of edges under a capacity at each vertex, improved by exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.mining.pool import Ints
    from medaudit.mining.vectors import Floats

_PASSES = 20


def greedy(first: Ints, second: Ints, weights: Floats, capacity: int) -> NDArray[np.bool_]:
    """Edges taken from the heaviest down, then exchanged while that pays: at least half the optimum.

    The first round alone reaches half (each edge taken stands in the way of at most two of an optimum, none
    heavier). An exchange takes in an edge for the lightest edges that hold its full ends, where it weighs
    more than they do; no round loses weight. Ties go to the edge that comes first.
    """
    order = np.lexsort((np.arange(len(weights)), -weights)).tolist()
    state = _State(first.tolist(), second.tolist(), weights.tolist(), capacity)
    for _ in range(_PASSES):
        if not sum(state.improve(edge) for edge in order):
            break
    chosen = np.zeros(len(weights), dtype=bool)
    chosen[sorted(state.taken)] = True
    return chosen


class _State:
    def __init__(self, first: list[int], second: list[int], weights: list[float], capacity: int) -> None:
        self.ends = list(zip(first, second, strict=True))
        self.weights, self.capacity = weights, capacity
        self.taken: set[int] = set()
        self.at: dict[int, set[int]] = {vertex: set() for pair in self.ends for vertex in pair}

    def improve(self, edge: int) -> bool:
        """Take the edge, for the lightest at each full end, if that gains."""
        if edge in self.taken:
            return False
        full = [self.at[end] for end in self.ends[edge] if len(self.at[end]) >= self.capacity]
        out = {min(held, key=lambda e: (self.weights[e], -e)) for held in full}
        if self.weights[edge] <= sum(self.weights[e] for e in out) + 1e-12:
            return False
        for gone in out:
            self.taken.discard(gone)
            for end in self.ends[gone]:
                self.at[end].discard(gone)
        self.taken.add(edge)
        for end in self.ends[edge]:
            self.at[end].add(edge)
        return True
