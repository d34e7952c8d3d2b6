"""The subgroup gap and the gap that chance makes."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.stats import gap


def null_data(rng, labels, per):
    return rng.random(labels * per) < 0.5, np.repeat(np.arange(labels), per)


@pytest.mark.parametrize(("labels", "per", "expected"), [(2, 50, 0.081), (5, 50, 0.166), (5, 200, 0.083)])
def test_the_null_mean_is_the_range_of_normal_means(labels, per, expected):
    # E[range] of L standard normals (1.128, 2.326) times sqrt(.25 / n).
    values, names = null_data(np.random.default_rng(1), labels, per)
    balanced = np.tile([0, 1], labels * per // 2)
    found = gap(balanced, names, range(labels * per), resamples=1000)
    assert found.null_mean == pytest.approx(expected, abs=0.006)
    assert gap(values, names, range(labels * per)).excess == pytest.approx(0, abs=0.15)


def test_a_planted_gap_is_found_and_named():
    values = [1] * 90 + [0] * 10 + [1] * 60 + [0] * 40 + [1] * 88 + [0] * 12
    found = gap(values, ["AP"] * 100 + ["PA"] * 100 + ["LL"] * 100, range(300))
    assert found.estimate == pytest.approx(0.3)
    assert found.p_value == pytest.approx(1 / 2001)
    assert found.interval[0] > 0.1
    assert found.interval[0] < found.excess < found.interval[1]
    assert min(found.by_label, key=lambda name: found.by_label[name].estimate) == "PA"
    assert found.by_label["PA"].p_value == found.p_value


def test_false_alarms_stay_at_the_level():
    # 300 null data sets: 5 % + 3 standard errors is .088; the raw range would always be above 0.
    rng = np.random.default_rng(2)
    alarms, above = [], []
    for _ in range(300):
        values, names = null_data(rng, 4, 40)
        found = gap(values, names, np.arange(160) // 2, resamples=199)
        alarms.append(found.p_value <= 0.05)
        above.append(found.interval[0] > 0)
    assert 0.01 < np.mean(alarms) < 0.088
    assert np.mean(above) < 0.05


def test_patients_keep_their_label():
    # Four patients, thirty equal answers each: six deals of labels, two of them as extreme.
    values, names = np.repeat([1, 1, 0, 0], 30), np.repeat(["F", "F", "M", "M"], 30)
    assert gap(values, names, np.repeat(range(4), 30)).p_value == pytest.approx(1 / 3, abs=0.04)
    assert gap(values, names, range(120)).p_value < 0.001


def test_labels_that_vary_within_a_patient_are_dealt_within_it():
    # Each patient has one AP (right) and one PA (wrong): six of them, two of 64 deals as extreme.
    values, names = [1, 0] * 6, ["AP", "PA"] * 6
    assert gap(values, names, np.repeat(range(6), 2), resamples=8000).p_value == pytest.approx(
        1 / 32, abs=0.008
    )


def test_all_right_keeps_a_width_and_is_no_alarm():
    found = gap([1] * 60, ["a"] * 30 + ["b"] * 30, range(60))
    assert (found.estimate, found.null_mean, found.p_value) == (0.0, 0.0, 1.0)
    assert found.interval[1] > 0.05


def test_edges_say_why():
    assert gap([], [], []).reason == "no cases"
    assert "one label" in gap([1, 0], ["a", "a"], [1, 2]).reason
    assert gap([1, 0], ["a", "a"], [1, 2]).by_label["a"].estimate == 0.5
    thin = gap([1, 0, 1], ["a", "b", "b"], [1, 2, 3])
    assert thin.interval is None
    assert "one group on a side" in thin.reason
    with pytest.raises(ValueError, match="unequal"):
        gap([1, 0], ["a"], [1, 2])


def test_case_order_changes_nothing():
    rng = np.random.default_rng(9)
    values, names, groups = rng.random(60), rng.integers(0, 3, 60), rng.integers(0, 25, 60)
    order = rng.permutation(60)
    assert gap(values, names, groups, resamples=200) == gap(
        values[order], names[order], groups[order], resamples=200
    )
