"""How well separated are clusters?"""

from __future__ import annotations

import numpy as np

from medaudit.regions.distances import Vectors
from medaudit.stats.estimate import Codes


def mean_silhouette(distances: Vectors, assigned: Codes) -> float | None:
    """Are items nearer to their own cluster than to the next one? Mean of ``(b - a) / max(a, b)`` in [-1, 1].

    ``a`` is an item's mean distance to the others of its cluster, ``b`` that to the nearest other cluster; an
    item alone in its cluster counts 0 (Rousseeuw 1987). ``distances`` ``(n, n)``, ``assigned`` ``(n,)``. None
    where fewer than two clusters hold items: there is no next one.
    """
    names, own = np.unique(assigned, return_inverse=True)
    if len(names) < 2:
        return None
    marks = np.eye(len(names), dtype=np.float32)[own]
    sizes = marks.sum(axis=0)
    sums = (distances @ marks).astype(np.float64)
    items = np.arange(len(own))
    within = sums[items, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[items, own] = np.inf
    beside = means.min(axis=1)
    largest = np.maximum(within, beside)
    values = np.where((sizes[own] > 1) & (largest > 0), (beside - within) / np.maximum(largest, 1e-12), 0.0)
    return float(values.mean())
