"""Two sets of different cases compared: subgroups, sites, splits by an attribute.

Each side keeps its own interval and MOVER joins them. Groups with cases on both sides lend the two means a
correlation, estimated from the groups' contributions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from medaudit.stats.bootstrap import group_rows
from medaudit.stats.clusters import Clusters, average, clusters, group_codes, is_whole, linearised
from medaudit.stats.estimate import Codes, Estimate, Floats, Groups, Values, checked
from medaudit.stats.estimates import (
    NO_MARGIN,
    NO_SPREAD,
    WEAK_DENOMINATOR,
    ZERO_DENOMINATOR,
    no_cases,
    subtracted,
)
from medaudit.stats.group_permutation import side_permutation
from medaudit.stats.mover import Limits, mover_difference, mover_ratio
from medaudit.stats.score_means import Interval, correlation, holding, share_interval, signed_interval

ONE_SIDE_EMPTY = "no cases on one side"
ONE_GROUP_ON_A_SIDE = "one group on a side: no interval can be computed"

# Sides that move together in every group: their difference has no spread left to estimate.
_AS_ONE = 1 - 1e-9

_Bounds: TypeAlias = Callable[[Clusters, Floats], Interval | None]


@dataclass(frozen=True)
class _Side:
    values: Floats
    cases: Clusters
    shared_codes: Codes

    def limits(self, bounds: _Bounds) -> Limits | None:
        interval = bounds(self.cases, self.values)
        return interval and Limits(average(self.values), *interval)


@dataclass(frozen=True)
class _Pair:
    a: _Side
    b: _Side
    groups: int

    @property
    def n(self) -> int:
        return self.a.cases.n + self.b.cases.n

    def correlation(self) -> float:
        parts = [linearised(side.values, side.shared_codes, self.groups) for side in (self.a, self.b)]
        return correlation(*parts)

    def p_value(self, *, greater: bool = False) -> float:
        rows = [group_rows(side.values[:, None], side.shared_codes, self.groups) for side in (self.a, self.b)]
        cases = self.a.cases
        return side_permutation(np.hstack(rows), resamples=cases.resamples, seed=cases.seed, greater=greater)

    def least(self) -> float:
        """Half-width below which agreement in every group shows nothing: the rule of three on the groups."""
        counted = is_whole(self.a.values) and is_whole(self.b.values)
        square = self.a.cases.quantile(counted) ** 2
        return square / (self.groups + square)

    def unanswered(self) -> Estimate | None:
        if not self.n:
            return no_cases()
        if not self.a.cases.n or not self.b.cases.n:
            return Estimate(None, None, self.n, self.groups, reason=ONE_SIDE_EMPTY)
        return None


def unpaired_difference(
    a: Values,
    groups_a: Groups,
    b: Values,
    groups_b: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    greater: bool = False,
) -> Estimate:
    """By how much do the cases a exceed the cases b? ``mean(a) - mean(b)``; p by exchange of groups.

    The p-value is two-sided, or with ``greater`` that of "a does not exceed b".
    """
    pair = _pair(checked(a, "a"), groups_a, checked(b, "b"), groups_b, confidence, resamples, seed)
    if (unanswered := pair.unanswered()) is not None:
        return unanswered
    value = average(pair.a.values) - average(pair.b.values)
    return _joined(pair, share_interval, value, mover_difference, greater=greater)


def unpaired_ratio(
    a: Values,
    groups_a: Groups,
    b: Values,
    groups_b: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """``mean(a) / mean(b)`` over different cases; undefined when ``mean(b)`` is 0."""
    pair = _pair(checked(a, "a"), groups_a, checked(b, "b"), groups_b, confidence, resamples, seed)
    if (unanswered := pair.unanswered()) is not None:
        return unanswered
    denominator = average(pair.b.values)
    if denominator == 0:
        return Estimate(None, None, pair.n, pair.groups, pair.p_value(), ZERO_DENOMINATOR)
    return _joined(pair, share_interval, average(pair.a.values) / denominator, _bounded_ratio)


def unpaired_corrected_ratio(
    a: Values,
    base_a: Values,
    groups_a: Groups,
    b: Values,
    base_b: Values,
    groups_b: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """``mean(a - base_a) / mean(b - base_b)`` over different cases, each with its own baseline.

    Undefined when the interval of the denominator reaches 0, as in `corrected_ratio`.
    """
    first, second = subtracted(a, base_a), subtracted(b, base_b)
    pair = _pair(first, groups_a, second, groups_b, confidence, resamples, seed)
    if (unanswered := pair.unanswered()) is not None:
        return unanswered
    if pair.b.cases.count == 1:
        return Estimate(None, None, pair.n, pair.groups, pair.p_value(), ONE_GROUP_ON_A_SIDE)
    below = pair.b.limits(signed_interval)
    if below is None or below.low <= 0:
        return Estimate(None, None, pair.n, pair.groups, pair.p_value(), NO_MARGIN)
    return _joined(pair, signed_interval, average(first) / below.value, mover_ratio)


def _pair(
    a: Floats,
    groups_a: Groups,
    b: Floats,
    groups_b: Groups,
    confidence: float,
    resamples: int,
    seed: int,
) -> _Pair:
    codes, count = group_codes([*groups_a, *groups_b])
    left = _Side(a, clusters(groups_a, confidence, resamples, seed, a), codes[: len(a)])
    right = _Side(b, clusters(groups_b, confidence, resamples, seed, b), codes[len(a) :])
    return _Pair(left, right, count)


def _joined(
    pair: _Pair,
    bounds: _Bounds,
    value: float,
    join: Callable[[Limits, Limits, float], Interval | None],
    *,
    greater: bool = False,
) -> Estimate:
    p_value = pair.p_value(greater=greater)
    if min(pair.a.cases.count, pair.b.cases.count) == 1:
        return Estimate(value, None, pair.n, pair.groups, p_value, ONE_GROUP_ON_A_SIDE)
    first, second = pair.a.limits(bounds), pair.b.limits(bounds)
    if first is None or second is None:
        return Estimate(value, None, pair.n, pair.groups, p_value, NO_SPREAD)
    rho = pair.correlation()
    interval = join(first, second, rho)
    if interval is None:
        return Estimate(value, None, pair.n, pair.groups, p_value, WEAK_DENOMINATOR)
    if rho > _AS_ONE:
        if max(np.abs(side.values).max() for side in (pair.a, pair.b)) > 1:
            return Estimate(value, None, pair.n, pair.groups, p_value, NO_SPREAD)
        least = pair.least() / (1 if join is mover_difference else second.value)
        interval = min(interval[0], value - least), max(interval[1], value + least)
    return Estimate(value, holding(value, interval), pair.n, pair.groups, p_value)


def _bounded_ratio(first: Limits, second: Limits, rho: float) -> Interval | None:
    return mover_ratio(first, second, rho) if second.low > 0 else None
