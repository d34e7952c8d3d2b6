"""Score intervals of paired differences and ratios: honest where a bootstrap would have no width.

Both take the cells of the paired table as shares, so values in [0, 1] that are not 0 or 1 fit too:
``both = mean(min(a, b))``, ``only_a = mean(max(a - b, 0))``, ``only_b = mean(max(b - a, 0))``. Clustering
enters through ``n``, an effective size, and few groups through ``quantile``, Student's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

_HALVINGS = 60
_FARTHEST_RATIO = 1e9


def difference_statistic(only_a: float, only_b: float, n: float, delta: float) -> float:
    """Score statistic of ``mean(a) - mean(b) = delta`` for paired proportions (Tango 1998)."""
    linear = (2 - only_a + only_b) * delta - only_a - only_b
    constant = -only_b * delta * (1 - delta)
    q = (math.sqrt(max(0.0, linear**2 - 8 * constant)) - linear) / 4
    variance = 2 * q + delta * (1 - delta)
    return _standardised(only_a - only_b - delta, variance / n)


def difference_limits(only_a: float, only_b: float, n: float, quantile: float) -> tuple[float, float]:
    """Interval of ``mean(a) - mean(b)`` within [-1, 1].

    Without a discordant case it is ``+-q^2 / (n + q^2)``, near the rule of three's ``+-3 / n``.
    """

    def outside(delta: float) -> bool:
        return abs(difference_statistic(only_a, only_b, n, delta)) > quantile

    centre = only_a - only_b
    return _edge(outside, centre, -1.0), _edge(outside, centre, 1.0)


def ratio_statistic(both: float, only_a: float, only_b: float, n: float, ratio: float) -> float:
    """Score statistic of ``mean(a) / mean(b) = ratio`` for paired proportions (Nam and Blackwelder 2002)."""
    some = both + only_a + only_b
    linear = ratio**2 * (both + only_b + 2 * only_a) - both - only_a
    root = math.sqrt(max(0.0, linear**2 - 4 * ratio**2 * (ratio**2 - 1) * only_a * some))
    fitted_a = (linear + root) / (2 * ratio * (ratio + 1))
    fitted_b = ratio * fitted_a - (ratio - 1) * some
    variance = ratio * (fitted_a + fitted_b)
    return _standardised(both + only_a - ratio * (both + only_b), variance / n)


def ratio_limits(
    both: float, only_a: float, only_b: float, n: float, quantile: float
) -> tuple[float, float] | None:
    """Interval of ``mean(a) / mean(b)``; None when no upper end exists (denominator too near 0)."""

    def outside(ratio: float) -> bool:
        return abs(ratio_statistic(both, only_a, only_b, n, ratio)) > quantile

    centre = (both + only_a) / (both + only_b)
    low = 0.0 if centre == 0 else _edge(outside, centre, 1e-12)
    high = max(2 * centre, 1.0)
    while not outside(high):
        high *= 2
        if high > _FARTHEST_RATIO:
            return None
    return low, _edge(outside, centre, high)


def _standardised(distance: float, variance: float) -> float:
    if distance == 0:
        return 0.0
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)


def _edge(outside: Callable[[float], bool], inner: float, outer: float) -> float:
    """Last point from ``inner`` towards ``outer`` that is not outside, by bisection."""
    if not outside(outer):
        return outer
    for _ in range(_HALVINGS):
        middle = (inner + outer) / 2
        if outside(middle):
            outer = middle
        else:
            inner = middle
    return inner
