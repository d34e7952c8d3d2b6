"""How much of a difference between two sets of cases is a difference of what they are asked?"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from medaudit.stats.clusters import Clusters, average, clusters, group_codes, shrunken_effect, straying
from medaudit.stats.estimate import Codes, Estimate, Floats, Groups, Values, checked, same_length
from medaudit.stats.intervals import wilson_limits

NO_COUNTERPART = "no case inside has two counterparts of its kind among the rest"
OUT_OF_RANGE = "scores outside [0, 1]: no interval can be computed"
ONE_GROUP = "one group on a side: no interval can be computed"
#: A stratum whose share among the rest rests on one case says nothing about its spread.
LEAST = 2


@dataclass(frozen=True)
class Standardised:
    """The parts of a drop. ``covered`` is the share of inside cases that have counterparts."""

    drop: Estimate
    by_priors: Estimate
    covered: float
    strata: int


def standardised_drop(
    inside: Values,
    strata_inside: Sequence[Hashable],
    groups_inside: Groups,
    rest: Values,
    strata_rest: Sequence[Hashable],
    groups_rest: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Standardised:
    """By how much would the rest do better if it were asked the mix of things that is asked inside?

    With p_s the share of stratum s inside, a_s and b_s the accuracies inside and of the rest there, and A, B
    the accuracies over all cases (direct standardisation; Kitagawa 1955)::

        drop       sum_s p_s (b_s - a_s)      over strata with two cases or more among the rest
        by_priors  (B - A) - drop             what a change of the mix makes, and cases without counterpart

    The interval of ``drop`` takes a Wilson interval per stratum and side, at sizes over the side's design
    effect, and joins them by MOVER (Yan and Su 2010); that of ``by_priors`` is linearised over groups. Groups
    on both sides count as different ones for ``drop``, which can only widen it. No p-values. ``resamples``
    is taken for likeness with other methods and not used. ValueError for columns of unequal length.
    """
    a, b = checked(inside, "inside"), checked(rest, "rest")
    codes, count = group_codes([*groups_inside, *groups_rest])
    numbers = {name: k for k, name in enumerate(dict.fromkeys([*strata_inside, *strata_rest]))}
    in_a = np.fromiter((numbers[name] for name in strata_inside), np.int64, len(strata_inside))
    in_b = np.fromiter((numbers[name] for name in strata_rest), np.int64, len(strata_rest))
    same_length(a, in_a)
    same_length(b, in_b)
    sides = (
        clusters(groups_inside, confidence, resamples, seed, a),
        clusters(groups_rest, confidence, resamples, seed, b),
    )
    table = _Table.of(a, in_a, b, in_b, len(numbers))
    n = len(a) + len(b)
    if not table.kept.any():
        nothing = Estimate(None, None, n, count, reason=NO_COUNTERPART)
        return Standardised(nothing, nothing, 0.0, 0)
    drop = table.drop()
    reason = _unfit(a, b, sides)
    interval = None if reason else _drop_interval(table, drop, a, b, sides)
    priors = average(b) - average(a) - drop
    half = 0.0 if reason else _half_width(table, a, in_a, b, in_b, codes, count, confidence)
    ends = None if reason else (priors - half, priors + half)
    return Standardised(
        Estimate(drop, interval, n, count, reason=reason),
        Estimate(priors, ends, n, count, reason=reason),
        float(table.size_a[table.kept].sum() / len(a)),
        int(table.kept.sum()),
    )


@dataclass(frozen=True)
class _Table:
    """Sums and sizes per stratum and side, ``(S,)``; ``kept`` marks the strata that are compared."""

    sum_a: Floats
    size_a: Floats
    sum_b: Floats
    size_b: Floats

    @classmethod
    def of(cls, a: Floats, in_a: Codes, b: Floats, in_b: Codes, count: int) -> _Table:
        columns = ((in_a, a), (in_a, np.ones(len(a))), (in_b, b), (in_b, np.ones(len(b))))
        return cls(*(np.bincount(codes, values, count).astype(np.float64) for codes, values in columns))

    @property
    def kept(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.asarray((self.size_a > 0) & (self.size_b >= LEAST))

    @property
    def share(self) -> Floats:
        """Shares of the kept strata inside, zero elsewhere."""
        sizes: Floats = np.where(self.kept, self.size_a, 0.0)
        return np.asarray(sizes / sizes.sum(), dtype=np.float64)

    @property
    def means(self) -> tuple[Floats, Floats]:
        return self.sum_a / np.maximum(self.size_a, 1), self.sum_b / np.maximum(self.size_b, 1)

    def drop(self) -> float:
        mean_a, mean_b = self.means
        return float((self.share * (mean_b - mean_a)).sum())


def _unfit(a: Floats, b: Floats, sides: tuple[Clusters, Clusters]) -> str:
    if min(a.min(), b.min()) < 0 or max(a.max(), b.max()) > 1:
        return OUT_OF_RANGE
    return ONE_GROUP if min(side.count for side in sides) < 2 else ""


def _drop_interval(
    table: _Table, drop: float, a: Floats, b: Floats, sides: tuple[Clusters, Clusters]
) -> tuple[float, float]:
    effects = [shrunken_effect(x, side, straying(x, side)) for x, side in zip((a, b), sides, strict=True)]
    down = up = 0.0
    mean_a, mean_b = table.means
    for s in np.flatnonzero(table.kept):
        limits = []
        for centre, size, effect, side in (
            (mean_a[s], table.size_a[s], effects[0], sides[0]),
            (mean_b[s], table.size_b[s], effects[1], sides[1]),
        ):
            limits.append(wilson_limits(float(centre), float(size) / effect, side.quantile(True)))
        (low_a, high_a), (low_b, high_b) = limits
        square = table.share[s] ** 2
        down += square * ((mean_b[s] - low_b) ** 2 + (high_a - mean_a[s]) ** 2)
        up += square * ((high_b - mean_b[s]) ** 2 + (mean_a[s] - low_a) ** 2)
    return drop - float(down) ** 0.5, drop + float(up) ** 0.5


def _half_width(
    table: _Table,
    a: Floats,
    in_a: Codes,
    b: Floats,
    in_b: Codes,
    codes: Codes,
    count: int,
    confidence: float,
) -> float:
    """Half the interval of ``by_priors``: each case's contribution, summed within groups."""
    _, mean_b = table.means
    share, drop = table.share, table.drop()
    kept = table.kept
    reach = kept[in_a] / max(1.0, float(table.size_a[kept].sum()))
    inside = (average(a) - a) / len(a) + (a - mean_b[in_a] + drop) * reach
    weight = np.where(kept, share / np.maximum(table.size_b, 1), 0.0)
    rest = (b - average(b)) / len(b) - weight[in_b] * (b - mean_b[in_b])
    sums = np.bincount(codes, np.concatenate([inside, rest]), count)
    error = (count / (count - 1) * float((sums**2).sum())) ** 0.5
    return float(stdtrit(count - 1, 0.5 + confidence / 2) * error)
