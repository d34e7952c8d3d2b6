"""Accuracy in the worst of several groups of cases, and what an intervention does to it on the same cases.

The observed minimum of K means lies below the smallest true mean where several are near it, alike in two arms
of the same cases. Groups of cases (classes with and without a feature) are *cells* here: a patient may lie in
several.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from medaudit.stats.bootstrap import cluster_bootstrap
from medaudit.stats.estimate import (
    NO_CASES,
    ONE_GROUP,
    Codes,
    Estimate,
    Floats,
    Groups,
    Values,
    check_confidence,
    checked,
    same_length,
)
from medaudit.stats.estimates import mean
from medaudit.stats.mover import Limits, mover_difference


def worst_group(
    correct: Values,
    cells: Codes,
    groups: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """What is the smallest of the cells' means? ``min_k mean(correct | cell k)``.

    ``cells`` ``(n,)`` numbers from 0. With Wilson intervals ``[L_k, U_k]`` on each cell's effective number of
    cases the interval is ``[min_k L_k, min_k U_k]``: the lower ends at the level asked, since the worst
    cell's own end bounds it; the upper ends at a K-th of it, since any cell might be the worst
    (Bonferroni). No interval where a cell holds one group.
    """
    check_confidence(confidence)
    column, codes = _checked(correct, cells)
    if not len(column):
        return Estimate(None, None, 0, 0, None, NO_CASES)
    labels = np.asarray(groups)
    present = np.unique(codes)
    wide = 1 - (1 - confidence) / len(present)
    lows: list[float] = []
    highs: list[float] = []
    means: list[float] = []
    for cell in present:
        kept = codes == cell
        for level, ends, side in ((confidence, lows, 0), (wide, highs, 1)):
            one = mean(column[kept], labels[kept], confidence=level, resamples=resamples, seed=seed)
            if one.interval is not None:
                ends.append(one.interval[side])
        means.append(float(column[kept].mean()))
    count = len(np.unique(labels))
    if len(lows) < len(present):
        return Estimate(min(means), None, len(column), count, None, ONE_GROUP)
    return Estimate(min(means), (min(lows), min(highs)), len(column), count)


def worst_group_gain(
    after: Values,
    before: Values,
    cells: Codes,
    groups: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """By how much does arm ``after`` exceed arm ``before`` in its worst cell, on the same cases?

    ``min_k mean(after | k) - min_k mean(before | k)``; the worst cell may be another one. MOVER interval from
    the intervals of `worst_group`, with the correlation of the two minima over a bootstrap of whole groups.
    No p-value: the minimum of a few means is not exchangeable under signs; test a cell named beforehand by
    `difference`.
    """
    first, codes = _checked(after, cells)
    second, _ = _checked(before, cells)
    same_length(first, second)
    one, other = (
        worst_group(each, cells, groups, confidence=confidence, resamples=resamples, seed=seed)
        for each in (first, second)
    )
    if one.estimate is None or other.estimate is None:
        return one
    gain = one.estimate - other.estimate
    if one.interval is None or other.interval is None:
        return Estimate(gain, None, one.n, one.groups, None, one.reason or other.reason)
    limits = [
        Limits(each, *ends) for each, ends in ((one.estimate, one.interval), (other.estimate, other.interval))
    ]
    rho = _correlation(first, second, codes, groups, resamples, seed)
    low, high = mover_difference(limits[0], limits[1], rho)
    return Estimate(gain, (max(-1.0, low), min(1.0, high)), one.n, one.groups)


def _correlation(
    first: Floats, second: Floats, codes: Codes, groups: Groups, resamples: int, seed: int
) -> float:
    """Correlation of the two minima over resampled groups; 0 where one of them never moves."""
    held = (codes[:, None] == np.unique(codes)[None, :]).astype(np.float64)
    columns = np.concatenate([held, held * first[:, None], held * second[:, None]], axis=1)
    one, other = (
        cluster_bootstrap(columns, groups, partial(_minimum, arm=arm), resamples=resamples, seed=seed)
        for arm in (0, 1)  # the same seed draws the same groups
    )
    return float(np.corrcoef(one, other)[0, 1]) if one.std() > 0 and other.std() > 0 else 0.0


def _minimum(sums: Floats, _: Floats, *, arm: int) -> Floats:
    """Smallest mean of one arm over the cells that a resample holds, ``(b,)``."""
    sizes, *totals = np.split(sums, 3, axis=1)
    means = np.where(sizes > 0, totals[arm] / np.maximum(sizes, 1), np.inf)
    return np.asarray(means.min(axis=1), dtype=np.float64)


def _checked(values: Values, cells: Codes) -> tuple[Floats, Codes]:
    column, codes = checked(values), np.asarray(cells, dtype=np.int64)
    same_length(column, codes)
    return column, codes
