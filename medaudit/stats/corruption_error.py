"""Errors under corruption in units of a reference's errors, with guarded denominators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medaudit.stats.clusters import (
    Clusters,
    clusters,
    group_codes,
    group_sizes,
    group_sums,
    is_whole,
    shrunken_effect,
    straying,
)
from medaudit.stats.estimate import (
    NO_CASES,
    ONE_GROUP,
    Estimate,
    Floats,
    Groups,
    Values,
    checked,
    same_length,
)
from medaudit.stats.intervals import wilson_limits
from medaudit.stats.score_means import holding

#: A reference that errs, or loses, less than this is no yardstick.
LEAST = 0.01
# A spread below this is rounding.
_NOISE = 1e-12


@dataclass(frozen=True)
class CorruptionError:
    """``mean`` and ``median`` over the corruptions in ``ratios``; ``undefined`` says why others have none."""

    mean: float | None
    median: float | None
    ratios: Mapping[str, float]
    undefined: Mapping[str, str]


def mean_corruption_error(
    errors: Mapping[str, Sequence[float]], reference: Mapping[str, Sequence[float]], *, least: float = LEAST
) -> CorruptionError:
    """How much does the model err under corruption, in units of a reference model's errors there?

    ``mCE = mean_c [sum_s E(c, s) / sum_s E_ref(c, s)]`` (Hendrycks and Dietterich 2019, arXiv:1903.12261;
    with balanced errors it is the BE of MedMNIST-C, arXiv:2406.17536). One error in [0, 1] per severity, the
    same severities on both sides. A corruption under which the reference errs less than ``least`` on average,
    or that it lacks, is undefined, with the reason, and left out of mean and median. ValueError for unequal
    numbers of severities.
    """
    return _over({name: _ratio(name, errors[name], reference, 0.0, 0.0, least) for name in errors})


def relative_error(
    errors: Mapping[str, Sequence[float]],
    clean: float,
    reference: Mapping[str, Sequence[float]],
    reference_clean: float,
    *,
    least: float = LEAST,
) -> CorruptionError:
    """How much does corruption cost the model, in units of what it costs a reference model?

    ``(mean_s E(c, s) - E_clean) / (mean_s E_ref(c, s) - E_ref,clean)``. Where the reference loses less than
    ``least``, or even gains, the quotient says nothing of the model (its sign flips, its size is the
    denominator's): undefined, with the reason.
    """
    return _over(
        {name: _ratio(name, errors[name], reference, clean, reference_clean, least) for name in errors}
    )


def balanced_error(right: Values, answers: Sequence[Hashable], kinds: Sequence[Hashable]) -> float | None:
    """How often is the model wrong where every right answer, and every question type, counts alike?

    ``1 - mean over kinds of (mean over right answers of the share right)``; a model that always says the
    commoner of two answers errs .5. None without cases.
    """
    weights, column = balanced_weights(answers, kinds), checked(right)
    same_length(weights, column)
    return float(weights @ (1 - column)) if len(column) else None


def balanced_estimate(
    right: Values,
    answers: Sequence[Hashable],
    kinds: Sequence[Hashable],
    groups: Groups,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """`balanced_error` with its interval; scores (n,) in [0, 1], ValueError for others.

    A Wilson interval of each right answer's error, at its number of cases over the design effect of the whole
    estimate, joined by MOVER (Zou and Donner 2008). The design effect is that of the cases' contributions
    ``w_i (e_i - e of its class)``, so patients with cases of several classes count. Where one class never
    errs its interval keeps its width, as a bootstrap's does not. Coverage: ``docs/statistics.md``.
    ``resamples`` is taken for likeness with other methods and not used.
    """
    wrong = 1 - checked(right)
    cases = clusters(groups, confidence, resamples, seed, wrong)
    value = balanced_error(right, answers, kinds)
    if value is None:
        return Estimate(None, None, 0, 0, reason=NO_CASES)
    if wrong.min() < 0 or wrong.max() > 1:
        raise ValueError("scores outside [0, 1]: errors cannot be balanced")
    if cases.count == 1:
        return Estimate(value, None, cases.n, 1, reason=ONE_GROUP)
    below, above = _spreads(wrong, answers, kinds, cases)
    ends = holding(value, (max(0.0, value - below), min(1.0, value + above)))
    return Estimate(value, ends, cases.n, cases.count)


def _spreads(
    wrong: Floats, answers: Sequence[Hashable], kinds: Sequence[Hashable], cases: Clusters
) -> tuple[float, float]:
    """Distances from a balanced error to the ends of its interval."""
    weights = balanced_weights(answers, kinds)
    codes, count = group_codes(list(zip(kinds, answers, strict=True)))
    sizes = group_sizes(codes, count)
    means = group_sums(wrong[:, None], codes, count)[:, 0] / sizes
    residuals = wrong - means[codes]
    effect = shrunken_effect(cases.n * weights * residuals, cases, straying(wrong, cases))
    spreads = group_sums(residuals[:, None] ** 2, codes, count)[:, 0] / sizes
    quantile, below, above = cases.quantile(is_whole(wrong)), 0.0, 0.0
    for k in range(count):
        centre, share = float(means[k]), float(weights[codes == k].sum())
        # Graded errors vary less than right and wrong ones of that mean: they weigh as more cases.
        gain = centre * (1 - centre) / spreads[k] if spreads[k] > _NOISE else 1.0
        low, high = wilson_limits(centre, float(sizes[k] / effect * gain), quantile)
        below += (share * (centre - low)) ** 2
        above += (share * (high - centre)) ** 2
    return float(below**0.5), float(above**0.5)


def balanced_weights(answers: Sequence[Hashable], kinds: Sequence[Hashable]) -> Floats:
    """Weight of each case, sum 1: one over kinds, over a kind's right answers, over their cases."""
    pairs = list(zip(kinds, answers, strict=True))
    sizes = Counter(pairs)
    classes = Counter(kind for kind, _ in sizes)
    return np.asarray(
        [1 / (len(classes) * classes[pair[0]] * sizes[pair]) for pair in pairs], dtype=np.float64
    )


def _ratio(
    name: str,
    errors: Sequence[float],
    reference: Mapping[str, Sequence[float]],
    clean: float,
    reference_clean: float,
    least: float,
) -> float | str:
    if name not in reference:
        return "the reference has no errors for it"
    if len(errors) != len(reference[name]) or not errors:
        raise ValueError(f"{name}: {len(errors)} errors beside {len(reference[name])} of the reference")
    below = float(np.mean(reference[name])) - reference_clean
    if below < least:
        what = "loses" if reference_clean else "errs"
        return f"the reference {what} {below:.4f} on average, under the minimum of {least:g}"
    return (float(np.mean(errors)) - clean) / below


def _over(found: Mapping[str, float | str]) -> CorruptionError:
    ratios = {name: value for name, value in found.items() if not isinstance(value, str)}
    undefined = {name: value for name, value in found.items() if isinstance(value, str)}
    values = list(ratios.values())
    mean, median = (float(np.mean(values)), float(np.median(values))) if values else (None, None)
    return CorruptionError(mean, median, ratios, undefined)
