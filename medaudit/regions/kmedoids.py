"""k-medoids: clusters whose centres are items, so that every cluster can be shown."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Literal, TypeAlias

import numpy as np

from medaudit.errors import UsageError
from medaudit.regions.distances import Vectors
from medaudit.stats.estimate import Codes, Floats

Method: TypeAlias = Literal["swap", "alternate"]

# A swap must gain more than rounding, or two equal sets of medoids would take turns for ever.
_LEAST_GAIN = 1e-6
_ROUNDS = 300
# All sets of up to 12 items, whatever k.
_FEW_SETS = 1_000


@dataclass(frozen=True, eq=False)
class Clustering:
    """``medoids`` ``(k,)``, ``assigned`` ``(n,)``: positions; ``loss``: sum of distances to own medoids."""

    medoids: Codes
    assigned: Codes
    loss: float


def kmedoids(
    distances: Vectors,
    k: int,
    rng: np.random.Generator,
    *,
    method: Method = "swap",
    restarts: int = 1,
) -> Clustering:
    """Which k of n items stand for all of them? The set with the least sum of distances that was reached.

    ``distances`` ``(n, n)``. ``swap`` exchanges one medoid for one other item as long as the sum falls,
    taking the best medoid for each item in turn (Schubert and Rousseeuw 2021, arXiv:2008.05171), and where
    there are few sets of k items it tries them all; ``alternate`` assigns, then moves each medoid to its
    cluster's centre, and is faster and worse. Both start from `plus_plus`, or from plain draws where there
    are further ``restarts``, of which the best is kept; each ends in a local optimum. UsageError unless
    1 <= k <= n.
    """
    if not 1 <= k <= len(distances):
        raise UsageError(f"k-medoids: k = {k} given; {len(distances)} items allow 1 to {len(distances)}.")
    if method not in ("swap", "alternate"):
        raise UsageError.unknown("k-medoids method", method, ("swap", "alternate"))
    if method == "swap" and comb(len(distances), k) <= _FEW_SETS:
        return _assigned(distances, _best_of_all(distances, k))
    improve = _swap if method == "swap" else _alternate
    starts = [plus_plus(distances, k, rng)]
    starts += [rng.choice(len(distances), size=k, replace=False) for _ in range(restarts - 1)]
    ended = [_assigned(distances, improve(distances, start)) for start in starts]
    return min(ended, key=lambda each: each.loss)


def plus_plus(distances: Vectors, k: int, rng: np.random.Generator) -> Codes:
    """First medoids, far apart: each drawn by its squared distance to those chosen, the best of a few draws.

    Arthur and Vassilvitskii (2007), in the greedy form. Where all items lie on medoids, any other is taken.
    """
    n, trials = len(distances), 2 + int(np.log(k))
    chosen = [int(rng.integers(n))]
    squares = distances.astype(np.float64) ** 2
    nearest = squares[chosen[0]].copy()
    for _ in range(k - 1):
        if nearest.sum() <= 0:
            chosen.append(int(rng.choice(np.setdiff1d(np.arange(n), chosen))))
            continue
        drawn = rng.choice(n, size=trials, p=nearest / nearest.sum())
        left = np.minimum(nearest, squares[drawn])
        best = int(left.sum(axis=1).argmin())
        chosen.append(int(drawn[best]))
        nearest = left[best]
    return np.asarray(chosen, dtype=np.int64)


def _best_of_all(distances: Vectors, k: int) -> Codes:
    """The best of all sets of k items, the first of equals."""
    sets = np.asarray(list(combinations(range(len(distances)), k)), dtype=np.int64)
    losses = distances[sets].min(axis=1).sum(axis=1, dtype=np.float64)
    return np.asarray(sets[losses.argmin()], dtype=np.int64)


def _swap(distances: Vectors, medoids: Codes) -> Codes:
    """Swap medoids for other items until a whole round brings nothing."""
    n, k = len(distances), len(medoids)
    if k == 1:
        return np.asarray([distances.sum(axis=1, dtype=np.float64).argmin()], dtype=np.int64)
    medoids = medoids.copy()
    owner, first, second, removal = _two_nearest(distances, medoids)
    item, since = 0, 0
    while since < n:
        row = distances[item]
        # Without a medoid, its items fall to the second nearest or to the new item, whichever is nearer.
        change = removal + np.bincount(owner, np.clip(row, first, second) - second, k)
        place = int(change.argmin())
        gain = change[place] + float(np.minimum(row - first, 0).sum(dtype=np.float64))
        if gain < -_LEAST_GAIN and item not in medoids:
            medoids[place] = item
            owner, first, second, removal = _two_nearest(distances, medoids)
            since = 0
        item, since = (item + 1) % n, since + 1
    return medoids


def _two_nearest(distances: Vectors, medoids: Codes) -> tuple[Codes, Vectors, Vectors, Floats]:
    """Nearest medoid of each item, distance to it and to the next, and what losing each medoid costs."""
    rows = distances[medoids]
    owner = rows.argmin(axis=0).astype(np.int64)
    items = np.arange(rows.shape[1])
    first = rows[owner, items].copy()
    rows[owner, items] = np.inf
    second = rows.min(axis=0)
    lost = np.asarray(second - first, dtype=np.float64)
    removal = np.asarray(np.bincount(owner, lost, len(medoids)), dtype=np.float64)
    return owner, first, second, removal


def _alternate(distances: Vectors, medoids: Codes) -> Codes:
    """Assign and re-centre in turn until no medoid moves."""
    medoids = medoids.copy()
    for _ in range(_ROUNDS):
        owner = distances[medoids].argmin(axis=0)
        moved = medoids.copy()
        for place in range(len(medoids)):
            members = np.flatnonzero(owner == place)
            if not len(members):
                continue
            costs = distances[np.ix_(members, members)].sum(axis=1, dtype=np.float64)
            own = distances[medoids[place], members].sum(dtype=np.float64)
            if costs.min() < own - _LEAST_GAIN:
                moved[place] = members[costs.argmin()]
        if np.array_equal(moved, medoids):
            break
        medoids = moved
    return medoids


def _assigned(distances: Vectors, medoids: Codes) -> Clustering:
    rows = distances[medoids]
    owner = rows.argmin(axis=0)
    loss = float(rows.min(axis=0).sum(dtype=np.float64))
    return Clustering(medoids, owner.astype(np.int64), loss)
