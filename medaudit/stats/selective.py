"""Selective answering: how much risk is left when the least confident answers are set aside?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaudit.stats.bootstrap import percentile_interval
from medaudit.stats.clusters import clusters
from medaudit.stats.estimate import NO_CASES, ONE_GROUP, Codes, Estimate, Floats, Groups, Values, checked

_BUDGET = 4_000_000


@dataclass(frozen=True)
class RiskCoverage:
    """``area`` under the curve; ``risk`` is ``(n,)``, the risk of the k most confident, k = 1 .. n."""

    area: Estimate
    risk: Floats
    best: float | None


def risk_coverage(
    confidences: Values,
    right: Values,
    groups: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> RiskCoverage:
    """Are the model's wrong answers its least confident ones? Area under the risk-coverage curve::

        AURC = 1/n sum_k (wrong among the k most confident) / k

    (Geifman and El-Yaniv 2017, arXiv:1705.08500). Cases of equal confidence stand for all their orders, so a
    constant confidence gives exactly the error rate; ``best`` is the area with every wrong answer last.
    Interval: cluster bootstrap, expanded percentiles.
    """
    stated, hit = checked(confidences, "confidences"), checked(right, "right")
    cases = clusters(groups, confidence, resamples, seed, stated, hit)
    if not cases.n:
        return RiskCoverage(Estimate(None, None, 0, 0, reason=NO_CASES), np.empty(0), None)
    order = np.lexsort((cases.codes, hit, -stated))
    wrong, codes = 1 - hit[order], cases.codes[order]
    starts: Codes = np.unique(-stated[order], return_index=True)[1]
    once = np.ones((1, cases.n))
    risk = _risks(once, wrong, starts)[0]
    value = float(risk.mean())
    best = float(_risks(once, np.sort(wrong), np.arange(cases.n)).mean())
    if cases.count == 1:
        return RiskCoverage(Estimate(value, None, cases.n, 1, reason=ONE_GROUP), risk, best)
    rng = np.random.default_rng(seed)
    chunk = max(1, _BUDGET // (4 * cases.n))
    draws = []
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        drawn = rng.multinomial(cases.count, np.full(cases.count, 1 / cases.count), size=size)
        weights = drawn[:, codes].astype(np.float64)
        draws.append((weights * _risks(weights, wrong, starts)).sum(axis=1) / weights.sum(axis=1))
    interval = percentile_interval(np.concatenate(draws), cases.count, confidence)
    # The percentiles of a skewed law may stop short of a value at its edge.
    interval = (min(interval[0], value), max(interval[1], value))
    return RiskCoverage(Estimate(value, interval, cases.n, cases.count), risk, best)


def _risks(weights: Floats, wrong: Floats, starts: Codes) -> Floats:
    """Risk at each place for case weights ``(b, n)``; the wrong ones of a tie are spread evenly over it."""
    sizes = np.diff(np.append(starts, len(wrong)))
    tied = np.add.reduceat(weights, starts, axis=1)
    spread = np.add.reduceat(weights * wrong, starts, axis=1) / np.maximum(tied, 1e-300)
    errors = np.cumsum(weights * np.repeat(spread, sizes, axis=1), axis=1)
    covered = np.cumsum(weights, axis=1)
    return np.asarray(errors / np.maximum(covered, 1e-300), dtype=np.float64)
