"""Calibration error: exact where it is known, 0 for a calibrated model, and honest about chance."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit import stats
from medaudit.stats import simulation as sim
from medaudit.stats.reliability import bin_starts


def sample(n, over, seed, icc=0.0):
    """Confidences in [.5, 1]; the share right is conf - over * (2 conf - 1)."""
    rng = np.random.default_rng(seed)
    groups = sim.grouped(rng, n)
    stated = 0.5 + 0.5 * rng.beta(4, 1.5, n)
    true = stated - over * (2 * stated - 1)
    common = rng.random(int(groups.max()) + 1)[groups]
    right = np.where(rng.random(n) < icc**0.5, common, rng.random(n)) < true
    return stated, right, groups, float((stated - true).mean())


def test_an_overconfident_model_has_the_error_known_on_paper():
    # 100 cases at .9 of which 60 are right, 100 at .6 of which 50 are: 1/2 (.3 + .1) = .2.
    stated = [0.9] * 100 + [0.6] * 100
    right = [1] * 60 + [0] * 40 + [1] * 50 + [0] * 50
    found = stats.calibration_error(stated, right, range(200))
    assert found.plain == pytest.approx(0.2)
    assert [(row.n, row.confidence, row.accuracy) for row in found.bins] == [
        (100, pytest.approx(0.6), 0.5),
        (100, pytest.approx(0.9), 0.6),
    ]
    assert found.error.estimate == pytest.approx(0.2, abs=0.01)
    assert 0.1 < found.error.interval[0] < 0.2 < found.error.interval[1] < 0.3
    assert found.error.p_value < 0.01


def test_the_null_value_is_that_of_one_binomial_bin():
    # One bin of 100 at .5: E|X/100 - .5| = C(100, 50) / 2^101 = .0397946.
    found = stats.calibration_error([0.5] * 100, [1, 0] * 50, range(100), resamples=4000)
    assert found.null_mean == pytest.approx(0.0398, abs=0.0015)
    assert (found.plain, found.error.estimate, found.error.interval[0]) == (0, 0, 0)


@pytest.mark.parametrize("icc", [0.0, 0.5])
def test_a_calibrated_model_is_not_accused_and_the_plain_error_would_accuse_it(icc):
    held, plain, debiased, alarms = 0, [], [], 0
    for seed in range(150):
        stated, right, groups, _ = sample(100, 0.0, seed, icc)
        found = stats.calibration_error(stated, right, groups, resamples=200, seed=seed)
        held += found.error.interval[0] == 0
        plain.append(found.plain)
        debiased.append(found.error.estimate)
        alarms += found.error.p_value <= 0.05
    assert np.mean(plain) > 0.07
    assert np.mean(debiased) < 0.5 * np.mean(plain)
    assert held >= 140  # nominal 97.5 %
    assert alarms <= 16  # 5 % and three Monte-Carlo errors


@pytest.mark.parametrize("icc", [0.0, 0.5])
def test_intervals_hold_the_true_error_of_an_overconfident_model(icc):
    held, bias = 0, []
    for seed in range(100):
        stated, right, groups, truth = sample(200, 0.4, seed, icc)
        found = stats.calibration_error(stated, right, groups, resamples=200, seed=seed)
        low, high = found.error.interval
        held += low <= truth <= high
        bias.append(found.error.estimate - truth)
    assert held >= 87
    assert abs(np.mean(bias)) < 0.02


def test_equal_confidences_stay_in_one_bin_and_order_changes_nothing():
    stated = np.sort(np.r_[np.full(95, 0.9), np.full(5, 0.8)])
    assert bin_starts(stated, 10).tolist() == [0]
    stated, right, groups, _ = sample(120, 0.2, 3)
    turned = np.random.default_rng(0).permutation(120)
    first = stats.calibration_error(stated, right, groups)
    assert first == stats.calibration_error(stated[turned], right[turned], groups[turned])


def test_certain_and_always_right_is_calibrated_up_to_the_rule_of_three():
    found = stats.calibration_error([1.0] * 100, [1] * 100, range(100))
    assert (found.plain, found.error.estimate) == (0, 0)
    # 2.5 % of all-right samples: 1 - .025^(1/100) = .0362.
    assert found.error.interval == (0, pytest.approx(0.036, abs=0.006))


def test_nothing_one_group_and_numbers_that_are_no_confidences():
    assert stats.calibration_error([], [], []).error.reason == "no cases"
    alone = stats.calibration_error([0.9] * 20, [1] * 20, ["a"] * 20)
    assert (alone.error.interval, alone.error.groups) == (None, 1)
    with pytest.raises(ValueError, match="from 0 to 1"):
        stats.calibration_error([1.2], [1], [0])
