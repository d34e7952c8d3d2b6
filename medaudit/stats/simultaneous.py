"""Many subgroups at once, at equal prevalence: adjusted p-values and simultaneous intervals."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from medaudit.stats.clusters import Clusters, clusters
from medaudit.stats.equal_prevalence import Layout, deal, layout
from medaudit.stats.estimate import NO_CASES, ONE_GROUP, Estimate, Floats, Groups, Values, checked

ONE_LABEL = "fewer than two subgroups, or no kind of case that all of them have: there is nothing to compare"


@dataclass(frozen=True)
class Subgroup:
    """One value: its mean as it is, at equal prevalence, and that less the attribute's common mean.

    ``level`` is the mean at equal prevalence and ``difference`` its distance from the common mean; both
    carry simultaneous intervals, and the p-value is adjusted over every subgroup of every attribute.
    """

    raw: float
    level: Estimate
    difference: Estimate


@dataclass(frozen=True)
class Family:
    """One attribute. ``gap`` is the largest less the smallest level, its interval that of the excess.

    ``null_mean`` is what the gap is under permuted labels, ``matched`` the share of labelled cases that are
    compared: those in strata that every value has.
    """

    gap: Estimate
    null_mean: float | None
    matched: float
    subgroups: Mapping[Hashable, Subgroup]


@dataclass(frozen=True)
class MaxT:
    """``worst`` is the lowest level of all, ``worst_null`` the mean lowest level under permuted labels."""

    families: Mapping[str, Family]
    worst: tuple[str, Hashable] | None
    worst_null: float | None
    critical: float | None


def max_t(
    values: Values,
    attributes: Mapping[str, Sequence[Hashable | None]],
    groups: Groups,
    strata: Sequence[Hashable] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> MaxT:
    """Which subgroups differ, when all of them are looked at and all have the same mix of cases?

    ``attributes`` give one label per case, None for none. ``strata`` (right answer, question type) are what
    subgroups should hold in equal shares: with W_s the share of stratum s among an attribute's cases ::

        level_v      = sum_s W_s mean(values of v in s)         direct standardisation
        difference_v = level_v - sum_s W_s mean(values in s)
        T_v          = difference_v / sqrt(sum_s W_s^2 var_s / n_vs)

    A stratum in which some value has fewer than 5 cases is left out. Labels are dealt anew among groups
    (within a group that holds several labels, among its cases of a stratum), each attribute by itself; p is
    single-step max-T over all values of all attributes (Westfall and Young 1993), T taken in units of its own
    permutation spread. Dealing attributes one by one ignores that they go together, which can only
    make p larger. Intervals are ``difference +- c s``, c the ``confidence`` quantile of the largest T under
    permutation and s the permutation's standard error, or, where that is more, the cluster-robust one with
    c moved to Student's law; p looks at the smaller T of both.
    """
    column = checked(values)
    cases = clusters(groups, confidence, resamples, seed, column)
    laid = {}
    for name, labels in attributes.items():
        arranged = layout(column, labels, strata, cases) if len(set(labels) - {None}) > 1 else None
        if arranged is not None:
            laid[name] = arranged
    if not laid:
        empty = {name: _nothing(labels) for name, labels in attributes.items()}
        return MaxT(empty, None, None, None)
    dealt = {name: deal(each, cases, name) for name, each in laid.items()}
    spread = {name: np.maximum(part.std(axis=0), 1e-12) for name, part in dealt.items()}
    scaled = {name: np.abs(part - part.mean(axis=0)) / spread[name] for name, part in dealt.items()}
    largest = np.max([part.max(axis=1) for part in scaled.values()], axis=0)
    critical = float(np.quantile(largest, confidence))
    families = {}
    for name, labels in attributes.items():
        if name not in laid:
            families[name] = _nothing(labels)
            continue
        p_values = _p_values(_standing(laid[name], scaled[name][0]), largest)
        families[name] = _family(laid[name], dealt[name], spread[name], p_values, critical, cases)
    lowest = min(
        ((name, value) for name in laid for value in families[name].subgroups),
        key=lambda key: families[key[0]].subgroups[key[1]].level.estimate or 0.0,
    )
    floor = [(each.common + dealt[name][1:] * each.error).min(axis=1) for name, each in laid.items()]
    return MaxT(families, lowest, float(np.min(floor, axis=0).mean()), critical)


def _standing(laid: Layout, scaled: Floats) -> Floats:
    """How far each difference stands out, by permutation and by its own clustered error, the less of both.

    A normal quantile of the latter is that of Student with the subgroup's groups less 1 of freedom.
    """
    ratio = np.abs(laid.levels - laid.common) / np.maximum(laid.robust, 1e-12)
    robust = -ndtri(np.maximum(stdtr(np.maximum(laid.groups - 1, 1), -ratio), 1e-300))
    return np.asarray(np.where(laid.robust > 0, np.minimum(scaled, robust), scaled), dtype=np.float64)


def _p_values(standing: Floats, largest: Floats) -> Floats:
    """Share of all rows, the data's own among them, whose largest T reaches each."""
    hits = (largest[1:, None] >= standing * (1 - 1e-9)).sum(axis=0)
    return np.asarray((1 + hits) / len(largest), dtype=np.float64)


def _family(
    laid: Layout, dealt: Floats, spread: Floats, p_values: Floats, critical: float, cases: Clusters
) -> Family:
    scale = np.maximum(laid.error * spread, laid.robust)
    student = stdtrit(np.maximum(laid.groups - 1, 1), ndtr(critical))
    reaches = np.maximum(critical * laid.error * spread, student * laid.robust)
    subgroups = {}
    for code, name in enumerate(laid.names):
        reach, p_value = float(reaches[code]), float(p_values[code])
        level = float(laid.levels[code])
        subgroups[name] = Subgroup(
            float(laid.raw[code]),
            _estimate(laid, code, level, reach, 0.0, p_value),
            _estimate(laid, code, level - laid.common, reach, -1.0, p_value),
        )
    null_mean = float(np.ptp(dealt[1:] * laid.error, axis=1).mean())
    top, bottom = int(laid.levels.argmax()), int(laid.levels.argmin())
    value = float(laid.levels[top] - laid.levels[bottom])
    reach = cases.quantile(counted=False) * float(np.hypot(scale[top], scale[bottom]))
    interval = (value - null_mean - reach, value - null_mean + reach) if laid.count > 1 else None
    reason = "" if interval else ONE_GROUP
    gap = Estimate(value, interval, laid.n, laid.count, float(p_values.min()), reason)
    return Family(gap, null_mean, laid.matched, subgroups)


def _estimate(laid: Layout, code: int, value: float, reach: float, lowest: float, p_value: float) -> Estimate:
    groups = int(laid.groups[code])
    # Values outside [-1, 1] have no natural ends to cut at.
    ends = (lowest, 1.0) if laid.bounded else (-np.inf, np.inf)
    interval = (max(ends[0], value - reach), min(ends[1], value + reach)) if groups > 1 else None
    return Estimate(value, interval, int(laid.sizes[code]), groups, p_value, "" if interval else ONE_GROUP)


def _nothing(labels: Sequence[Hashable | None]) -> Family:
    n = sum(label is not None for label in labels)
    return Family(Estimate(None, None, n, 0, reason=ONE_LABEL if n else NO_CASES), None, 1.0, {})
