"""Regions into clusters: how many, and which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medaudit.errors import UsageError
from medaudit.image import keyed_rng
from medaudit.regions.distances import Vectors, cosine_distances
from medaudit.regions.kmedoids import Method, kmedoids
from medaudit.regions.silhouette import mean_silhouette
from medaudit.stats.estimate import Codes

#: Distances between all pairs of more regions than this cost more than they tell.
FIT_AT_MOST = 2_000


@dataclass(frozen=True, eq=False)
class Partition:
    """R regions in k clusters.

    ``medoids`` ``(k,)`` are regions, ``assigned`` ``(R,)`` their places, ``similarity`` ``(R,)`` the cosine
    to one's own medoid. ``silhouette`` is that of the k chosen, ``swept`` that of every k tried; None where
    fewer than two clusters held items.
    """

    k: int
    silhouette: float | None
    swept: tuple[tuple[int, float | None], ...]
    medoids: Codes
    assigned: Codes
    similarity: Vectors

    def members(self, place: int) -> Codes:
        """Regions of a cluster, nearest to its medoid first."""
        own = np.flatnonzero(self.assigned == place)
        return own[np.argsort(-self.similarity[own], kind="stable")]


def partition(
    vectors: Vectors,
    counts: Sequence[int],
    *,
    seed: object,
    method: Method = "swap",
    ceiling: float = 2.0,
    among: Codes | None = None,
    fit_at_most: int = FIT_AT_MOST,
) -> Partition:
    """Which regions look alike? k-medoids at the k of ``counts`` with the highest mean silhouette.

    ``vectors`` ``(R, d)`` are unit rows. Medoids are chosen ``among`` these regions (all by default), of
    which at most ``fit_at_most`` are drawn; every region then goes to its nearest medoid. The first of equal
    silhouettes wins. Correctness is not looked at. UsageError where no k lies between 2 and the regions
    drawn less one.
    """
    pool = np.arange(len(vectors)) if among is None else among
    drawn = _drawn(pool, fit_at_most, seed)
    legal = [k for k in counts if 2 <= k < len(drawn)]
    if not legal:
        raise UsageError(f"k of {list(counts)} given; {len(drawn)} regions allow 2 to {len(drawn) - 1}.")
    distances = cosine_distances(vectors[drawn], vectors[drawn], ceiling)
    fitted = [kmedoids(distances, k, keyed_rng("regions", seed, k), method=method) for k in legal]
    heights = [mean_silhouette(distances, each.assigned) for each in fitted]
    best = max(range(len(legal)), key=lambda at: (-2.0 if heights[at] is None else heights[at], -at))
    medoids = drawn[fitted[best].medoids]
    assigned = cosine_distances(vectors, vectors[medoids], ceiling).argmin(axis=1)
    similarity = np.einsum("ij,ij->i", vectors, vectors[medoids[assigned]])
    swept = tuple(zip(legal, heights, strict=True))
    return Partition(legal[best], heights[best], swept, medoids, assigned, similarity)


def _drawn(pool: Codes, at_most: int, seed: object) -> Codes:
    if len(pool) <= at_most:
        return pool
    return np.sort(keyed_rng("regions", seed, "drawn").choice(pool, size=at_most, replace=False))
