"""The cluster bootstrap: whole groups drawn with replacement, any statistic of their sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from scipy.special import ndtr, stdtrit

from medaudit.stats.clusters import group_codes, group_sizes, group_sums
from medaudit.stats.estimate import Codes, Floats, Groups, same_length

Statistic: TypeAlias = Callable[[Floats, Floats], Floats]

# Numbers held at once while resampling: 32 MB of float64.
_BUDGET = 4_000_000


def cluster_bootstrap(
    columns: Floats, groups: Groups, statistic: Statistic, *, resamples: int = 2000, seed: int = 0
) -> Floats:
    """What would the statistic have been on other groups from the same population?

    ``columns`` is ``(n, k)``, one row per case; ``statistic(sums, sizes)`` takes the column sums ``(b, k)``
    and the case counts ``(b,)`` of b resamples and returns ``(b,)``; it is called in chunks. Returns
    ``(resamples,)``. Each resample draws G of G groups with replacement (Davison and Hinkley 1997, 3.8).
    Groups with equal sums and size are one cell drawn by a multinomial: the same law, far fewer draws.
    """
    columns = np.asarray(columns, dtype=np.float64)
    if columns.ndim != 2 or not np.isfinite(columns).all():
        raise ValueError("columns: an (n, k) array of finite numbers is needed")
    codes, count = group_codes(groups)
    same_length(columns[:, 0], codes)
    if count == 0:
        raise ValueError("no cases to resample")
    return resample_groups(group_rows(columns, codes, count), statistic, resamples=resamples, seed=seed)


def group_rows(columns: Floats, codes: Codes, count: int) -> Floats:
    """Group sums with the group's size as last column: ``(G, k + 1)``."""
    return np.column_stack([group_sums(columns, codes, count), group_sizes(codes, count)])


def resample_groups(rows: Floats, statistic: Statistic, *, resamples: int, seed: int) -> Floats:
    """`cluster_bootstrap` on the ``(G, k + 1)`` rows of `group_rows`; ValueError for no resample."""
    if resamples < 1:
        raise ValueError(f"resamples {resamples} given; values beyond [-1, 1] need at least 1")
    cells, counts = np.unique(rows, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    merged = 4 * len(cells) <= len(rows)
    draw = _by_cell if merged else _by_group
    chunk = max(1, _BUDGET // (len(cells) if merged else len(rows)))
    pieces = []
    for start in range(0, resamples, chunk):
        totals = draw(rng, cells, counts, min(chunk, resamples - start))
        pieces.append(np.asarray(statistic(totals[:, :-1], totals[:, -1]), dtype=np.float64))
    return np.concatenate(pieces)


def _by_cell(rng: np.random.Generator, cells: Floats, counts: Codes, size: int) -> Floats:
    drawn = rng.multinomial(counts.sum(), counts / counts.sum(), size=size)
    totals: Floats = drawn.astype(np.float64) @ cells
    return totals


def _by_group(rng: np.random.Generator, cells: Floats, counts: Codes, size: int) -> Floats:
    rows = np.repeat(cells, counts, axis=0)
    drawn = rng.integers(0, len(rows), size=(size, len(rows)), dtype=np.int32)
    return np.stack([column[drawn].sum(axis=1) for column in np.ascontiguousarray(rows.T)], axis=1)


def percentile_interval(draws: Floats, groups: int, confidence: float) -> tuple[float, float]:
    """Expanded percentile interval of bootstrap draws (Hesterberg 2015).

    The plain percentile interval is as narrow as a normal interval with the biased variance; the tail is
    moved to ``Phi(-sqrt(G / (G - 1)) t_{G-1})``, which mends both for few groups.
    """
    quantile = float(stdtrit(groups - 1, 0.5 + confidence / 2))
    tail = float(ndtr(-math.sqrt(groups / (groups - 1)) * quantile))
    low, high = np.quantile(draws, [tail, 1 - tail])
    return float(low), float(high)
