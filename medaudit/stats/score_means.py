"""Intervals of column means over clustered cases, each by the method that fits the values' range.

[0, 1]: Wilson; signed within [-1, 1]: Tango; anything else: bootstrap. None where no spread can be estimated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from medaudit.stats.bootstrap import group_rows, percentile_interval, resample_groups
from medaudit.stats.clusters import (
    Clusters,
    average,
    effective_size,
    is_whole,
    linearised,
    mean_variance,
    straying,
)
from medaudit.stats.estimate import Floats
from medaudit.stats.intervals import wilson_limits
from medaudit.stats.mover import Limits, mover_ratio
from medaudit.stats.score import difference_limits, ratio_limits

Interval: TypeAlias = tuple[float, float]


def share_interval(cases: Clusters, column: Floats) -> Interval | None:
    """Interval of the mean of values that are in [0, 1]; others go to `signed_interval`."""
    if column.min() < 0 or column.max() > 1:
        return signed_interval(cases, column)
    centre = average(column)
    size = effective_size(column, cases, centre * (1 - centre), straying(column, cases))
    return wilson_limits(centre, size, cases.quantile(is_whole(column)))


def signed_interval(cases: Clusters, column: Floats) -> Interval | None:
    """Interval of the mean of differences in [-1, 1]; wider ranges are resampled."""
    if np.abs(column).max() > 1:
        return resampled(cases, column[:, None], lambda sums, sizes: sums[:, 0] / sizes)
    up, down, size = signed_model(cases, column)
    return holding(average(column), difference_limits(up, down, size, cases.quantile(is_whole(column))))


def signed_model(cases: Clusters, column: Floats) -> tuple[float, float, float]:
    """Mean rise, mean fall and effective size that `score.difference_limits` takes."""
    up, down = average(np.maximum(column, 0)), average(np.maximum(-column, 0))
    return up, down, effective_size(column, cases, up + down - (up - down) ** 2, straying(column, cases))


def ratio_interval(cases: Clusters, a: Floats, b: Floats) -> Interval | None:
    """Interval of ``mean(a) / mean(b)`` on the same cases; None when it has no end."""
    if min(a.min(), b.min()) < 0 or max(a.max(), b.max()) > 1:
        return _resampled_ratio(cases, a, b)
    only_a, only_b = average(np.maximum(a - b, 0)), average(np.maximum(b - a, 0))
    centre = average(a) / average(b)
    apart = len(np.unique(cases.codes[a != b]))
    size = effective_size(a - centre * b, cases, centre * (only_a + only_b), apart)
    quantile = cases.quantile(is_whole(a) and is_whole(b))
    limits = ratio_limits(average(np.minimum(a, b)), only_a, only_b, size, quantile)
    return limits and holding(centre, limits)


def corrected_interval(cases: Clusters, a: Floats, b: Floats, above: Limits, below: Limits) -> Interval:
    """Interval of a ratio of two margins on the same cases, from the margins' own limits."""
    first, second = (linearised(column, cases.codes, cases.count) for column in (a, b))
    low, high = mover_ratio(above, below, correlation(first, second))
    centre = above.value / below.value
    if mean_variance(a - centre * b, cases.codes, cases.count) <= 1e-12:
        # Margins that move together in every group: the rule of three on the groups remains.
        square = cases.quantile(is_whole(a) and is_whole(b)) ** 2
        least = square / (cases.count + square) / below.value
        low, high = min(low, centre - least), max(high, centre + least)
    return holding(centre, (low, high))


def signed_limits(cases: Clusters, column: Floats) -> Limits | None:
    """A margin with its interval, as MOVER combines it."""
    interval = signed_interval(cases, column)
    return None if interval is None else Limits(average(column), *interval)


def correlation(first: Floats, second: Floats) -> float:
    """Correlation of two means from their groups' contributions ``(G,)``; 0 where one is constant."""
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0


def resampled(
    cases: Clusters, columns: Floats, statistic: Callable[[Floats, Floats], Floats]
) -> Interval | None:
    """Expanded percentile interval; None when resamples are undefined or all equal."""
    rows = group_rows(columns, cases.codes, cases.count)
    draws = resample_groups(rows, statistic, resamples=cases.resamples, seed=cases.seed)
    if not np.isfinite(draws).all() or np.ptp(draws) <= 1e-12 * np.abs(draws).max():
        return None
    observed = statistic(rows[:, :-1].sum(axis=0)[None], rows[:, -1].sum()[None])
    return holding(float(observed[0]), percentile_interval(draws, cases.count, cases.confidence))


def _resampled_ratio(cases: Clusters, a: Floats, b: Floats) -> Interval | None:
    sign = np.sign(average(b))

    def quotient(sums: Floats, sizes: Floats) -> Floats:
        # A denominator that changes sign leaves no interval; NaN tells `resampled`.
        undefined = np.full(len(sums), np.nan)
        divided: Floats = np.divide(sums[:, 0], sums[:, 1], out=undefined, where=sums[:, 1] * sign > 0)
        return divided

    return resampled(cases, np.column_stack([a, b]), quotient)


def holding(centre: float, interval: Interval) -> Interval:
    """Bisection and rounding may stop a hair beside the estimate."""
    return min(interval[0], centre), max(interval[1], centre)
