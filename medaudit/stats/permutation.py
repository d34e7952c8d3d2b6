"""Paired permutation: flip the sign of whole groups."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import gammaln

from medaudit.stats.clusters import group_codes, group_sums
from medaudit.stats.estimate import Codes, Floats, Groups, Values, checked, same_length

# Up to here every sum of signs is visited; beyond, they are drawn.
_ENUMERATED_GROUPS = 14
_LATTICE_SPAN = 400_000
_DIRECT_SPAN = 4_000


def paired_permutation(
    differences: Values, groups: Groups, *, resamples: int = 10_000, seed: int = 0
) -> float:
    """Could paired differences this far from 0 be chance? Two-sided p of ``|sum|`` under random signs.

    Each group keeps or flips the sign of all its differences, as if the two arms were exchanged. Exact for
    whole-number differences (right/wrong answers; with groups of one case it equals exact McNemar) and for
    at most 14 groups that differ at all; otherwise ``(1 + hits) / (1 + resamples)`` from seeded draws, never
    0. Fisher (1935). 1.0 when nothing differs.
    """
    array = checked(differences, "differences")
    codes, count = group_codes(groups)
    same_length(array, codes)
    return sign_flip(group_sums(array[:, None], codes, count)[:, 0], resamples=resamples, seed=seed)


def sign_flip(sums: Floats, *, resamples: int, seed: int) -> float:
    """`paired_permutation` from group sums ``(G,)``."""
    observed = abs(float(sums.sum()))
    sizes, counts = np.unique(np.abs(sums[sums != 0]), return_counts=True)
    if len(sizes) == 0:
        return 1.0
    span = int((sizes * counts).sum())
    if np.array_equal(sizes, np.rint(sizes)) and span <= _LATTICE_SPAN:
        return _lattice(sizes.astype(np.int64), counts, round(observed))
    if counts.sum() <= _ENUMERATED_GROUPS:
        return _enumerated(np.repeat(sizes, counts), observed)
    return _drawn(sizes, counts, observed, resamples, seed)


def _lattice(sizes: Codes, counts: Codes, observed: int) -> float:
    """Exact law of the signed sum: binomials on steps of twice each size, convolved."""
    law = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        step = np.zeros(2 * size * count + 1)
        step[:: 2 * size] = _fair_binomial(count)
        exact = min(len(law), len(step)) <= _DIRECT_SPAN
        law = np.convolve(law, step) if exact else np.maximum(fftconvolve(law, step), 0)
    span = (len(law) - 1) // 2
    # Tails are summed from the outside in, where the terms are smallest.
    return min(1.0, 2 * float(law[: span - observed + 1].sum())) if observed else 1.0


def _fair_binomial(count: int) -> Floats:
    k = np.arange(count + 1)
    log: Floats = gammaln(count + 1) - gammaln(k + 1) - gammaln(count - k + 1) - count * np.log(2)
    return np.exp(log)


def _enumerated(sizes: Floats, observed: float) -> float:
    totals = np.zeros(1)
    for size in sizes:
        totals = np.concatenate([totals - size, totals + size])
    return float(np.mean(np.abs(totals) >= observed - _slack(sizes)))


def _drawn(sizes: Floats, counts: Codes, observed: float, resamples: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    totals = np.zeros(resamples)
    for size, count in zip(sizes, counts, strict=True):
        totals += size * (2 * rng.binomial(count, 0.5, size=resamples) - count)
    hits = int((np.abs(totals) >= observed - _slack(sizes)).sum())
    return (1 + hits) / (1 + resamples)


def _slack(sizes: Floats) -> float:
    """Ties must stay ties after rounding."""
    return 1e-9 * float(sizes.max())
