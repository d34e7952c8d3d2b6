"""Area under the ROC curve over clustered cases, and how well a linear rule tells two sets apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from medaudit.stats.clusters import Clusters, clusters
from medaudit.stats.estimate import Codes, Estimate, Floats, Groups, Values, checked, same_length

Marks: TypeAlias = npt.NDArray[np.bool_]

ONE_SIDE = "no cases on one side"
ONE_GROUP_ON_A_SIDE = "one group on a side: no interval can be computed"
FOLDS = 5
#: Ridge, in units of the mean squared length of a case's features. Fixed: nothing is tuned on the labels.
RIDGE = 1.0
_BISECTIONS = 60


@dataclass(frozen=True)
class Separation:
    """``estimate`` is the cross-validated AUC with its interval; ``null_mean`` that under dealt labels."""

    estimate: Estimate
    null_mean: float | None


def auc(
    scores: Values,
    positive: Values,
    groups: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """How often does a positive case score above a negative one? ``P(s+ > s-) + P(s+ = s-) / 2``.

    The interval inverts the score test with Hanley and McNeil's variance (1982; Newcombe 2006, method 5),
    which has a width at AUC = 1 too, times the design effect: the variance of the placement values summed
    within groups (Obuchowski 1997) over that of independent cases (DeLong 1988). No p-value.
    """
    column, marks = checked(scores, "scores"), checked(positive, "positive") > 0.5
    cases = clusters(groups, confidence, resamples, seed, column)
    same_length(column, cases.codes, marks.astype(np.int64))
    return _estimated(column, marks, np.zeros(len(column), np.int64), cases)


def domain_auc(
    features: Floats,
    inside: Values,
    groups: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 500,
    seed: int = 0,
) -> Separation:
    """How well can cases inside a set be told from the others by their features? 0.5 not at all, 1 always.

    Features are ``(n, p)`` floats; their scale matters. A ridge rule (Fisher's discriminant, regularised) is
    fitted on four fifths of the groups and scores the rest, five times; AUC counts pairs within a fold alone,
    weighted by their number, so that folds need no common scale. The rule is linear in the labels, so each
    permutation refits every fold at the cost of one product. p is one-sided: labels are dealt anew among
    groups, and among the cases of a group that holds both. The interval is that of :func:`auc`, its design
    effect no smaller than what the permutations show at 0.5.

    No estimate where a side is empty or there are under two groups on one.
    """
    marks = checked(inside, "inside") > 0.5
    cases = clusters(groups, confidence, resamples, seed)
    same_length(marks.astype(np.int64), cases.codes, np.zeros(len(features), np.int64))
    if reason := _unfit(marks, cases):
        return Separation(Estimate(None, None, cases.n, cases.count, reason=reason), None)
    rng = np.random.default_rng(seed)
    folds = _folds(cases, rng)
    rule = _rule(np.asarray(features, dtype=np.float64), folds)
    dealt = np.column_stack([marks, *_dealt(marks, cases, resamples, rng)]).astype(bool)
    values = _areas(rule @ dealt.astype(np.float64), dealt, folds)
    null = values[1:]
    found = _estimated(rule @ marks.astype(np.float64), marks, folds, cases, float(np.var(null)))
    p_value = (1 + int((null >= values[0] - 1e-12).sum())) / (1 + len(null))
    estimate = Estimate(found.estimate, found.interval, found.n, found.groups, p_value, found.reason)
    return Separation(estimate, float(null.mean()) if len(null) else None)


def _unfit(marks: Marks, cases: Clusters) -> str:
    if marks.all() or not marks.any():
        return ONE_SIDE
    fewest = min(len(np.unique(cases.codes[marks == side])) for side in (True, False))
    return ONE_GROUP_ON_A_SIDE if fewest < 2 else ""


def _folds(cases: Clusters, rng: np.random.Generator) -> Codes:
    """Fold of each case; a group is in one fold."""
    fold_of: Codes = np.empty(cases.count, np.int64)
    fold_of[rng.permutation(cases.count)] = np.arange(cases.count) % min(FOLDS, cases.count)
    return fold_of[cases.codes]


def _rule(features: Floats, folds: Codes) -> Floats:
    """The matrix that takes labels to held-out scores, ``(n, n)``: kernel ridge on centred labels."""
    kernel = features @ features.T
    matrix = np.zeros_like(kernel)
    ridge = RIDGE * max(float(np.trace(kernel)) / len(kernel), 1e-12)
    for fold in np.unique(folds):
        test, train = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        own = kernel[np.ix_(train, train)]
        centre = np.eye(len(train)) - 1 / len(train)
        inverse = np.linalg.solve(centre @ own @ centre + ridge * np.eye(len(train)), centre)
        cross = kernel[np.ix_(test, train)] - own.mean(axis=0)
        matrix[np.ix_(test, train)] = cross @ centre @ inverse
    return matrix


def _dealt(marks: Marks, cases: Clusters, times: int, rng: np.random.Generator) -> Iterator[Marks]:
    """Labels under the null: dealt among groups of one label, and within groups of both."""
    inside = np.bincount(cases.codes, marks, cases.count)
    pure = (inside == 0) | (inside == cases.sizes)
    labels, whole = inside[pure] > 0, pure[cases.codes]
    loose = np.flatnonzero(~whole)
    place = np.cumsum(pure) - 1
    for _ in range(times):
        drawn = marks.copy()
        drawn[whole] = rng.permutation(labels)[place[cases.codes[whole]]]
        # Sorting by group with random ties shuffles the cases of each group alone.
        order = loose[np.argsort(cases.codes[loose] + rng.random(len(loose)), kind="stable")]
        drawn[np.sort(loose)[np.argsort(cases.codes[np.sort(loose)], kind="stable")]] = marks[order]
        yield drawn


def _areas(scores: Floats, marks: Marks, folds: Codes) -> Floats:
    """AUC of each column, over pairs within a fold; 0.5 where a column has no such pair."""
    won, pairs = np.zeros(scores.shape[1]), np.zeros(scores.shape[1])
    for fold in np.unique(folds):
        own = folds == fold
        ranks, here = rankdata(scores[own].round(12), axis=0), marks[own]
        m = here.sum(axis=0).astype(np.float64)
        won += (ranks * here).sum(axis=0) - m * (m + 1) / 2
        pairs += m * (len(here) - m)
    areas: Floats = np.divide(won, pairs, out=np.full(len(won), 0.5), where=pairs > 0)
    return areas


def _estimated(scores: Floats, marks: Marks, folds: Codes, cases: Clusters, null: float = 0.0) -> Estimate:
    if reason := _unfit(marks, cases):
        return Estimate(None, None, cases.n, cases.count, reason=reason)
    value = float(_areas(scores[:, None], marks[:, None], folds)[0])
    parts = _influence(scores, marks, folds, value)
    alone = float((parts**2).sum())
    together = float((np.bincount(cases.codes, parts, cases.count) ** 2).sum())
    full = float((cases.sizes**2).sum()) / cases.n
    m, n = int(marks.sum()), int((~marks).sum())
    effect = together / alone if alone > 1e-12 else full
    effect = max(1.0, effect, null / _model(0.5, m, n))
    spread = cases.quantile(False) * effect**0.5
    ends = _end(value, 0.0, m, n, spread), _end(value, 1.0, m, n, spread)
    return Estimate(value, (min(ends[0], value), max(ends[1], value)), cases.n, cases.count)


def _influence(scores: Floats, marks: Marks, folds: Codes, value: float) -> Floats:
    """Each case's contribution to the error of the AUC, ``(n,)``, from its placement among the others."""
    parts, pairs = np.zeros(len(scores)), 0.0
    for fold in np.unique(folds):
        own = np.flatnonzero(folds == fold)
        here, column = marks[own], scores[own].round(12)
        above = np.sign(column[here][:, None] - column[~here][None, :]) / 2 + 0.5 - value
        parts[own[here]], parts[own[~here]] = above.sum(axis=1), above.sum(axis=0)
        pairs += above.size
    return parts / max(pairs, 1.0)


def _model(area: float, m: int, n: int) -> float:
    """Hanley and McNeil's variance, with both sizes replaced by their mean in its numerator (Newcombe)."""
    more = (m + n) / 2 - 1
    return area * (1 - area) * (1 + more * ((1 - area) / (2 - area) + area / (1 + area))) / (m * n)


def _end(value: float, towards: float, m: int, n: int, spread: float) -> float:
    """The area farthest towards 0 or 1 that the score test does not reject."""
    near, far = value, towards
    for _ in range(_BISECTIONS):
        middle = (near + far) / 2
        kept = (value - middle) ** 2 <= spread**2 * _model(middle, m, n)
        near, far = (middle, far) if kept else (near, middle)
    return near
