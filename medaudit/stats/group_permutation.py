"""Unpaired permutation: which groups are on which side?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medaudit.stats.estimate import Codes, Floats

_BUDGET = 4_000_000


def side_permutation(rows: Floats, *, resamples: int, seed: int, greater: bool = False) -> float:
    """p of ``mean(a) - mean(b)`` under exchange of whole groups: two-sided, or of ``mean(a)`` the greater.

    ``rows`` is ``(G, 4)``: sum and count on side a, sum and count on side b. Groups on one side are dealt
    anew, as many to each side; a group on both sides may swap its two halves. The statistic is studentised
    with the clustered variance, which keeps the level when the sides differ in spread (Janssen 1997).
    """
    single = (rows[:, 1] == 0) | (rows[:, 3] == 0)
    fold = np.positive if greater else np.abs
    observed = fold(_studentised(_moments(rows).sum(axis=0)[None])[0])
    least = observed - 1e-9 * abs(observed)
    hits = 0
    for totals in _permuted(rows[single], rows[~single], resamples, np.random.default_rng(seed)):
        hits += int((fold(_studentised(totals)) >= least).sum())
    return (1 + hits) / (1 + resamples)


def _permuted(single: Floats, shared: Floats, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    on_a = int((single[:, 1] > 0).sum())
    halves = single[:, :2] + single[:, 2:]
    blank = np.zeros_like(halves)
    keep, move = _moments(np.hstack([halves, blank])), _moments(np.hstack([blank, halves]))
    stay, swap = _moments(shared), _moments(shared[:, [2, 3, 0, 1]])
    fixed = move.sum(axis=0) + stay.sum(axis=0)
    chunk = max(1, _BUDGET // max(1, len(single) + len(shared)))
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        yield fixed + _dealt(rng, keep - move, on_a, size) + _flipped(rng, swap - stay, size)


def _dealt(rng: np.random.Generator, rows: Floats, chosen: int, size: int) -> Floats:
    """Sums over ``chosen`` rows drawn without replacement, ``(size, k)``."""
    if not len(rows):
        return np.zeros((size, rows.shape[1]))
    cells, counts = np.unique(rows, axis=0, return_counts=True)
    if 4 * len(cells) <= len(rows):
        drawn: Codes = rng.multivariate_hypergeometric(counts, chosen, size=size, method="marginals")
        return np.asarray(drawn @ cells, dtype=np.float64)
    ordered = np.repeat(cells, counts, axis=0)
    keys = rng.random((size, len(ordered)))
    picked = np.zeros((size, len(ordered)))
    np.put_along_axis(picked, np.argpartition(keys, chosen - 1, axis=1)[:, :chosen], 1.0, axis=1)
    return np.asarray(picked @ ordered, dtype=np.float64)


def _flipped(rng: np.random.Generator, rows: Floats, size: int) -> Floats:
    """Sums over rows that are each taken with probability one half, ``(size, k)``."""
    if not len(rows):
        return np.zeros((size, rows.shape[1]))
    cells, counts = np.unique(rows, axis=0, return_counts=True)
    drawn = rng.binomial(counts, 0.5, size=(size, len(cells)))
    return np.asarray(drawn @ cells, dtype=np.float64)


def _moments(rows: Floats) -> Floats:
    """Per group what `_studentised` needs, additive over groups: ``(G, 14)``."""
    sa, ma, sb, mb = rows.T
    own = [sa, ma, sa * sa, sa * ma, ma * ma, sb, mb, sb * sb, sb * mb, mb * mb]
    return np.column_stack([*own, sa * sb, sa * mb, ma * sb, ma * mb])


def _studentised(totals: Floats) -> Floats:
    """Difference of means over its clustered standard error, from summed moments ``(b, 14)``."""
    sa, ma, ssa, sma, mma, sb, mb, ssb, smb, mmb, ab, amb, mab, mm = totals.T
    pa, pb = sa / ma, sb / mb
    variance = (ssa - 2 * pa * sma + pa**2 * mma) / ma**2 + (ssb - 2 * pb * smb + pb**2 * mmb) / mb**2
    variance = variance - 2 * (ab - pb * amb - pa * mab + pa * pb * mm) / (ma * mb)
    gap = np.where(np.abs(pa - pb) <= 1e-12, 0.0, pa - pb)
    # No spread within either side: any difference is as far from chance as can be.
    error = np.sqrt(np.maximum(variance, 1e-24))
    return np.asarray(gap / error, dtype=np.float64)
