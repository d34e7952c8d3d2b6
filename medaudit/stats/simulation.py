"""Is a statistic what it says? Data with a known truth, and what became of it over many samples.

The generators make cases in groups (patients) whose answers correlate by ``icc``, the intra-group
correlation; `simulate` draws samples and reports how often intervals held the truth and p-values alarmed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from medaudit.stats.estimate import Codes, Floats
from medaudit.stats.intervals import clopper_pearson

ALPHAS = (0.01, 0.05, 0.1, 0.25, 0.5)
# A verdict against a statistic needs a sample that one in a thousand honest statistics would give.
_BEYOND_CHANCE = 0.001
# Mean and standard deviation of the Beta(4, 2) law that graded scores follow.
GRADED_MEAN = 2 / 3


@dataclass(frozen=True)
class Outcome:
    """One sample: the interval with the truth that it should hold, the p-value with a true null."""

    interval: tuple[float, float] | None = None
    truth: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Shares:
    """A share of samples with its exact 95 % interval."""

    share: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Simulated:
    """What `simulate` found. ``level`` holds P(p <= alpha) per alpha; verdicts are words of the docs."""

    repeats: int
    coverage: Shares | None = None
    width: float | None = None
    without_interval: float = 0.0
    coverage_verdict: str = ""
    level: dict[float, Shares] = field(default_factory=dict)
    level_verdict: str = ""
    uniformity: float | None = None


def simulate(
    sample: Callable[[np.random.Generator], Outcome],
    repeats: int,
    rng: np.random.Generator,
    *,
    confidence: float = 0.95,
    continuous: bool = False,
) -> Simulated:
    """Draw ``repeats`` samples and judge intervals and p-values.

    Coverage is the share among samples that gave an interval: `holds`, `short` (below ``confidence`` beyond
    chance) or `wide` (98.5 % or more where 95 % are claimed). P-values are `valid` unless P(p <= alpha)
    exceeds alpha beyond chance for an alpha of `ALPHAS`: `liberal`. ``continuous`` adds the p-value of
    Kolmogorov and Smirnov's test against the uniform law.
    """
    outcomes = [sample(rng) for _ in range(repeats)]
    p_values = np.array([outcome.p_value for outcome in outcomes if outcome.p_value is not None])
    level = {
        alpha: shares(int((p_values <= alpha).sum()), len(p_values)) for alpha in ALPHAS if len(p_values)
    }
    measured = [outcome for outcome in outcomes if outcome.truth is not None]
    given = [(*outcome.interval, outcome.truth) for outcome in measured if outcome.interval is not None]
    held = sum(low - 1e-9 <= truth <= high + 1e-9 for low, high, truth in given if truth is not None)
    return Simulated(
        repeats=repeats,
        coverage=shares(held, len(given)) if given else None,
        width=float(np.mean([high - low for low, high, _ in given])) if given else None,
        without_interval=1 - len(given) / len(measured) if measured else 0.0,
        coverage_verdict=judged_coverage(held, len(given), confidence) if given else "",
        level=level,
        level_verdict=judged_level(p_values) if len(p_values) else "",
        uniformity=_uniformity(p_values) if continuous and len(p_values) else None,
    )


def shares(hits: int, count: int) -> Shares:
    """``hits`` of ``count`` with Clopper and Pearson's interval."""
    return Shares(hits / count, clopper_pearson(hits, count))


def judged_coverage(held: int, count: int, confidence: float) -> str:
    """`holds`, `short` or `wide`."""
    from scipy.special import bdtr

    if bdtr(held, count, confidence) < _BEYOND_CHANCE:
        return "short"
    return "wide" if held / count >= 1 - 0.3 * (1 - confidence) else "holds"


def judged_level(p_values: Floats) -> str:
    """`valid` (P(p <= alpha) is at most alpha, as far as chance allows) or `liberal`."""
    from scipy.special import bdtrc

    hits = [int((p_values <= alpha).sum()) for alpha in ALPHAS]
    chances = [bdtrc(k - 1, len(p_values), a) if k else 1.0 for k, a in zip(hits, ALPHAS, strict=True)]
    return "liberal" if min(chances) < _BEYOND_CHANCE else "valid"


def _uniformity(p_values: Floats) -> float:
    from scipy.stats import kstest

    return float(kstest(p_values, "uniform").pvalue)


def grouped(rng: np.random.Generator, n: int, largest: int = 6) -> Codes:
    """Group of each of ``n`` cases, ``(n,)``; groups hold 1 to ``largest`` cases, all equally likely."""
    codes: Codes = np.repeat(np.arange(n), rng.integers(1, largest + 1, n))[:n]
    return codes


def right_wrong(rng: np.random.Generator, groups: Codes, p: float, icc: float) -> Floats:
    """Beta-binomial answers with mean ``p``: each group draws its p, two of its cases correlate by icc."""
    return (rng.random(len(groups)) < group_rates(rng, groups, p, icc)).astype(np.float64)


def group_rates(rng: np.random.Generator, groups: Codes, p: float, icc: float) -> Floats:
    """Each case's chance to be right, its group's: Beta with mean p and variance ``icc p (1 - p)``."""
    if icc == 0 or p in (0, 1):
        return np.full(len(groups), p)
    spread = 1 / icc - 1
    rates: Floats = rng.beta(p * spread, (1 - p) * spread, int(groups.max()) + 1)
    return rates[groups]


def graded(rng: np.random.Generator, groups: Codes, icc: float) -> Floats:
    """Scores in [0, 1] with mean `GRADED_MEAN`: a case takes its group's score with probability sqrt(icc)."""
    common, own = rng.beta(4, 2, int(groups.max()) + 1), rng.beta(4, 2, len(groups))
    return np.where(rng.random(len(groups)) < icc**0.5, common[groups], own)


def skewed(rng: np.random.Generator, groups: Codes, icc: float) -> Floats:
    """Positive values without an upper end, mean 4 and skewness 1 (Gamma 4), shared as in `graded`."""
    common, own = rng.gamma(4, 1, int(groups.max()) + 1), rng.gamma(4, 1, len(groups))
    return np.where(rng.random(len(groups)) < icc**0.5, common[groups], own)


def shifted(rng: np.random.Generator, groups: Codes, clean: Floats, icc: float) -> Floats:
    """A second arm that keeps 80 % of right answers and turns 10 % of wrong ones right: ``.1 + .7 p``."""
    kept, gained = (right_wrong(rng, groups, p, icc) for p in (0.8, 0.1))
    return np.where(clean == 1, kept, gained)


def labelled(rng: np.random.Generator, groups: Codes, share: float, by_group: bool) -> npt.NDArray[np.bool_]:
    """A subgroup that holds ``share`` of the cases: whole groups (sex) or single cases (view)."""
    if by_group:
        return (rng.random(int(groups.max()) + 1) < share)[groups]
    return rng.random(len(groups)) < share
