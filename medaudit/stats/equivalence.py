"""Equivalence: is a difference small enough not to matter?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaudit.stats.clusters import Clusters, average, clusters, is_whole, mean_variance
from medaudit.stats.estimate import NO_CASES, ONE_GROUP, Floats, Groups, Values, checked
from medaudit.stats.estimates import NO_SPREAD
from medaudit.stats.score import difference_limits, difference_statistic
from medaudit.stats.score_means import holding, signed_model


@dataclass(frozen=True)
class Tost:
    """Two one-sided tests. ``interval`` has confidence 1 - 2 alpha: equivalent when it lies in the margin."""

    p_value: float | None
    equivalent: bool
    estimate: float | None
    interval: tuple[float, float] | None
    n: int
    groups: int
    reason: str = ""


def tost(differences: Values, groups: Groups, margin: float, *, confidence: float = 0.95) -> Tost:
    """Does the mean paired difference lie within ``(-margin, margin)``? (Schuirmann 1987)

    p is the larger of the two one-sided p-values, from the score statistic of `difference` (Student's t on
    the clustered mean for differences beyond [-1, 1]); equivalent when it is below ``1 - confidence``. No
    difference at all is no proof: with few groups the answer stays False.
    """
    if not margin > 0:
        raise ValueError(f"margin {margin} given; it must be above 0")
    column = checked(differences, "differences")
    cases = clusters(groups, confidence, 0, 0, column)
    if not cases.n:
        return Tost(None, False, None, None, 0, 0, NO_CASES)
    if cases.count == 1:
        return Tost(None, False, average(column), None, cases.n, 1, ONE_GROUP)
    judged = _score(cases, column, margin) if np.abs(column).max() <= 1 else _student(cases, column, margin)
    if judged is None:
        return Tost(None, False, average(column), None, cases.n, cases.count, NO_SPREAD)
    p_value, interval = judged
    return Tost(p_value, p_value < 1 - confidence, average(column), interval, cases.n, cases.count)


def _score(cases: Clusters, column: Floats, margin: float) -> tuple[float, tuple[float, float]]:
    up, down, size = signed_model(cases, column)
    counted = is_whole(column)
    above = difference_statistic(up, down, size, -margin)
    below = difference_statistic(up, down, size, margin)
    p_value = max(cases.upper_tail(above, counted), cases.upper_tail(-below, counted))
    limits = difference_limits(up, down, size, cases.quantile(counted, 2 * cases.confidence - 1))
    return p_value, holding(average(column), limits)


def _student(cases: Clusters, column: Floats, margin: float) -> tuple[float, tuple[float, float]] | None:
    error = mean_variance(column, cases.codes, cases.count) ** 0.5
    centre = average(column)
    if error <= 1e-12 * abs(centre):
        return None
    p_value = cases.upper_tail((margin - abs(centre)) / error, counted=False)
    half = cases.quantile(False, 2 * cases.confidence - 1) * error
    return p_value, (centre - half, centre + half)
