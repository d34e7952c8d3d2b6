"""Do intervals hold the truth as often as they say, and p-values alarm as rarely?

Cases come in groups of one to five. With probability sqrt(icc) a case takes its group's common answer, so
two cases of a group correlate by icc. Bounds allow three Monte-Carlo standard errors around [.93, .985];
cells with about seven groups (n = 20) may be conservative, up to 1, for paired differences and ratios.
"""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.stats import difference, mean, ratio, unpaired_difference

LOW, HIGH = 0.93, 0.985


def grouped(rng, n):
    sizes = rng.integers(1, 6, n)
    return np.repeat(np.arange(n), sizes)[:n]


def answers(rng, groups, p, icc):
    common = rng.random(groups.max() + 1) < p
    own = rng.random(len(groups)) < p
    return np.where(rng.random(len(groups)) < icc**0.5, common[groups], own).astype(float)


def shifted(rng, groups, clean, icc):
    """Keeps 80 % of right answers and turns 10 % of wrong ones right."""
    return np.where(clean == 1, answers(rng, groups, 0.8, icc), answers(rng, groups, 0.1, icc))


def intervals(metric, rng, n, icc, p):
    groups = grouped(rng, n)
    clean = answers(rng, groups, p, icc)
    if metric == "mean":
        return mean(clean, groups).interval, p
    other, truth = shifted(rng, groups, clean, icc), 0.1 + 0.7 * p
    if metric == "difference":
        return difference(other, clean, groups).interval, truth - p
    return ratio(other, clean, groups).interval, truth / p


def coverage(metric, n, icc, p, repeats, seed=11):
    rng = np.random.default_rng(seed)
    held = []
    for _ in range(repeats):
        interval, truth = intervals(metric, rng, n, icc, p)
        if interval is not None:
            held.append(interval[0] - 1e-9 <= truth <= interval[1] + 1e-9)
    return float(np.mean(held)), len(held)


def check(metric, n, icc, p, repeats):
    share, count = coverage(metric, n, icc, p, repeats)
    slack = 3 * (0.95 * 0.05 / count) ** 0.5
    ceiling = HIGH if n > 20 else 0.99 if metric == "mean" else 1.0
    assert LOW - slack <= share <= min(1.0, ceiling + slack), f"{metric} {n=} {icc=} {p=}: {share:.3f}"


@pytest.mark.parametrize("metric", ["mean", "difference", "ratio"])
@pytest.mark.parametrize(("n", "icc", "p"), [(20, 0.5, 0.5), (100, 0.0, 0.9), (100, 0.5, 0.9)])
def test_coverage(metric, n, icc, p):
    check(metric, n, icc, p, repeats=300)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["mean", "difference", "ratio"])
@pytest.mark.parametrize("n", [20, 100, 1000])
def test_coverage_over_the_whole_grid(metric, n):
    for icc in (0.0, 0.5):
        for p in (0.1, 0.5, 0.9):
            check(metric, n, icc, p, repeats=400)


def test_an_interval_that_ignores_groups_does_not_cover():
    # Negative control: the same samples, every case taken as its own group.
    rng = np.random.default_rng(11)
    held = []
    for _ in range(300):
        groups = grouped(rng, 100)
        low, high = mean(answers(rng, groups, 0.5, 0.9), np.arange(100)).interval
        held.append(low <= 0.5 <= high)
    assert np.mean(held) < 0.85


@pytest.mark.parametrize("size", [12, 60])
def test_graded_scores_cover(size):
    rng, held = np.random.default_rng(3), []
    for _ in range(400):
        groups = np.repeat(np.arange(size), 3)
        scores = 0.5 * rng.beta(4, 2, size)[groups] + 0.5 * rng.beta(4, 2, len(groups))
        low, high = mean(scores, groups).interval
        held.append(low <= 2 / 3 <= high)
    assert LOW - 0.033 <= np.mean(held) <= HIGH + 0.01


@pytest.mark.parametrize("icc", [0.0, 0.5])
def test_paired_p_values_keep_their_level(icc):
    # 600 null samples: 5 % + 3 standard errors is .077; exact tests may stay below.
    rng, rejected = np.random.default_rng(4), []
    for _ in range(600):
        groups = grouped(rng, 120)
        first, second = (answers(rng, groups, 0.7, icc) for _ in range(2))
        rejected.append(difference(first, second, groups).p_value <= 0.05)
    assert 0.02 < np.mean(rejected) < 0.077


def test_unpaired_p_values_keep_their_level_with_unequal_sides():
    rng, rejected = np.random.default_rng(5), []
    for _ in range(400):
        small, large = grouped(rng, 60), grouped(rng, 200)
        a, b = answers(rng, small, 0.7, 0.5), answers(rng, large, 0.7, 0.5)
        found = unpaired_difference(a, small, b, large + 10_000, resamples=199)
        rejected.append(found.p_value <= 0.05)
    assert 0.02 < np.mean(rejected) < 0.083


def test_null_p_values_are_uniform():
    # Graded scores have next to no ties: Kolmogorov-Smirnov over 300 samples.
    from scipy.stats import kstest

    rng = np.random.default_rng(6)
    p_values = [
        difference(rng.random(40), rng.random(40), np.arange(40) // 2, resamples=400).p_value
        for _ in range(300)
    ]
    assert kstest(p_values, "uniform").pvalue > 0.01
