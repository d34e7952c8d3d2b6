"""Power and required n against statsmodels, textbook numbers and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import power_proportions_2indep, samplesize_confint_proportion

from medaudit.stats import (
    power_paired,
    power_two_proportions,
    required_n_paired,
    required_n_proportion,
    required_n_two_proportions,
)


def independent(r1, r2):
    """Discordant shares of arms that move independently given the case."""
    return r1 * (1 - r2), r2 * (1 - r1)


def test_half_widths_of_a_proportion():
    assert required_n_proportion(0.05) == 385  # the textbook's n
    assert required_n_proportion(0.05, design_effect=2) == 769
    expected = samplesize_confint_proportion(0.9, 0.02, alpha=0.1)
    assert required_n_proportion(0.02, p=0.9, confidence=0.9) == int(np.ceil(expected))


def test_paired_golden_numbers():
    assert required_n_paired(*independent(0.30, 0.10)) == 64
    assert required_n_paired(*independent(0.15, 0.05)) == 143


@pytest.mark.parametrize("shares", [(0.27, 0.07), (0.1425, 0.0425), (0.1, 0.3)])
def test_paired_power_at_the_required_n_is_the_power_asked_for(shares):
    n = required_n_paired(*shares, power=0.9, alpha=0.01)
    assert power_paired(*shares, n, 0.01) == pytest.approx(0.9, abs=0.005)
    assert power_paired(*shares, n + 1, 0.01) > power_paired(*shares, n, 0.01)


def test_paired_power_is_that_of_simulated_mcnemar_tests():
    n, reps = 143, 20_000
    cells = np.random.default_rng(2).multinomial(n, [0.1425, 0.0425, 0.815], size=reps)
    b, c = cells[:, 0], cells[:, 1]
    rejected = (b - c) ** 2 > 3.8415 * (b + c)
    assert rejected.mean() == pytest.approx(power_paired(0.1425, 0.0425, n, 0.05), abs=0.04)


def test_two_proportions_agree_with_statsmodels():
    for p1, p2, n1, n2 in ((0.9, 0.8, 200, 200), (0.5, 0.4, 150, 300)):
        expected = power_proportions_2indep(p1 - p2, p2, n1, ratio=n2 / n1, return_results=False)
        assert power_two_proportions(p1, p2, n1, n2) == pytest.approx(expected, abs=0.002)


def test_two_proportions_textbook_n():
    # Fleiss, uncorrected: .30 against .10 at 80 % and 5 % two-sided needs 61.6.
    n = required_n_two_proportions(0.30, 0.10)
    assert n == 62
    assert power_two_proportions(0.30, 0.10, n, n) >= 0.8 > power_two_proportions(0.30, 0.10, n - 1, n - 1)


def test_no_difference_has_no_power_and_no_n():
    assert power_paired(0.1, 0.1, 100, 0.05) == pytest.approx(0.025)
    assert power_paired(0.0, 0.0, 100, 0.05) == 0.0
    assert power_paired(1.0, 0.0, 100, 0.05) == 1.0
    with pytest.raises(ValueError, match="equal"):
        required_n_paired(0.1, 0.1)
    with pytest.raises(ValueError, match="equal"):
        required_n_two_proportions(0.4, 0.4)
    with pytest.raises(ValueError, match="shares"):
        power_paired(0.8, 0.4, 100)
    with pytest.raises(ValueError, match="range"):
        required_n_proportion(0.0)
