"""Scores of pairs: one question asked of two images whose right answers differ (MediConfusion).

A model that cannot tell the two apart gives both the same answer and is right once, as a coin would be on
average; single accuracy hides what the pair shows. Definitions: Sepehri et al. 2024, arXiv:2409.15477, 4.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrc, gammaln

from medaudit.stats.clusters import group_codes
from medaudit.stats.estimate import Estimate, Floats, Groups, same_length

Choices: TypeAlias = Sequence[Sequence[int]] | npt.NDArray[np.integer]

#: An answer that chooses no option. Options are numbered from 0.
INVALID = -1
NO_VALID_PAIR = "no pair has two valid answers: nothing is known of confusion"
NO_UNLIKE_PAIR = "no pair got two different valid answers: precision has no denominator"


@dataclass(frozen=True, eq=False)
class PairColumns:
    """Values per item, ``(2n,)``, both images of a pair in turn, and per pair, ``(n,)``.

    ``right`` and ``invalid`` are 1 or 0 per item. ``both`` is 1 where both items are right. ``same`` is 1
    where both chose one option, NaN unless both are valid; ``precise`` equals ``both`` where two different
    options were chosen, else NaN. ``direction`` is 1 for two right answers, -1 for the two exchanged, else 0.
    """

    right: Floats
    invalid: Floats
    both: Floats
    same: Floats
    precise: Floats
    direction: Floats


@dataclass(frozen=True)
class PairScores:
    """The five numbers with their intervals; the p-value of ``precision`` is one-sided."""

    individual: Estimate
    set: Estimate
    confusion: Estimate
    invalid: Estimate
    precision: Estimate


def pair_columns(chosen: Choices, right: Choices) -> PairColumns:
    """What became of each pair? ``chosen`` and ``right`` are ``(n, 2)`` option numbers, ``INVALID`` for none.

    The options of a pair are numbered alike for both images, whatever the order they were offered in.
    Raises ValueError for another shape and for a pair whose right answers are equal: it cannot be confused.
    """
    given, truth = _numbers(chosen, "chosen"), _numbers(right, "right")
    if given.shape != truth.shape:
        raise ValueError(f"chosen has {len(given)} pairs, right has {len(truth)}")
    if (truth < 0).any() or (truth[:, 0] == truth[:, 1]).any():
        raise ValueError("right: a confusing pair has two right answers, numbered from 0, that differ")
    hits = given == truth
    valid = (given >= 0).all(axis=1)
    same = valid & (given[:, 0] == given[:, 1])
    both = hits.all(axis=1).astype(np.float64)
    exchanged = (given == truth[:, ::-1]).all(axis=1)
    return PairColumns(
        right=hits.ravel().astype(np.float64),
        invalid=(given < 0).ravel().astype(np.float64),
        both=both,
        same=np.where(valid, same.astype(np.float64), np.nan),
        precise=np.where(valid & ~same, both, np.nan),
        direction=both - exchanged,
    )


def pair_scores(
    chosen: Choices,
    right: Choices,
    groups: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> PairScores:
    """Can the model tell the two images of a pair apart? Formulas, with N pairs and choices c1, c2 ::

        individual = right items / 2N                 invalid   = invalid items / 2N
        set        = pairs with both right / N        confusion = (c1 = c2) / pairs with two valid answers
        precision  = both right / pairs with two valid answers, c1 != c2

    The denominators differ: a model that refuses is not unconfused. ``groups`` is ``(n,)``, one per pair:
    pairs that share an image, directly or through others, are one group
    (:func:`~medaudit.stats.components.components`). Intervals are those of :func:`~medaudit.stats.mean` over
    these groups, which keep a width where every pair agrees and a bootstrap has none. The p-value of
    precision is :func:`sign_flip_test`: does the model see a difference and read it rightly more often than
    the wrong way round? A coin has individual 1/2, set 1/4, confusion 1/2 and precision 1/2; whoever never
    looks has 1/2, 0, 1 and no precision.
    """
    from medaudit.stats.estimates import mean  # loads scipy.signal: probes import this module

    columns = pair_columns(chosen, right)
    listed: list[Hashable] = groups.tolist() if isinstance(groups, np.ndarray) else list(groups)
    same_length(columns.both, np.zeros(len(listed)))
    items = [group for group in listed for _ in range(2)]

    def over(values: Floats, own: Sequence[Hashable], reason: str = "") -> Estimate:
        kept = np.flatnonzero(np.isfinite(values)).tolist()
        if reason and not len(kept):
            return Estimate(None, None, 0, 0, reason=reason)
        kin = [own[i] for i in kept]
        return mean(values[kept], kin, confidence=confidence, resamples=resamples, seed=seed)

    precision = over(columns.precise, listed, NO_UNLIKE_PAIR)
    return PairScores(
        individual=over(columns.right, items),
        set=over(columns.both, listed),
        confusion=over(columns.same, listed, NO_VALID_PAIR),
        invalid=over(columns.invalid, items),
        precision=replace(precision, p_value=sign_flip_test(columns.direction, listed))
        if precision.n
        else precision,
    )


def sign_test(right: int, n: int) -> float:
    """Are ``right`` of ``n`` independent unlike pairs more than a coin gives? One-sided, exact.

    ``P(X >= right)``, X binomial with n and 1/2. 1.0 for n = 0. ValueError unless 0 <= right <= n.
    """
    if not 0 <= right <= n:
        raise ValueError(f"{right} of {n} given; 0 <= right <= n is needed")
    return 1.0 if right == 0 else float(bdtrc(right - 1, n, 0.5))


def sign_flip_test(direction: Floats | Sequence[float], groups: Groups) -> float:
    """The sign test over groups that are not independent inside: exact, one-sided.

    ``direction`` is +1, -1 or 0 per pair. Under the null each group keeps or flips all its signs;
    ``P(sum >= observed)``. With groups of one pair it is `sign_test` over the pairs that are not 0.
    """
    signs = np.asarray(direction, dtype=np.float64)
    codes, count = group_codes(groups)
    same_length(signs, codes)
    sums = np.rint(np.bincount(codes, weights=signs, minlength=count)).astype(np.int64)
    law, observed = np.ones(1), int(sums.sum())
    sizes, counts = np.unique(np.abs(sums[sums != 0]), return_counts=True)
    for size, number in zip(sizes.tolist(), counts.tolist(), strict=True):
        k = np.arange(number + 1)
        step = np.zeros(2 * size * number + 1)
        step[:: 2 * size] = np.exp(
            gammaln(number + 1) - gammaln(k + 1) - gammaln(number - k + 1) - number * np.log(2)
        )
        law = np.convolve(law, step)
    # law[i] is the chance of a sum of i - span; the smallest terms are added first.
    span = (len(law) - 1) // 2
    return min(1.0, float(law[observed + span :][::-1].sum()))


def _numbers(choices: Choices, name: str) -> npt.NDArray[np.int64]:
    array = np.asarray(choices, dtype=np.int64)
    if array.size == 0:
        return np.zeros((0, 2), np.int64)
    if array.ndim != 2 or array.shape[1] != 2 or (array < INVALID).any():
        raise ValueError(f"{name}: (n, 2) option numbers from 0 are needed, {INVALID} for an invalid answer")
    return array
