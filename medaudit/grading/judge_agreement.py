"""How far do raters agree, and does the judge agree with them as well as they do with each other?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.grading.human_labels import HumanLabels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.stats import Estimate

    Floats = NDArray[np.float64]

#: A table of counts per case must stay small; mixed scales make a few levels more than five.
_MOST_LEVELS = 25


@dataclass(frozen=True)
class Agreement:
    """Kendall's tau-b (order alone) and quadratically weighted kappa (order and level), with intervals."""

    tau_b: Estimate
    kappa: Estimate
    n: int

    def to_dict(self) -> dict[str, Any]:
        """The agreement as a finding's data holds it."""
        table = asdict(self)
        for name in ("tau_b", "kappa"):
            ends = table[name]["interval"]
            table[name]["interval"] = list(ends) if ends else None
        return table


def agreement(
    first: Sequence[float],
    second: Sequence[float],
    groups: Sequence[str],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Agreement:
    """Agreement of two columns of scores on the same cases.

    With O the table of counts over the levels x, and E what its margins make by chance::

        tau_b = (concordant - discordant) / sqrt((pairs - ties_1) (pairs - ties_2))     Kendall 1945
        kappa = 1 - sum (x_i - x_j)^2 O_ij / sum (x_i - x_j)^2 E_ij                      Cohen 1968

    Intervals resample whole groups (cluster bootstrap, expanded percentiles). Undefined, with a reason, where
    a column holds one value only. ValueError for columns of unequal length or more than 25 levels.
    """
    from medaudit.stats.estimate import checked, same_length

    a, b = checked(first, "first"), checked(second, "second")
    same_length(a, b)
    levels = np.unique(np.concatenate([a, b]))
    k = len(levels)
    if k > _MOST_LEVELS:
        raise ValueError(f"{k} distinct scores given; at most {_MOST_LEVELS} levels are compared")
    cells = np.zeros((len(a), k * k))
    cells[np.arange(len(a)), np.searchsorted(levels, a) * k + np.searchsorted(levels, b)] = 1.0
    settings: dict[str, Any] = {"confidence": confidence, "resamples": resamples, "seed": seed}
    return Agreement(
        _estimated(cells, groups, lambda sums, _: tau_b(sums.reshape(-1, k, k)), **settings),
        _estimated(cells, groups, lambda sums, _: kappa(sums.reshape(-1, k, k), levels), **settings),
        len(a),
    )


def tau_b(tables: Floats) -> Floats:
    """Kendall's tau-b of ``(b, k, k)`` tables of counts, levels in rising order; NaN where undefined."""
    total = tables.sum(axis=(1, 2))
    # Sums over all cells below and to the left (right) of each, excluding its own row and column.
    less = np.cumsum(np.cumsum(tables, axis=1), axis=2)
    padded = np.pad(less, ((0, 0), (1, 0), (1, 0)))
    below_left = padded[:, :-1, :-1]
    below_right = padded[:, :-1, -1:] - padded[:, :-1, 1:]
    ordered = (tables * (below_left - below_right)).sum(axis=(1, 2))
    pairs = total * (total - 1) / 2
    ties = [(margin * (margin - 1) / 2).sum(axis=1) for margin in (tables.sum(axis=2), tables.sum(axis=1))]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(ordered / np.sqrt((pairs - ties[0]) * (pairs - ties[1])))


def kappa(tables: Floats, levels: Floats) -> Floats:
    """Quadratically weighted kappa of ``(b, k, k)`` tables of counts; NaN where chance leaves no distance."""
    apart = (levels[:, None] - levels[None, :]) ** 2
    total = tables.sum(axis=(1, 2))
    chance = tables.sum(axis=2)[:, :, None] * tables.sum(axis=1)[:, None, :]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - (apart * tables).sum(axis=(1, 2)) * total / (apart * chance).sum(axis=(1, 2)))


def human_human(
    labels: HumanLabels, groups: Mapping[str, str] | None = None, **settings: Any
) -> Agreement | None:
    """Agreement over all pairs of raters, their rows stacked; None with fewer than two raters in common."""
    rows = [
        (one[case], two[case], case)
        for one, two in combinations(labels.by_rater.values(), 2)
        for case in one
        if case in two
    ]
    return _stacked(rows, groups, **settings)


def human_judge(
    labels: HumanLabels,
    judged: Mapping[str, float | None],
    groups: Mapping[str, str] | None = None,
    **settings: Any,
) -> Agreement | None:
    """Agreement of the judge with each rater, their rows stacked, so that it compares with `human_human`."""
    rows = [
        (given[case], score, case)
        for given in labels.by_rater.values()
        for case in given
        if (score := judged.get(case)) is not None
    ]
    return _stacked(rows, groups, **settings)


def _stacked(
    rows: Sequence[tuple[float, float, str]], groups: Mapping[str, str] | None, **settings: Any
) -> Agreement | None:
    if not rows:
        return None
    first, second, cases = zip(*rows, strict=True)
    # Rows of one case belong together, whoever rated it.
    return agreement(first, second, [(groups or {}).get(case) or case for case in cases], **settings)


def _estimated(
    cells: Floats,
    groups: Sequence[str],
    statistic: Callable[[Floats, Floats], Floats],
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> Estimate:
    from medaudit.stats import Estimate, cluster_bootstrap
    from medaudit.stats.bootstrap import percentile_interval
    from medaudit.stats.estimate import ONE_GROUP

    n, count = len(cells), len(set(groups))
    value = float(statistic(cells.sum(axis=0)[None], np.asarray([float(n)]))[0]) if n else float("nan")
    if not np.isfinite(value):
        return Estimate(None, None, n, count, None, "one side gives the same score to every case")
    if count < 2:
        return Estimate(value, None, n, count, None, ONE_GROUP)
    draws = cluster_bootstrap(cells, groups, statistic, resamples=resamples, seed=seed)
    draws = draws[np.isfinite(draws)]
    low, high = percentile_interval(draws, count, confidence)
    return Estimate(value, (min(low, value), max(high, value)), n, count)
