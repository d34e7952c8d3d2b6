"""Many subgroups at once: no false alarm beyond 5 %, planted ones found, prevalence alone is no gap."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit import stats
from medaudit.stats import simulation as sim


def sample(seed, n=150, icc=0.3, lean=0.0, planted=0.0, by_group=True):
    """Three attributes; positives are harder, and one sex has more of them; site 2 is worse."""
    rng = np.random.default_rng(seed)
    groups = sim.grouped(rng, n)
    count = int(groups.max()) + 1

    def labels(number):
        return rng.integers(0, number, count)[groups] if by_group else rng.integers(0, number, n)

    sex, age, site = labels(2), labels(3), labels(4)
    positive = rng.random(n) < np.where(sex == 0, 0.5 + lean, 0.5 - lean)
    rates = np.where(positive, 0.7, 0.9) - planted * (site == 2)
    luck = np.where(rng.random(n) < icc**0.5, rng.random(count)[groups], rng.random(n))
    attributes = {"sex": sex.tolist(), "age": age.tolist(), "site": site.tolist()}
    return (luck < rates).astype(float), attributes, groups, positive.tolist()


def each(found):
    return [part for family in found.families.values() for part in family.subgroups.values()]


@pytest.mark.parametrize(("lean", "by_group"), [(0.0, True), (0.3, True), (0.3, False)])
def test_no_subgroup_is_accused_by_chance_and_intervals_hold_all_at_once(lean, by_group):
    alarms = held = 0
    for seed in range(200):
        values, attributes, groups, strata = sample(seed, lean=lean, by_group=by_group)
        parts = each(stats.max_t(values, attributes, groups, strata, resamples=199, seed=seed))
        alarms += min(part.difference.p_value for part in parts) <= 0.05
        held += all(
            p.difference.interval is None or p.difference.interval[0] <= 0 <= p.difference.interval[1]
            for p in parts
        )
    assert alarms <= 19  # 5 % and three Monte-Carlo errors
    assert held >= 176


def test_without_care_for_many_subgroups_the_same_data_would_alarm():
    # The negative control: unadjusted, each value tested alone, one of nine is below 5 % far more often.
    alarms = 0
    for seed in range(60):
        values, attributes, groups, strata = sample(seed, n=100, icc=0.0)
        smallest = min(
            part.difference.p_value
            for name, labels in attributes.items()
            for value in set(labels)
            for part in each(
                stats.max_t(
                    values,
                    {name: [label == value for label in labels]},
                    groups,
                    strata,
                    resamples=99,
                    seed=seed,
                )
            )
        )
        alarms += smallest <= 0.05
    assert alarms >= 7


def test_a_planted_subgroup_is_found_and_named():
    found = 0
    for seed in range(20):
        values, attributes, groups, strata = sample(seed, n=400, icc=0.1, planted=0.35)
        result = stats.max_t(values, attributes, groups, strata, resamples=199, seed=seed)
        found += result.worst == ("site", 2) and result.families["site"].subgroups[2].level.p_value <= 0.05
    assert found >= 18


def test_a_gap_that_is_prevalence_alone_vanishes():
    # 80 % right on positives, 50 % on negatives, for both; A has 75 of 100 positives, B 25.
    values = ([1, 1, 1, 1, 0] * 15 + [1, 0] * 12 + [1]) + ([1, 1, 1, 1, 0] * 5 + [1, 0] * 37 + [1])
    strata = (["+"] * 75 + ["-"] * 25) + (["+"] * 25 + ["-"] * 75)
    sites = ["A"] * 100 + ["B"] * 100
    raw = stats.max_t(values, {"site": sites}, range(200)).families["site"]
    equal = stats.max_t(values, {"site": sites}, range(200), strata).families["site"]
    # Raw: (60 + 13) / 100 against (20 + 38) / 100.
    assert raw.gap.estimate == pytest.approx(0.15)
    assert raw.subgroups["A"].raw == equal.subgroups["A"].raw == pytest.approx(0.73)
    # At equal prevalence: 1/2 (.8 + 13/25) against 1/2 (.8 + 38/75).
    assert equal.subgroups["A"].level.estimate == pytest.approx(0.4 + 13 / 50)
    assert equal.gap.estimate == pytest.approx(13 / 50 - 38 / 150)
    assert equal.gap.p_value > 0.5
    assert equal.matched == 1


def test_strata_that_a_value_lacks_are_left_out_and_counted():
    values, labels = [1.0, 0.0] * 40, ["a", "b"] * 30 + ["a"] * 20
    found = stats.max_t(values, {"x": labels}, range(80), ["s"] * 60 + ["only a"] * 20).families["x"]
    assert (found.matched, found.gap.n, found.gap.estimate) == (0.75, 60, 1.0)
    lone = stats.max_t(values, {"x": labels}, range(80), labels)
    assert (lone.worst, lone.families["x"].gap.estimate) == (None, None)
    assert "nothing to compare" in lone.families["x"].gap.reason


def test_missing_labels_equal_values_and_order():
    same = stats.max_t([1.0] * 40, {"x": ["a", "b"] * 20}, range(40)).families["x"]
    assert (same.gap.estimate, same.gap.p_value, same.null_mean) == (0, 1, 0)
    values, attributes, groups, strata = sample(3)
    attributes["age"] = [None if label == 0 else label for label in attributes["age"]]
    first = stats.max_t(values, attributes, groups, strata, resamples=99)
    assert set(first.families["age"].subgroups) == {1, 2}
    turned = np.random.default_rng(1).permutation(len(values))
    moved = {name: [labels[i] for i in turned] for name, labels in attributes.items()}
    again = stats.max_t(values[turned], moved, groups[turned], [strata[i] for i in turned], resamples=99)
    for a, b in zip(each(first), each(again), strict=True):
        assert a.difference.p_value == b.difference.p_value
        assert a.level.interval == pytest.approx(b.level.interval)
