"""Areas known on paper, the interval where every pair is right, and the size of the permutation test."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit import stats


@pytest.mark.parametrize(
    ("scores", "area"), [([1, 2, 3, 4], 1.0), ([4, 3, 2, 1], 0.0), ([1, 3, 2, 4], 0.75), ([1, 1, 1, 1], 0.5)]
)
def test_areas_of_four_cases(scores: list[float], area: float) -> None:
    found = stats.auc(scores, [0, 0, 1, 1], range(4))

    assert found.estimate == area
    assert found.interval is not None
    assert found.interval[0] <= area <= found.interval[1]


def test_the_interval_has_a_width_where_every_pair_is_right() -> None:
    scores, marks = np.arange(60), np.arange(60) >= 30

    few, many = stats.auc(scores[20:40], marks[20:40], range(20)), stats.auc(scores, marks, range(60))

    assert few.estimate == many.estimate == 1
    assert few.interval is not None
    assert many.interval is not None
    assert few.interval[0] < many.interval[0] < 1


def test_copies_of_a_case_add_nothing() -> None:
    rng = np.random.default_rng(2)
    marks = np.arange(40) % 2
    scores = marks + rng.normal(0, 1.5, 40)

    once = stats.auc(scores, marks, range(40))
    thrice = stats.auc(np.repeat(scores, 3), np.repeat(marks, 3), np.repeat(np.arange(40), 3))

    assert thrice.estimate == pytest.approx(once.estimate)
    assert once.interval is not None
    assert thrice.interval is not None
    assert np.ptp(thrice.interval) == pytest.approx(np.ptp(once.interval), rel=0.05)


def test_the_interval_covers_the_area_of_two_normals() -> None:
    # Means one standard deviation apart: Phi(1 / sqrt 2) = 0.7602.
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        scores = np.concatenate([rng.normal(1, 1, 30), rng.normal(0, 1, 30)])
        low, high = stats.auc(scores, np.arange(60) < 30, range(60)).interval or (1, 0)
        covered += low <= 0.7602 <= high

    assert 180 <= covered <= 200


def test_one_side_or_one_group_has_no_area_and_says_so() -> None:
    assert stats.auc([1, 2], [1, 1], [0, 1]).reason == "no cases on one side"
    few = stats.domain_auc(np.eye(3), [1, 0, 0], [0, 1, 2])
    assert few.estimate.reason.startswith("one group on a side")
    assert few.null_mean is None


@pytest.mark.parametrize("groups", [60, 20])
def test_a_rule_finds_nothing_where_nothing_is_and_the_interval_holds_a_half(groups: int) -> None:
    found, covered, runs = 0, 0, 60
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        codes = np.arange(60) % groups
        features = rng.normal(size=(groups, 30))[codes] + rng.normal(size=(60, 30))
        marks = rng.permutation(np.arange(groups) % 2)[codes]
        area = stats.domain_auc(features, marks, codes, resamples=99, seed=900 + seed).estimate
        assert area.p_value is not None
        assert area.interval is not None
        found += area.p_value <= 0.05
        covered += area.interval[0] <= 0.5 <= area.interval[1]

    assert found <= 8  # 3 expected
    assert covered >= 51  # 57 expected


def test_a_rule_finds_what_one_feature_tells() -> None:
    features = np.random.default_rng(0).normal(size=(80, 20))
    marks = np.arange(80) % 2
    features[:, 3] += 20 * marks

    found = stats.domain_auc(features, marks, range(80), resamples=199)

    assert found.estimate.estimate == 1
    assert found.estimate.p_value == pytest.approx(1 / 200)
    assert found.null_mean == pytest.approx(0.5, abs=0.03)


def test_sides_within_every_group_are_dealt_within_it() -> None:
    # Both eyes of 30 patients; the patient is plain to see, the eye is not.
    rng = np.random.default_rng(4)
    codes = np.arange(60) // 2
    features = 5 * rng.normal(size=(30, 10))[codes] + rng.normal(size=(60, 10))

    found = stats.domain_auc(features, np.arange(60) % 2, codes, resamples=199)

    assert found.estimate.p_value is not None
    assert found.estimate.p_value > 0.05


def test_swapping_the_sides_changes_nothing() -> None:
    features = np.random.default_rng(5).normal(size=(50, 8))
    marks = np.arange(50) < 20

    one, other = (stats.domain_auc(features, side, range(50), resamples=99) for side in (marks, ~marks))

    assert one.estimate.estimate == pytest.approx(other.estimate.estimate)
