"""The range of subgroup means beside the range that chance alone makes."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medaudit.stats.clusters import Clusters, canonical, clusters, group_sizes, group_sums
from medaudit.stats.estimate import NO_CASES, Codes, Estimate, Floats, Groups, Values, checked, same_length
from medaudit.stats.estimates import mean
from medaudit.stats.unpaired import unpaired_difference

ONE_LABEL = "one label: there is no gap to measure"


@dataclass(frozen=True)
class Gap:
    """``estimate`` is the raw max - min; ``interval`` belongs to ``excess``, the gap less its null mean."""

    estimate: float | None
    null_mean: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    by_label: Mapping[Hashable, Estimate]
    n: int
    groups: int
    reason: str = ""

    @property
    def excess(self) -> float | None:
        """What the gap has beyond chance."""
        return None if self.estimate is None or self.null_mean is None else self.estimate - self.null_mean


def gap(
    values: Values,
    labels: Sequence[Hashable],
    groups: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Gap:
    """How far apart are the subgroups, beyond what as many subgroups without a difference would show?

    The range of L means is biased upwards (.166 expected for five equal groups of 50 at p = .5), so its
    permutation mean is reported and subtracted. Labels are dealt anew among groups; in a group that holds
    several labels, among its cases. p is max-T over labels (Westfall and Young 1993): the largest deviation
    of any label from its permutation mean in permutation standard deviations; the p-values in ``by_label``
    are adjusted alike. The interval is that of the difference between the two extreme labels, moved by the
    null mean: close to nominal for a clear gap, conservative without one.
    """
    column = checked(values)
    cases = clusters(groups, confidence, resamples, seed, column)
    names = sorted(dict.fromkeys(labels), key=canonical)
    index = {name: code for code, name in enumerate(names)}
    label_codes = np.fromiter((index[label] for label in labels), np.int64)
    same_length(column, label_codes)
    by_label = _each(column, label_codes, names, cases)
    if len(names) < 2:
        reason = ONE_LABEL if cases.n else NO_CASES
        return Gap(None, None, None, None, by_label, cases.n, cases.count, reason)
    permuted = np.stack(list(_permuted_means(column, label_codes, len(names), cases)))
    adjusted = _max_t(permuted)
    by_label = {
        name: replace(by_label[name], p_value=p) for name, p in zip(names, adjusted.tolist(), strict=True)
    }
    ranges = np.ptp(permuted, axis=1)
    return _assembled(column, label_codes, permuted[0], float(ranges[1:].mean()), by_label, cases)


def _each(
    column: Floats, label_codes: Codes, names: list[Hashable], cases: Clusters
) -> dict[Hashable, Estimate]:
    estimates = {}
    for code, name in enumerate(names):
        chosen = label_codes == code
        estimates[name] = mean(
            column[chosen],
            cases.codes[chosen],
            confidence=cases.confidence,
            resamples=cases.resamples,
            seed=cases.seed,
        )
    return estimates


def _assembled(
    column: Floats,
    label_codes: Codes,
    means: Floats,
    null_mean: float,
    by_label: Mapping[Hashable, Estimate],
    cases: Clusters,
) -> Gap:
    top, bottom = label_codes == means.argmax(), label_codes == means.argmin()
    if means.max() == means.min():
        # Equal means: compare the two smallest subgroups, which could hide the most.
        smallest = np.argsort(np.bincount(label_codes))[:2]
        top, bottom = (label_codes == code for code in smallest)
    between = unpaired_difference(
        column[top],
        cases.codes[top],
        column[bottom],
        cases.codes[bottom],
        confidence=cases.confidence,
        # Its p-value is not used; only values beyond [-1, 1] need resamples for their interval.
        resamples=0 if np.abs(column).max() <= 1 else cases.resamples,
        seed=cases.seed,
    )
    interval = between.interval and (between.interval[0] - null_mean, between.interval[1] - null_mean)
    p_value = min(estimate.p_value or 0.0 for estimate in by_label.values())
    spread = float(means.max() - means.min())
    return Gap(spread, null_mean, interval, p_value, by_label, cases.n, cases.count, between.reason)


def _permuted_means(column: Floats, label_codes: Codes, count: int, cases: Clusters) -> Iterator[Floats]:
    """Label means as observed, then under permuted labels: ``1 + resamples`` times ``(L,)``."""
    sums, sizes, labels, blocks = _units(column, label_codes, count, cases)
    rng = np.random.default_rng(cases.seed)
    dealt = labels
    single_block = bool((blocks == blocks[0]).all())
    for draw in range(1 + cases.resamples):
        if draw:
            order = (
                rng.permutation(len(labels)) if single_block else np.argsort(blocks + rng.random(len(blocks)))
            )
            dealt = labels[order]
        yield np.bincount(dealt, sums, count) / np.bincount(dealt, sizes, count)


def _units(
    column: Floats, label_codes: Codes, count: int, cases: Clusters
) -> tuple[Floats, Floats, Codes, Codes]:
    """What keeps together under permutation: whole groups of one label (block 0), else cases (own block)."""
    order = np.lexsort((label_codes, column, cases.codes))
    column, label_codes, codes = column[order], label_codes[order], cases.codes[order]
    high = np.full(cases.count, -1)
    low = np.full(cases.count, count)
    np.maximum.at(high, codes, label_codes)
    np.minimum.at(low, codes, label_codes)
    pure = high == low
    loose = ~pure[codes]
    sums = group_sums(column[:, None], codes, cases.count)[pure, 0]
    sizes = group_sizes(codes, cases.count)[pure]
    return (
        np.concatenate([sums, column[loose]]),
        np.concatenate([sizes, np.ones(int(loose.sum()))]),
        np.concatenate([high[pure], label_codes[loose]]),
        np.concatenate([np.zeros(int(pure.sum()), np.int64), codes[loose] + 1]),
    )


def _max_t(permuted: Floats) -> Floats:
    """Adjusted p of each label in row 0 among all rows, ``(L,)``."""
    spread = permuted.std(axis=0)
    scale = np.where(spread > 1e-12, spread, np.inf)
    distances = np.abs(permuted - permuted.mean(axis=0)) / scale
    largest = distances.max(axis=1)
    p_values: Floats = (largest[:, None] >= distances[0] * (1 - 1e-9)).mean(axis=0)
    return p_values
