"""Score statistics against numerical maximum likelihood, MOVER against known special cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from statsmodels.stats.proportion import confint_proportions_2indep

from medaudit.stats.intervals import wilson
from medaudit.stats.mover import Limits, mover_difference, mover_ratio
from medaudit.stats.score import difference_limits, difference_statistic, ratio_limits, ratio_statistic

TABLES = [(30, 12, 5, 3), (40, 0, 7, 3), (2, 9, 1, 38), (25, 10, 10, 5)]  # both, only a, only b, neither


def fitted(table, constraint, span):
    """Discordant shares that maximise the likelihood under a constraint on one free share."""
    both, a, b, neither = table

    def loss(x):
        cells = np.array(constraint(x))
        if (cells < 0).any():
            return 1e9
        observed = np.array([both, a, b, neither])
        return -float((observed * np.log(np.maximum(cells, 1e-300))).sum())

    best = minimize_scalar(loss, bounds=span, method="bounded", options={"xatol": 1e-12})
    return constraint(best.x)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("delta", [-0.15, 0.05, 0.2])
def test_difference_statistic_is_tangos(table, delta):
    n = sum(table)
    rest = (table[0] + table[3]) / n  # concordant cells share what the discordant ones leave
    share = table[0] / (table[0] + table[3])

    def cells(x):  # only b = x, only a = x + delta
        concordant = 1 - 2 * x - delta
        return share * concordant, x + delta, x, (1 - share) * concordant

    _, p_a, p_b, _ = fitted(table, cells, (max(0.0, -delta), (1 - delta) / 2))
    assert rest > 0
    d = (table[1] - table[2]) / n
    expected = (d - delta) / np.sqrt((p_a + p_b - delta**2) / n)
    assert difference_statistic(table[1] / n, table[2] / n, n, delta) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("ratio", [0.6, 0.95, 1.3])
def test_ratio_statistic_is_nam_and_blackwelders(table, ratio):
    n = sum(table)
    some = 1 - table[3] / n

    def cells(x):  # only a = x; both + x = ratio * (both + only b)
        only_b = ratio * x - (ratio - 1) * some
        return some - x - only_b, x, only_b, 1 - some

    _, p_a, p_b, _ = fitted(table, cells, (max(0.0, some * (1 - 1 / ratio)), some * ratio / (1 + ratio)))
    p1, p0 = (table[0] + table[1]) / n, (table[0] + table[2]) / n
    expected = (p1 - ratio * p0) / np.sqrt(ratio * (p_a + p_b) / n)
    statistic = ratio_statistic(table[0] / n, table[1] / n, table[2] / n, n, ratio)
    assert statistic == pytest.approx(expected, rel=1e-3)


def test_limits_are_where_the_statistic_crosses_the_quantile():
    low, high = difference_limits(0.24, 0.1, 50, 1.96)
    assert difference_statistic(0.24, 0.1, 50, low) == pytest.approx(1.96, abs=1e-6)
    assert difference_statistic(0.24, 0.1, 50, high) == pytest.approx(-1.96, abs=1e-6)
    low, high = ratio_limits(0.6, 0.24, 0.1, 50, 1.96)
    assert ratio_statistic(0.6, 0.24, 0.1, 50, low) == pytest.approx(1.96, abs=1e-6)
    assert ratio_statistic(0.6, 0.24, 0.1, 50, high) == pytest.approx(-1.96, abs=1e-6)


def test_agreement_everywhere_leaves_closed_form_limits():
    # T^2 = n |delta| / (1 - |delta|) for the difference, n (ratio - 1) above 1 for the ratio of ones.
    assert difference_limits(0, 0, 100, 2.0) == pytest.approx((-4 / 104, 4 / 104), abs=1e-9)
    assert ratio_limits(1.0, 0, 0, 100, 2.0) == pytest.approx((100 / 104, 1.04), abs=1e-9)


def test_a_rare_denominator_leaves_a_far_upper_end_and_a_vanishing_one_none():
    assert ratio_limits(0.0, 0.5, 1e-10, 20, 1.96) is None
    low, high = ratio_limits(0.0, 0.5, 1 / 20, 20, 1.96)
    assert 1 < low < 10 < 20 < high


def wilson_limits(k, n):
    return Limits(k / n, *wilson(k, n))


def test_mover_difference_is_newcombes_hybrid_interval():
    expected = confint_proportions_2indep(56, 70, 48, 80, compare="diff", method="newcomb")
    found = mover_difference(wilson_limits(56, 70), wilson_limits(48, 80), 0.0)
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("k", "m"), [(56, 48), (3, 70), (0, 40), (70, 2)])
@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_mover_ratio_ends_touch_zero_of_the_difference(k, m, rho):
    # r is an end when the interval of first - r second just touches 0.
    first, second = wilson_limits(k, 70), wilson_limits(m, 80)
    for r in mover_ratio(first, second, rho):
        scaled = Limits(r * second.value, r * second.low, r * second.high)
        touching = mover_difference(first, scaled, rho)
        assert min(abs(touching[0]), abs(touching[1])) == pytest.approx(0, abs=1e-9)


def test_mover_ratio_takes_margins_below_zero():
    # Symmetric limits: Fieller's roots of (-.1 - .5 r)^2 = .2^2 + r^2 .1^2.
    low, high = mover_ratio(Limits(-0.1, -0.3, 0.1), Limits(0.5, 0.4, 0.6), 0.0)
    assert sorted(np.roots([0.25 - 0.01, 0.1, 0.01 - 0.04])) == pytest.approx([low, high])
