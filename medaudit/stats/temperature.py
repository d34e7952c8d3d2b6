"""One number that makes confidences softer or sharper, fitted where it is not used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medaudit.stats.clusters import clusters, group_sums
from medaudit.stats.estimate import NO_CASES, ONE_GROUP, Codes, Estimate, Floats, Groups

#: Temperatures are looked for between these: beyond, confidences are all even or all certain.
COLDEST, HOTTEST = 0.02, 50.0
AT_A_BOUND = "no temperature fits: right answers are always, or never, the likeliest ones"
#: Log-likelihoods this far below the best are no longer told apart.
_FLOOR = 700.0


def probabilities(scores: Sequence[Sequence[float]], temperature: float = 1.0) -> list[Floats]:
    """Softmax of each case's option log-likelihoods over the temperature; rows may differ in length."""
    padded = _padded(scores)
    rows = _softmax(padded, 1 / temperature)
    return [row[: len(given)] for row, given in zip(rows, scores, strict=True)]


def fit_temperature(
    scores: Sequence[Sequence[float]], right: Sequence[int], groups: Groups, *, confidence: float = 0.95
) -> Estimate:
    """By which T must log-likelihoods be divided so that softmax probabilities are as honest as they can be?

    Maximum likelihood of the right options (Guo et al. 2017, arXiv:1706.04599): 1 is calibrated, above 1 is
    overconfident. ``scores`` are one row of log-likelihoods per case, ``right`` the index of the right
    option. Interval from the sandwich variance of log T, clustered by group. An estimate of None, with the
    reason, where the likelihood has no maximum between 0.02 and 50.
    """
    padded, index = _padded(scores), np.asarray(right, dtype=np.int64)
    cases = clusters(groups, confidence, 0, 0, index.astype(np.float64))
    if not cases.n:
        return Estimate(None, None, 0, 0, reason=NO_CASES)
    beta = _fitted(padded, index)
    if beta is None:
        return Estimate(None, None, cases.n, cases.count, reason=AT_A_BOUND)
    if cases.count == 1:
        return Estimate(1 / beta, None, cases.n, 1, reason=ONE_GROUP)
    slopes, curvature = _slopes(padded, index, beta)
    meat = float((group_sums(slopes[:, None], cases.codes, cases.count) ** 2).sum())
    spread = np.sqrt(cases.count / (cases.count - 1) * meat) / (float(curvature.sum()) * beta)
    reach = float(np.exp(min(50.0, cases.quantile(counted=False) * spread)))
    return Estimate(1 / beta, (1 / beta / reach, reach / beta), cases.n, cases.count)


def cross_fitted(
    scores: Sequence[Sequence[float]], right: Sequence[int], folds: Sequence[int]
) -> tuple[Floats, list[Floats]]:
    """Temperature of each case, fitted on all other folds, and its probabilities: ``(n,)`` and n rows.

    NaN where the other folds hold no case or no temperature fits them; those rows keep temperature 1.
    """
    padded, index, fold = _padded(scores), np.asarray(right, dtype=np.int64), np.asarray(folds)
    found = np.full(len(index), np.nan)
    for number in np.unique(fold):
        beta = _fitted(padded[fold != number], index[fold != number])
        if beta is not None:
            found[fold == number] = 1 / beta
    rows = _softmax(padded, 1 / np.where(np.isnan(found), 1.0, found)[:, None])
    return found, [row[: len(given)] for row, given in zip(rows, scores, strict=True)]


def _padded(scores: Sequence[Sequence[float]]) -> Floats:
    """``(n, K)`` log-likelihoods less each row's best, -inf where a row has no such option."""
    width = max((len(row) for row in scores), default=0)
    padded = np.full((len(scores), width), -np.inf)
    for number, row in enumerate(scores):
        values = np.asarray(row, dtype=np.float64)
        padded[number, : len(values)] = np.maximum(values - values.max(), -_FLOOR)
    return padded


def _softmax(padded: Floats, beta: float | Floats) -> Floats:
    powers = np.exp(padded * beta)
    rows: Floats = powers / powers.sum(axis=1, keepdims=True)
    return rows


def _slopes(padded: Floats, index: Codes, beta: float) -> tuple[Floats, Floats]:
    """Per case: slope of minus the log-likelihood in 1/T, and its curvature (the variance of the scores)."""
    rows, known = _softmax(padded, beta), np.where(np.isinf(padded), 0.0, padded)
    means = (rows * known).sum(axis=1)
    slopes = means - known[np.arange(len(index)), index]
    return slopes, (rows * known**2).sum(axis=1) - means**2


def _fitted(padded: Floats, index: Codes) -> float | None:
    """1/T of largest likelihood: its slope rises with 1/T, so its zero is bracketed and found."""
    from scipy.optimize import brentq

    if not len(index):
        return None

    def slope(log_beta: float) -> float:
        return float(_slopes(padded, index, float(np.exp(log_beta)))[0].sum())

    low, high = -np.log(HOTTEST), -np.log(COLDEST)
    if not slope(low) < 0 < slope(high):
        return None
    return float(np.exp(brentq(slope, low, high, xtol=1e-10)))
