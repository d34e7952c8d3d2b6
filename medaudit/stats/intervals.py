"""Intervals of one proportion."""

from __future__ import annotations

import math

from scipy.special import betaincinv, ndtri

from medaudit.stats.estimate import check_confidence


def wilson(k: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of ``k`` right out of ``n`` independent cases (Wilson 1927). ValueError for n <= 0."""
    _check(k, n, confidence)
    return wilson_limits(k / n, n, float(ndtri(0.5 + confidence / 2)))


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact, conservative interval of ``k`` out of ``n`` (Clopper and Pearson 1934)."""
    _check(k, n, confidence)
    tail = (1 - confidence) / 2
    low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))
    return low, high


def wilson_limits(p: float, n: float, quantile: float) -> tuple[float, float]:
    """Where ``|p - x| = quantile * sqrt(x (1 - x) / n)``; ``n`` may be an effective size."""
    shrink = quantile**2 / n
    centre = (p + shrink / 2) / (1 + shrink)
    half = math.sqrt(shrink * (p * (1 - p) + shrink / 4)) / (1 + shrink)
    # At 0 and 1 one end is exact; rounding must not move it past the estimate.
    return min(max(0.0, centre - half), p), max(min(1.0, centre + half), p)


def _check(k: float, n: float, confidence: float) -> None:
    check_confidence(confidence)
    if n <= 0 or not 0 <= k <= n:
        raise ValueError(f"{k} of {n} given; 0 <= k <= n and n > 0 are needed")
