"""Expected calibration error without the bias that chance gives it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaudit.stats.clusters import Clusters, clusters, group_sums
from medaudit.stats.estimate import NO_CASES, ONE_GROUP, Codes, Estimate, Floats, Groups, Values, checked
from medaudit.stats.estimates import mean

BINS = 10
#: Fewest cases that a bin holds.
_LEAST = 10
#: Draws times cases, and draws at least: a second on one core.
_BUDGET = 1_000_000
_FEWEST_DRAWS = 200
_STEPS = 14


@dataclass(frozen=True)
class Bin:
    """One row of a reliability diagram; ``interval`` is that of the accuracy, clustered by group."""

    n: int
    low: float
    high: float
    confidence: float
    accuracy: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class CalibrationError:
    """``error`` is debiased; ``plain`` is the textbook sum; ``null_mean`` what ``plain`` is by chance alone.

    ``null_interval`` holds the middle ``confidence`` of plain errors of a perfectly calibrated model with
    these confidences, and ``error.p_value`` is the share of them that reach ``plain``.
    """

    error: Estimate
    plain: float | None
    null_mean: float | None
    null_interval: tuple[float, float] | None
    bins: tuple[Bin, ...]


def calibration_error(
    confidences: Values,
    right: Values,
    groups: Groups,
    *,
    bins: int = BINS,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> CalibrationError:
    """How far is stated confidence from the share of right answers, beyond what chance makes of none?

    ``confidences`` and ``right`` are ``(n,)`` in [0, 1]. Cases are cut into up to ``bins`` bins of equal
    mass, at least 10 cases each; equal confidences stay in one bin. The textbook error::

        plain = sum_b n_b / n |mean confidence_b - accuracy_b|

    is above 0 for a perfectly calibrated model (Roelofs et al. 2022, arXiv:2012.08668; Kumar et al. 2019,
    arXiv:1909.10155). It is debiased by inverting its own law: models whose gaps are t times the observed
    ones, t from 0, are simulated on these confidences and groups, and ``error`` is the true error of the one
    whose median ``plain`` is the observed one (0 where calibrated models exceed it half of the time). The
    interval holds the true errors whose simulated range holds the observed one: its lower end is 0 unless
    calibration is rejected. Cases of a group share their luck with a probability that gives the observed
    correlation. Draws are fewer than ``resamples`` where n is large (a million numbers in all, 200 draws at
    least). ValueError outside [0, 1].
    """
    stated, hit = checked(confidences, "confidences"), checked(right, "right")
    cases = clusters(groups, confidence, resamples, seed, stated, hit)
    if len(stated) and (min(stated.min(), hit.min()) < 0 or max(stated.max(), hit.max()) > 1):
        raise ValueError("confidences and right: numbers from 0 to 1 are needed")
    if not cases.n:
        return CalibrationError(Estimate(None, None, 0, 0, reason=NO_CASES), None, None, None, ())
    # Sorted, so that the order of arrival changes no draw.
    order = np.lexsort((cases.codes, hit, stated))
    stated, hit, codes = stated[order], hit[order], cases.codes[order]
    starts = bin_starts(stated, bins)
    rows = tuple(_rows(stated, hit, codes, starts, cases))
    model = _Model(stated, hit, codes, starts, cases)
    null = model.draws(0.0)
    tail = 0.5 - confidence / 2
    low, high = (float(q) for q in np.quantile(null, [tail, 1 - tail]))
    p_value = (1 + int((null >= model.plain - 1e-12).sum())) / (1 + len(null))
    value = model.inverted(0.5)
    # One group says nothing about how groups differ.
    interval = None if cases.count == 1 else (model.inverted(1 - tail), model.inverted(tail, upper=True))
    reason = ONE_GROUP if cases.count == 1 else ""
    error = Estimate(value, interval, cases.n, cases.count, p_value if interval else None, reason)
    return CalibrationError(error, model.plain, float(null.mean()), (low, high), rows)


def bin_starts(ordered: Floats, bins: int) -> Codes:
    """First index of each bin of sorted confidences; equal ones are never parted."""
    count = max(1, min(bins, len(ordered) // _LEAST))
    cuts = np.linspace(0, len(ordered), count + 1)[:-1].round().astype(np.int64)
    least, starts = min(_LEAST, len(ordered)), [0]
    for start in np.unique(np.searchsorted(ordered, ordered[cuts], side="left")).tolist():
        # A run of equal confidences may leave a splinter beside it; it stays with its neighbour.
        if start - starts[-1] >= least and len(ordered) - start >= least:
            starts.append(start)
    return np.asarray(starts, dtype=np.int64)


def _rows(stated: Floats, hit: Floats, codes: Codes, starts: Codes, cases: Clusters) -> list[Bin]:
    rows = []
    for begin, end in zip(starts, [*starts[1:], len(stated)], strict=True):
        part = slice(begin, end)
        accuracy = mean(hit[part], codes[part], confidence=cases.confidence, resamples=0, seed=cases.seed)
        rows.append(
            Bin(
                int(end - begin),
                float(stated[begin]),
                float(stated[end - 1]),
                float(stated[part].mean()),
                float(hit[part].mean()),
                accuracy.interval,
            )
        )
    return rows


class _Model:
    """Answers simulated with given gaps between confidence and accuracy."""

    def __init__(self, stated: Floats, hit: Floats, codes: Codes, starts: Codes, cases: Clusters) -> None:
        self.stated, self.starts = stated, starts
        self.sizes = np.diff(np.append(starts, len(stated))).astype(np.float64)
        gaps = (np.add.reduceat(hit, starts) - np.add.reduceat(stated, starts)) / self.sizes
        self.plain = self._summed(gaps)
        # A bin without any gap still gets a direction to err in, so that an upper end exists.
        side = np.where(gaps != 0, np.sign(gaps), np.where(self._means(stated) > 0.5, -1.0, 1.0))
        self.ray = side * np.maximum(np.abs(gaps), 0.1 / len(stated))
        bin_of = np.repeat(np.arange(len(starts)), self.sizes.astype(np.int64))
        self.bin_of = bin_of
        shared = _shared_luck(hit - stated - gaps[bin_of], np.sqrt(stated * (1 - stated)), codes, cases)
        self.luck = _luck(codes, cases, shared)

    def draws(self, t: float) -> Floats:
        """Plain errors of simulated samples whose true gaps are t times the observed ones, ``(S,)``."""
        rates = np.clip(self.stated + t * self.ray[self.bin_of], 0, 1)
        right = (self.luck < rates).astype(np.float64)
        gaps = (np.add.reduceat(right, self.starts, axis=1) - np.add.reduceat(self.stated, self.starts)) / (
            self.sizes
        )
        return np.asarray(np.abs(gaps) @ self.sizes / len(self.stated), dtype=np.float64)

    def truth(self, t: float) -> float:
        """The error that those samples estimate."""
        return self._summed(self._means(np.clip(self.stated + t * self.ray[self.bin_of], 0, 1) - self.stated))

    def inverted(self, share: float, *, upper: bool = False) -> float:
        """True error at which the ``share`` quantile of the simulated errors reaches the observed one.

        0 where that of a calibrated model does; an upper end is where it passes it.
        """
        slack = 1e-12 if upper else -1e-12

        def beyond(t: float) -> bool:
            return float(np.quantile(self.draws(t), share)) >= self.plain + slack

        if beyond(0.0):
            return 0.0
        low, high = 0.0, 1.0
        while not beyond(high) and self.truth(high) > self.truth(low):
            low, high = high, 2 * high
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (low, middle) if beyond(middle) else (middle, high)
        return self.truth(high)

    def _means(self, values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, self.starts) / self.sizes, dtype=np.float64)

    def _summed(self, gaps: Floats) -> float:
        return float((np.abs(gaps) * self.sizes).sum() / len(self.stated))


def _shared_luck(residuals: Floats, scale: Floats, codes: Codes, cases: Clusters) -> float:
    """Correlation of residuals within groups, from all pairs: ``sum r_i r_j / sum s_i s_j``, in [0, 1]."""
    sums = group_sums(np.column_stack([residuals, scale]), codes, cases.count)
    squares = group_sums(np.column_stack([residuals**2, scale**2]), codes, cases.count)
    products, scales = (sums**2 - squares).sum(axis=0)
    return float(np.clip(products / scales, 0, 1)) if scales > 0 else 0.0


def _luck(codes: Codes, cases: Clusters, shared: float) -> Floats:
    """Uniform numbers ``(S, n)``; two cases of a group take their group's one with probability ``shared``."""
    n = len(codes)
    size = max(1, min(cases.resamples, max(_FEWEST_DRAWS, _BUDGET // n)))
    rng = np.random.default_rng(cases.seed)
    own = rng.random((size, n))
    if shared == 0 or cases.count == n:
        return own
    common = rng.random((size, cases.count))[:, codes]
    return np.where(rng.random((size, n)) < shared**0.5, common, own)
