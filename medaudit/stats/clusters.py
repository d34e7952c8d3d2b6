"""Cases that belong together: group sums, their variance, and what clustering costs.

Every computation below is canonical: the order in which cases arrive changes no digit.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from medaudit.stats.estimate import Codes, Floats, Groups, Values, check_confidence, checked, same_length

# Below this share of the model variance a spread is rounding noise, not information.
_NOISE = 1e-12
# As many values as a right/wrong difference can take.
_FEW_VALUES = 3


@dataclass(frozen=True)
class Clusters:
    """The groups of a set of cases, and how intervals over them are made."""

    codes: Codes
    count: int
    confidence: float
    resamples: int
    seed: int

    @property
    def n(self) -> int:
        """Number of cases."""
        return len(self.codes)

    @property
    def sizes(self) -> Floats:
        """Cases per group, ``(G,)``."""
        return group_sizes(self.codes, self.count)

    def quantile(self, counted: bool, confidence: float | None = None) -> float:
        """Two-sided quantile for score intervals.

        Whole-number answers bring their own variance and only the design effect is estimated: normal for
        groups of one case, else Student with 2 G degrees of freedom (chosen by simulation, as the prior of
        `shrunken_effect` is). Graded scores: Student with G - 1.
        """
        upper = 0.5 + (confidence or self.confidence) / 2
        freedom = self._freedom(counted)
        return float(ndtri(upper)) if freedom is None else float(stdtrit(freedom, upper))

    def upper_tail(self, statistic: float, counted: bool) -> float:
        """One-sided p of a score statistic, by the law that `quantile` takes."""
        freedom = self._freedom(counted)
        return float(ndtr(-statistic)) if freedom is None else float(stdtr(freedom, -statistic))

    def _freedom(self, counted: bool) -> int | None:
        if counted and self.n == self.count:
            return None
        return 2 * self.count if counted else self.count - 1


def clusters(groups: Groups, confidence: float, resamples: int, seed: int, *columns: Floats) -> Clusters:
    """Number the groups and check that all columns belong to them."""
    check_confidence(confidence)
    codes, count = group_codes(groups)
    same_length(codes, *columns)
    return Clusters(codes, count, confidence, resamples, seed)


def group_codes(groups: Groups) -> tuple[Codes, int]:
    """Number the groups ``0 .. G-1`` by type and ``repr``; return ``(n,)`` codes and G."""
    listed: list[Any] = groups.tolist() if isinstance(groups, np.ndarray) else list(groups)
    ordered = sorted(dict.fromkeys(listed), key=canonical)
    index = {group: code for code, group in enumerate(ordered)}
    return np.fromiter((index[group] for group in listed), np.int64, len(listed)), len(ordered)


def canonical(key: Hashable) -> tuple[str, str]:
    """Sort key for hashables of any kind."""
    return type(key).__name__, repr(key)


def group_sums(columns: Floats, codes: Codes, count: int) -> Floats:
    """Sum an ``(n, k)`` array within groups: ``(G, k)``."""
    sums = np.empty((count, columns.shape[1]))
    for k, column in enumerate(columns.T):
        if not is_whole(column):
            # Floating sums depend on their order; sorting makes it the values' own.
            order = np.lexsort((column, codes))
            sums[:, k] = np.bincount(codes[order], weights=column[order], minlength=count)
        else:
            sums[:, k] = np.bincount(codes, weights=column, minlength=count)
    return sums


def group_sizes(codes: Codes, count: int) -> Floats:
    """Cases per group, ``(G,) float64``."""
    return np.bincount(codes, minlength=count).astype(np.float64)


def is_whole(column: Floats) -> bool:
    """Counts and right/wrong answers, as against graded scores."""
    return bool(np.array_equal(column, np.rint(column)))


def average(column: Floats) -> float:
    """Mean that does not depend on the order of the cases."""
    return float((column if is_whole(column) else np.sort(column)).sum() / len(column))


def linearised(values: Floats, codes: Codes, count: int) -> Floats:
    """Each group's contribution to the error of the mean, ``(G,)``, summing to zero."""
    sums = group_sums(values[:, None], codes, count)[:, 0]
    residuals: Floats = sums - sums.sum() / len(values) * group_sizes(codes, count)
    return residuals / len(values)


def mean_variance(values: Floats, codes: Codes, count: int) -> float:
    """Cluster-robust variance of a mean: ``G/(G-1) * sum_g (sum_i (x_i - mean))^2 / n^2``."""
    return float(count / (count - 1) * (linearised(values, codes, count) ** 2).sum())


def shrunken_effect(values: Floats, cases: Clusters, informative: int) -> float:
    """Design effect, at least 1, shrunk to that of groups which answer as one.

    ``(full + k raw) / (1 + k)`` with k = ``informative`` groups (those that stray from the common answer)
    and ``full = sum m_g^2 / n``: where hardly any group strays, the spread between groups is a guess.
    """
    full = float((cases.sizes**2).sum()) / cases.n
    simple = float(np.sort(values).var()) * cases.n / max(1, cases.n - 1)
    if simple <= _NOISE * max(1e-12, float((values**2).max())):
        return full
    raw = mean_variance(values, cases.codes, cases.count) * cases.n / simple
    return max(1.0, (full + informative * raw) / (1 + informative))


def effective_size(values: Floats, cases: Clusters, model: float, informative: int) -> float:
    """Independent cases that would carry as much about the mean: ``model / variance of the mean``.

    ``model`` is the variance of one case under the score model; for right/wrong answers the result is
    n / design effect, for graded scores it may exceed n.
    """
    effect = shrunken_effect(values, cases, informative)
    spread = float(np.sort(values).var())
    weight = model / spread if spread > _NOISE * model and model > 0 else 1.0
    return cases.n / effect * weight


def straying(column: Floats, cases: Clusters) -> int:
    """Groups in which some case differs from the most common value; all groups where none is common."""
    distinct, counts = np.unique(column, return_counts=True)
    common = distinct[counts == counts.max()]
    if len(common) > _FEW_VALUES:
        return cases.count
    return min(len(np.unique(cases.codes[column != value])) for value in common)


def design_effect(values: Values, groups: Groups) -> float:
    """By how much does clustering inflate the variance of the mean?

    Cluster-robust variance over the variance of as many independent cases (Kish 1965); 1.0 when it cannot
    be told (fewer than two groups, or all values equal). Multiply a required n by it.
    """
    array = checked(values)
    codes, count = group_codes(groups)
    same_length(array, codes)
    if count < 2:
        return 1.0
    simple = float(array.var(ddof=1)) / len(array)
    if simple <= _NOISE * max(_NOISE, float((array**2).max())):
        return 1.0
    return mean_variance(array, codes, count) / simple
