"""Comparisons of different cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import permutation_test
from statsmodels.stats.proportion import confint_proportions_2indep

from medaudit.stats import unpaired_corrected_ratio, unpaired_difference, unpaired_ratio

FIRST, SECOND = [1] * 56 + [0] * 14, [1] * 48 + [0] * 32


def test_independent_sides_get_newcombes_interval():
    found = unpaired_difference(FIRST, range(70), SECOND, range(100, 180))
    assert found.estimate == pytest.approx(0.2)
    expected = confint_proportions_2indep(56, 70, 48, 80, compare="diff", method="newcomb")
    assert found.interval == pytest.approx(expected, abs=1e-9)
    assert (found.n, found.groups) == (150, 150)


def test_p_agrees_with_scipys_permutation():
    found = unpaired_difference(FIRST, range(70), SECOND, range(100, 180), resamples=20_000)
    expected = permutation_test(
        (np.array(FIRST), np.array(SECOND)),
        lambda x, y, axis: x.mean(axis) - y.mean(axis),
        vectorized=True,
        n_resamples=20_000,
        rng=1,
    )
    assert found.p_value == pytest.approx(expected.pvalue, abs=0.006)


def test_graded_sides_take_the_same_road():
    rng = np.random.default_rng(0)
    a, b = rng.beta(4, 2, 80), rng.beta(2, 4, 60)
    found = unpaired_difference(a, range(80), b, range(100, 160))
    assert found.estimate == pytest.approx(a.mean() - b.mean())
    assert found.p_value == pytest.approx(1 / 2001)
    half = 1.96 * np.sqrt(a.var() / 80 + b.var() / 60)
    assert found.interval[1] - found.interval[0] == pytest.approx(2 * half, rel=0.08)


def test_ratio_and_corrected_ratio():
    a, b = (FIRST, range(70)), (SECOND, range(100, 180))
    found = unpaired_ratio(*a, *b)
    assert found.estimate == pytest.approx(0.8 / 0.6)
    assert found.interval == pytest.approx(
        confint_proportions_2indep(56, 70, 48, 80, compare="ratio", method="log"), abs=0.03
    )
    margin = unpaired_corrected_ratio(FIRST, [0.5] * 70, range(70), SECOND, [0.2] * 80, range(100, 180))
    assert margin.estimate == pytest.approx(0.3 / 0.4)
    assert margin.interval[0] < 0.75 < margin.interval[1]


def test_cases_of_one_patient_on_both_sides_cancel():
    rng = np.random.default_rng(5)
    patient = (rng.random(150) < 0.5).astype(float)
    noise = np.where(rng.random(150) < 0.1, 1 - patient, patient)
    joint = unpaired_difference(patient, range(150), noise, range(150))
    apart = unpaired_difference(patient, range(150), noise, range(1000, 1150))
    assert joint.groups == 150
    assert joint.interval[1] - joint.interval[0] < 0.6 * (apart.interval[1] - apart.interval[0])


def test_swapping_within_shared_patients_is_the_paired_test():
    # Six patients, right on side a and wrong on b: two of 64 swaps are as extreme.
    found = unpaired_difference([1] * 6, range(6), [0] * 6, range(6), resamples=20_000)
    assert found.p_value == pytest.approx(2 / 64, abs=0.005)


def test_whole_groups_move_together():
    # Two patients a side, ten cases each: of six deals only two are as extreme.
    groups_a, groups_b = np.repeat([0, 1], 10), np.repeat([2, 3], 10)
    found = unpaired_difference([1] * 20, groups_a, [0] * 20, groups_b, resamples=20_000)
    assert found.p_value == pytest.approx(2 / 6, abs=0.015)
    loose = unpaired_difference([1] * 20, range(20), [0] * 20, range(20, 40), resamples=1000)
    assert loose.p_value == pytest.approx(1 / 1001)


def test_all_right_against_all_right_keeps_a_width():
    found = unpaired_difference([1] * 30, range(30), [1] * 30, range(30, 60))
    assert found.interval == pytest.approx((-0.1135, 0.1135), abs=1e-3)
    assert found.p_value == 1.0


def test_edges_say_why():
    assert unpaired_difference([], [], [], []).reason == "no cases"
    assert unpaired_difference([1], [1], [], []).reason == "no cases on one side"
    lone = unpaired_ratio([1, 1], [1, 1], [1, 0], [2, 3])
    assert lone.estimate == 2.0
    assert "one group on a side" in lone.reason
    assert "denominator is 0" in unpaired_ratio([1, 1], [1, 2], [0, 0], [3, 4]).reason
    chance = [1, 0] * 20
    level = unpaired_corrected_ratio(chance, [0.5] * 40, range(40), chance, [0.5] * 40, range(40, 80))
    assert "reaches 0" in level.reason
    with pytest.raises(ValueError, match="unequal"):
        unpaired_difference([1, 0], [1], [1], [2])


def test_case_order_changes_nothing():
    rng = np.random.default_rng(6)
    a, b = rng.random(40), rng.random(50)
    ga, gb = rng.integers(0, 15, 40), rng.integers(8, 25, 50)
    i, j = rng.permutation(40), rng.permutation(50)
    assert unpaired_difference(a, ga, b, gb) == unpaired_difference(a[i], ga[i], b[j], gb[j])


def test_an_excess_has_the_one_sided_p_of_the_same_exchange() -> None:
    a, b = [1.0] * 14 + [0.0] * 6, [1.0] * 6 + [0.0] * 14
    more = unpaired_difference(a, range(20), b, range(100, 120), resamples=20_000, greater=True)
    less = unpaired_difference(b, range(20), a, range(100, 120), resamples=20_000, greater=True)
    both = unpaired_difference(a, range(20), b, range(100, 120), resamples=20_000)

    # 20 of each side: by symmetry the two tails are equal.
    assert more.p_value == pytest.approx(both.p_value / 2, rel=0.2)
    assert less.p_value > 0.97
    assert (more.estimate, more.interval) == (both.estimate, both.interval)
    # Exact: Fisher's tail of 14 and more of 20 among 20 of 40.
    assert more.p_value == pytest.approx(0.01282, rel=0.15)


def test_without_an_effect_the_one_sided_p_is_below_a_tenth_as_often_as_it_may_be() -> None:
    rng, hits = np.random.default_rng(3), 0
    for seed in range(200):
        a, b = (rng.random(30) < 0.4).astype(float), (rng.random(45) < 0.4).astype(float)
        groups = rng.integers(0, 25, 75)
        found = unpaired_difference(a, groups[:30], b, groups[30:], resamples=200, seed=seed, greater=True)
        hits += found.p_value <= 0.1
    assert 6 <= hits <= 34  # 20 are due; four standard deviations are 17
