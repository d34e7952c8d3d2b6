"""Subgroup means at equal prevalence, and the same under labels dealt anew."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medaudit.image import keyed_rng
from medaudit.stats.clusters import Clusters, canonical, group_sums
from medaudit.stats.estimate import Codes, Floats

_BUDGET = 1_000_000
#: Fewest cases of each label in a stratum that is compared: a mean of fewer, weighted up, is noise.
_LEAST = 5


@dataclass(frozen=True, eq=False)
class Layout:
    """One attribute's cases, sorted: arrays over n cases, L labels and S strata.

    ``error`` is the standard error of each level under one variance per stratum, ``robust`` the
    cluster-robust one of its difference from ``common``; ``units`` of exchange lie in ``blocks``.
    """

    names: tuple[Hashable, ...]
    labels: Codes
    strata: Codes
    units: Codes
    unit_labels: Codes
    blocks: Codes
    residuals: Floats
    weights: Floats
    variances: Floats
    raw: Floats
    levels: Floats
    common: float
    error: Floats
    robust: Floats
    sizes: Codes
    groups: Codes
    n: int
    count: int
    matched: float
    bounded: bool


def layout(
    column: Floats,
    labels: Sequence[Hashable | None],
    strata: Sequence[Hashable] | None,
    cases: Clusters,
) -> Layout | None:
    """Arrange an attribute's labelled cases in the strata that every label has; None where there is none."""
    known = np.asarray([label is not None for label in labels], dtype=np.bool_)
    names = tuple(sorted({label for label in labels if label is not None}, key=canonical))
    index = {name: code for code, name in enumerate(names)}
    every = np.asarray([index.get(label, -1) for label in labels], dtype=np.int64)
    number = _numbered([0] * len(column) if strata is None else strata)
    kept = _comparable(every, number, known, len(names), 1 if strata is None else _LEAST)
    if not kept.any():
        return None
    stratum, group = _renumbered(number[kept]), cases.codes[kept]
    order = np.lexsort((every[kept], column[kept], stratum, group))
    values, codes, stratum = column[kept][order], every[kept][order], stratum[order]
    group = _renumbered(group[order])
    counts = _table(np.ones(len(values)), codes, stratum, len(names))
    means = _table(values, codes, stratum, len(names)) / counts
    shares = counts.sum(axis=0) / len(values)
    pooled = np.bincount(stratum, values) / np.bincount(stratum)
    residuals = values - pooled[stratum]
    variances = np.bincount(stratum, residuals**2) / np.bincount(stratum)
    # A cell's own mean takes one of its cases' freedom.
    residual = (values - means[codes, stratum]) * np.sqrt(counts / np.maximum(counts - 1, 1))[codes, stratum]
    influence = _influence(residual, codes, stratum, shares / counts, len(names))
    sums, count = group_sums(influence, group, int(group.max()) + 1), int(group.max()) + 1
    robust = np.sqrt((sums**2).sum(axis=0) * count / max(1, count - 1))
    members = np.zeros((len(names), count))
    members[codes, group] = 1
    units, unit_labels, blocks = _units(codes, group, stratum, len(names))
    return Layout(
        names=names,
        labels=codes,
        strata=stratum,
        units=units,
        unit_labels=unit_labels,
        blocks=blocks,
        residuals=residuals,
        weights=shares,
        variances=variances,
        raw=np.bincount(codes, values) / np.bincount(codes),
        levels=means @ shares,
        common=float(pooled @ shares),
        error=np.sqrt((shares**2 * variances / counts).sum(axis=1)),
        robust=robust,
        sizes=np.bincount(codes),
        groups=members.sum(axis=1).astype(np.int64),
        n=len(values),
        count=count,
        matched=float(kept.sum() / known.sum()),
        bounded=bool(np.abs(column).max(initial=0) <= 1),
    )


def deal(laid: Layout, cases: Clusters, name: str) -> Floats:
    """T of every label as observed, then under dealt labels: ``(1 + resamples, L)``; 0 without spread."""
    rng = keyed_rng("max_t", cases.seed, name)
    pieces: list[Floats] = [_statistics(laid, laid.labels[None])]
    chunk = max(1, _BUDGET // len(laid.labels))
    for start in range(0, cases.resamples, chunk):
        size = min(chunk, cases.resamples - start)
        order: Codes = np.argsort(laid.blocks + rng.random((size, len(laid.blocks))), axis=1)
        pieces.append(_statistics(laid, laid.unit_labels[order][:, laid.units]))
    return np.concatenate(pieces)


def _statistics(laid: Layout, codes: Codes) -> Floats:
    """T of every label for rows of labels ``(b, n)``: ``(b, L)``."""
    rows, count, width = len(codes), len(laid.names), int(laid.strata.max()) + 1
    cells: Codes = (np.arange(rows, dtype=np.int64)[:, None] * count + codes) * width + laid.strata
    shape = (rows, count, width)
    sizes = np.bincount(cells.ravel(), minlength=rows * count * width).reshape(shape)
    repeated = np.broadcast_to(laid.residuals, codes.shape).ravel()
    sums = np.bincount(cells.ravel(), repeated, rows * count * width).reshape(shape)
    present = np.maximum(sizes, 1)
    variance = np.where(sizes > 0, laid.weights**2 * laid.variances / present, 0.0).sum(axis=2)
    value = (sums / present) @ laid.weights
    value = np.where(np.abs(value) <= 1e-12, 0.0, value)
    return np.asarray(value / np.sqrt(np.maximum(variance, 1e-24)), dtype=np.float64)


def _table(values: Floats, codes: Codes, strata: Codes, count: int) -> Floats:
    """Sums of values by label and stratum, ``(L, S)``."""
    width = int(strata.max()) + 1
    sums = np.bincount(codes * width + strata, values, count * width)
    return np.asarray(sums.reshape(count, width), dtype=np.float64)


def _comparable(
    codes: Codes, strata: Codes, known: npt.NDArray[np.bool_], count: int, least: int
) -> npt.NDArray[np.bool_]:
    """Labelled cases of the strata in which each label has ``least`` cases."""
    width = int(strata.max(initial=0)) + 1
    table = np.bincount(codes[known] * width + strata[known], minlength=count * width).reshape(count, width)
    shared = np.asarray((table >= least).all(axis=0), dtype=np.bool_)
    return known & shared[strata]


def _numbered(names: Sequence[Hashable]) -> Codes:
    index = {name: code for code, name in enumerate(sorted(dict.fromkeys(names), key=canonical))}
    return np.asarray([index[name] for name in names], dtype=np.int64)


def _renumbered(codes: Codes) -> Codes:
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def _influence(residuals: Floats, codes: Codes, strata: Codes, weight: Floats, count: int) -> Floats:
    """What each case adds to the error of each label's level less the common mean, ``(n, L)``."""
    columns = np.repeat(-residuals[:, None] / len(residuals), count, axis=1)
    columns[np.arange(len(codes)), codes] += residuals * weight[codes, strata]
    return columns


def _units(codes: Codes, group: Codes, strata: Codes, count: int) -> tuple[Codes, Codes, Codes]:
    """Unit of each case, label and block of each unit: whole groups of one label, else single cases.

    Cases change labels within their group and stratum only: across strata, comparisons would be made within
    groups that the data make between them, and the null would be too narrow.
    """
    size = int(group.max()) + 1
    high, low = np.full(size, -1, np.int64), np.full(size, count, np.int64)
    np.maximum.at(high, group, codes)
    np.minimum.at(low, group, codes)
    pure = np.isin(group, np.flatnonzero(high == low))
    key = np.where(pure, group, size + np.arange(len(codes)))
    first, units = np.unique(key, return_index=True, return_inverse=True)[1:]
    blocks = np.where(pure[first], 0, 1 + group[first] * (int(strata.max()) + 1) + strata[first])
    return units.astype(np.int64), codes[first], blocks.astype(np.int64)
