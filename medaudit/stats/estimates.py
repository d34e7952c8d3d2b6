"""Estimates from one set of cases: a mean, a paired difference, a paired ratio.

Intervals cluster by group: the cluster-robust variance, shrunk where few groups inform it, sets an effective
number of cases, and a score interval on that number keeps its width where all answers agree. With G groups
of one case and no discordant case a difference is ``0 +- z^2 / (G + z^2)``, near the rule of three. Values
beyond a score interval's range get the expanded percentile interval of the cluster bootstrap. Agreement in a
sample does not show agreement by construction: do not ask for the difference of a column and itself.

Coverage of nominal 95 % intervals (``docs/statistics.md``): 93 to 98.5 % for 100 and 1,000 cases in groups of
one to six. With about seven groups means reach 95 to 99 %, but only 92 % where values beyond [0, 1] are
resampled; paired differences and ratios of right/wrong answers 99 % and more: conservative. One group gives
no interval.
"""

from __future__ import annotations

from medaudit.stats.clusters import Clusters, average, clusters, group_sums
from medaudit.stats.estimate import (
    NO_CASES,
    ONE_GROUP,
    Estimate,
    Floats,
    Groups,
    Values,
    checked,
    same_length,
)
from medaudit.stats.permutation import sign_flip
from medaudit.stats.score_means import (
    Interval,
    corrected_interval,
    ratio_interval,
    share_interval,
    signed_interval,
    signed_limits,
)

NO_SPREAD = "every group gives the same number: its spread cannot be estimated"
ZERO_DENOMINATOR = "the denominator is 0: the ratio is undefined"
WEAK_DENOMINATOR = "the denominator cannot be told from 0 at this n: the interval has no end"
NO_MARGIN = "the denominator's interval reaches 0: it cannot be told from its baseline"


def mean(
    values: Values, groups: Groups, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Estimate:
    """How large is the mean over cases? Wilson's interval on the effective number of cases for [0, 1]."""
    column = checked(values)
    cases = clusters(groups, confidence, resamples, seed, column)
    if not cases.n:
        return no_cases()
    return estimated(cases, average(column), share_interval(cases, column) if cases.count > 1 else None)


def difference(
    a: Values,
    b: Values,
    groups: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """By how much does arm a exceed arm b on the same cases? ``mean(a - b)``.

    Tango's score interval for differences in [-1, 1]; two-sided p by `paired_permutation`.
    """
    change = subtracted(a, b)
    cases = clusters(groups, confidence, resamples, seed, change)
    if not cases.n:
        return no_cases()
    interval = signed_interval(cases, change) if cases.count > 1 else None
    return estimated(cases, average(change), interval, _flip(cases, change))


def ratio(
    a: Values,
    b: Values,
    groups: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """What share of arm b's mean does arm a keep on the same cases? ``mean(a) / mean(b)``.

    A ratio of means, never a mean of ratios. Undefined when ``mean(b)`` is 0. Nam and Blackwelder's score
    interval for values in [0, 1]; p as for `difference`.
    """
    first, second = checked(a, "a"), checked(b, "b")
    cases = clusters(groups, confidence, resamples, seed, first, second)
    if not cases.n:
        return no_cases()
    p_value = _flip(cases, first - second)
    if average(second) == 0:
        return Estimate(None, None, cases.n, cases.count, p_value, ZERO_DENOMINATOR)
    interval = ratio_interval(cases, first, second) if cases.count > 1 else None
    return estimated(cases, average(first) / average(second), interval, p_value, WEAK_DENOMINATOR)


def corrected_ratio(
    a: Values,
    base_a: Values,
    b: Values,
    base_b: Values,
    groups: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """What share of its margin over the baseline is kept? ``mean(a - base_a) / mean(b - base_b)``.

    Undefined when the interval of the denominator reaches 0: a model that does not beat its baseline has no
    margin to keep. MOVER interval from the two margins' own; p: does the margin differ, by sign flips. Where
    chance decides whether the ratio is defined (margin near its own noise), those that are cover about 90 %.
    """
    first, second = subtracted(a, base_a), subtracted(b, base_b)
    cases = clusters(groups, confidence, resamples, seed, first, second)
    if not cases.n:
        return no_cases()
    p_value = _flip(cases, first - second)
    if cases.count == 1:
        return Estimate(None, None, cases.n, 1, p_value, ONE_GROUP)
    below, above = signed_limits(cases, second), signed_limits(cases, first)
    if below is None or below.low <= 0:
        return Estimate(None, None, cases.n, cases.count, p_value, NO_MARGIN)
    interval = None if above is None else corrected_interval(cases, first, second, above, below)
    return estimated(cases, average(first) / below.value, interval, p_value)


def no_cases() -> Estimate:
    """What any question gives on nothing."""
    return Estimate(None, None, 0, 0, reason=NO_CASES)


def subtracted(a: Values, b: Values) -> Floats:
    """``a - b`` per case."""
    first, second = checked(a, "first column"), checked(b, "second column")
    same_length(first, second)
    change: Floats = first - second
    return change


def estimated(
    cases: Clusters,
    value: float,
    interval: Interval | None,
    p_value: float | None = None,
    missing: str = NO_SPREAD,
) -> Estimate:
    """Assemble an estimate; a missing interval gets its reason."""
    reason = "" if interval else ONE_GROUP if cases.count == 1 else missing
    return Estimate(value, interval, cases.n, cases.count, p_value, reason)


def _flip(cases: Clusters, change: Floats) -> float:
    sums = group_sums(change[:, None], cases.codes, cases.count)[:, 0]
    return sign_flip(sums, resamples=cases.resamples, seed=cases.seed)
