"""Do two labels of clustered cases go together more than chance makes them?"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from medaudit.stats.association import cramers_v
from medaudit.stats.clusters import clusters
from medaudit.stats.estimate import Floats, Groups, same_length

_BUDGET = 20_000_000


@dataclass(frozen=True)
class Dependence:
    """Cramer's V, its mean when labels are dealt anew, and the share of deals that reach it."""

    v: float
    null_mean: float
    p_value: float


def dependence(
    x: Sequence[Hashable], y: Sequence[Hashable], groups: Groups, *, resamples: int = 500, seed: int = 0
) -> Dependence:
    """How strongly do two labels go together, and how strongly by chance? Cramer's V with a permutation p.

    ``x`` is dealt anew among the groups that hold one value of it, and among the cases of each other group;
    V grows with the number of values by chance alone, so it is to be read beside ``null_mean``.
    ValueError for columns of unequal length.
    """
    first, rows = _codes(x)
    second, columns = _codes(y)
    same_length(first, second)
    cases = clusters(groups, 0.95, resamples, seed)
    same_length(first, cases.codes)
    v = cramers_v(list(x), list(y))
    if min(rows, columns) < 2:
        return Dependence(v, 0.0, 1.0)
    rng = np.random.default_rng(seed)
    marks = np.eye(columns)[second]
    null = np.asarray([_v(dealt, marks, rows) for dealt in _dealt(first, cases.codes, resamples, rng)])
    p_value = (1 + int((null >= v - 1e-9).sum())) / (1 + len(null))
    return Dependence(v, float(null.mean()) if len(null) else 0.0, p_value)


def _codes(labels: Sequence[Hashable]) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], int]:
    index = {label: code for code, label in enumerate(dict.fromkeys(labels))}
    return np.fromiter((index[label] for label in labels), np.int64, len(labels)), len(index)


def _dealt(
    labels: np.ndarray[tuple[int], np.dtype[np.int64]],
    codes: np.ndarray[tuple[int], np.dtype[np.int64]],
    times: int,
    rng: np.random.Generator,
) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    count = int(codes.max()) + 1
    low, high = np.full(count, labels.max() + 1), np.full(count, -1)
    np.minimum.at(low, codes, labels)
    np.maximum.at(high, codes, labels)
    pure = low == high
    place, whole = np.cumsum(pure) - 1, pure[codes]
    loose = np.flatnonzero(~whole)
    by_group = loose[np.argsort(codes[loose], kind="stable")]
    dealt = []
    for _ in range(times):
        drawn = labels.copy()
        drawn[whole] = rng.permutation(low[pure])[place[codes[whole]]]
        drawn[by_group] = labels[loose[np.argsort(codes[loose] + rng.random(len(loose)), kind="stable")]]
        dealt.append(drawn)
    return dealt


def _v(labels: np.ndarray[tuple[int], np.dtype[np.int64]], marks: Floats, rows: int) -> float:
    table = np.stack([np.bincount(labels, column, rows) for column in marks.T])
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    chi = ((table - expected) ** 2 / np.maximum(expected, 1e-12)).sum()
    smaller = min(int((table.sum(axis=1) > 0).sum()), int((table.sum(axis=0) > 0).sum()))
    return float(min(1.0, (chi / table.sum() / (smaller - 1)) ** 0.5)) if smaller > 1 else 0.0
