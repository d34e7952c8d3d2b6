"""Equivalence needs evidence, not silence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.weightstats import DescrStatsW

from medaudit.stats import tost


def test_small_differences_over_many_cases_are_equivalent():
    differences = [1] * 10 + [-1] * 10 + [0] * 980
    result = tost(differences, range(1000), 0.05)
    assert result.equivalent
    assert result.p_value < 1e-6
    low, high = result.interval
    assert -0.05 < low < 0 < high < 0.05


def test_agreement_of_few_cases_proves_nothing():
    assert not tost([0] * 20, range(20), 0.05).equivalent
    # Score statistic of no discordance: T^2 = n margin / (1 - margin).
    assert tost([0] * 100, range(100), 0.05).p_value == pytest.approx(norm.sf((5 / 0.95) ** 0.5))


def test_verdict_and_interval_say_the_same():
    rng = np.random.default_rng(0)
    verdicts = set()
    for margin in np.linspace(0.02, 0.3, 25):
        differences = rng.choice([-1, 0, 1], 150, p=[0.1, 0.78, 0.12])
        result = tost(differences, np.arange(150) // 2, float(margin))
        low, high = result.interval
        assert result.equivalent == (-margin < low and high < margin)
        verdicts.add(result.equivalent)
    assert verdicts == {True, False}


def test_wide_differences_agree_with_statsmodels():
    values = np.random.default_rng(1).normal(0.4, 3, 80)
    result = tost(values, range(80), 1.5)
    p_value, _, _ = DescrStatsW(values).ttost_mean(-1.5, 1.5)
    assert result.p_value == pytest.approx(p_value)


def test_false_equivalence_stays_at_the_level():
    # True difference exactly on the margin of .1; 5 % + 3 standard errors over 800 repeats is .073.
    rng = np.random.default_rng(7)
    cells = rng.choice([-1, 0, 1], size=(800, 200), p=[0.1, 0.7, 0.2])
    alarms = np.mean([tost(row, range(200), 0.1).equivalent for row in cells])
    assert 0.02 < alarms < 0.073


def test_what_cannot_be_told_has_a_reason():
    assert tost([], [], 0.1).reason == "no cases"
    assert "one group" in tost([0, 1], ["p", "p"], 0.1).reason
    assert "spread" in tost([5, 5], [1, 2], 0.1).reason
    with pytest.raises(ValueError, match="margin"):
        tost([0, 1], [1, 2], 0)
