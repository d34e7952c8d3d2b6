"""The worst of several groups: minima on paper, intervals that hold, and no gain where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medaudit import stats

#: Three cells of ten: 9, 6 and 2 right before, 8, 6 and 7 after.
CELLS = np.repeat([0, 1, 2], 10)
BEFORE = np.concatenate([np.arange(10) < right for right in (9, 6, 2)]).astype(float)
AFTER = np.concatenate([np.arange(10) < right for right in (8, 6, 7)]).astype(float)
PEOPLE = np.arange(30)


def test_the_worst_is_the_smallest_mean_and_the_worst_may_change() -> None:
    before, after = (stats.worst_group(arm, CELLS, PEOPLE) for arm in (BEFORE, AFTER))
    gain = stats.worst_group_gain(AFTER, BEFORE, CELLS, PEOPLE)

    assert (before.estimate, after.estimate) == (0.2, 0.6)
    assert gain.estimate == pytest.approx(0.4)
    assert (gain.n, gain.groups, gain.p_value) == (30, 30, None)


def test_ends_are_those_of_wilson_with_the_upper_shared_out_among_cells() -> None:
    found = stats.worst_group(BEFORE, CELLS, PEOPLE)

    assert found.interval is not None
    assert found.interval[0] == pytest.approx(stats.wilson(2, 10, 0.95)[0])
    assert found.interval[1] == pytest.approx(stats.wilson(2, 10, 1 - 0.05 / 3)[1])


def test_all_wrong_then_all_right_still_has_a_width() -> None:
    nought, one = np.zeros(30), np.ones(30)

    gain = stats.worst_group_gain(one, nought, CELLS, PEOPLE)

    assert gain.estimate == 1
    assert gain.interval is not None
    assert 0.3 < gain.interval[0] < 0.9
    assert gain.interval[1] == 1


def test_arms_that_agree_have_no_gain_and_an_interval_around_it() -> None:
    """The control: two arms that answer alike, and two that answer as well in other cases."""
    rng = np.random.default_rng(2)
    cells = np.repeat(np.arange(4), 40)
    first, second = (rng.random((2, 160)) < 0.8).astype(float)

    same = stats.worst_group_gain(first, first, cells, np.arange(160))
    other = stats.worst_group_gain(first, second, cells, np.arange(160))

    assert same.estimate == 0
    for found in (same, other):
        assert found.interval is not None
        assert found.interval[0] <= 0 <= found.interval[1]


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Four equal cells, paired answers; 95 of 100 within three standard errors at the least."""
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        cells, shared = np.repeat(np.arange(4), 25), rng.random(100)
        own = [np.where(rng.random(100) < 0.7, shared, rng.random(100)) for _ in range(2)]
        after = (own[0] < np.array([0.9, 0.9, 0.95, 0.95])[cells]).astype(float)
        before = (own[1] < np.array([0.4, 0.4, 0.95, 0.95])[cells]).astype(float)
        found = stats.worst_group_gain(after, before, cells, np.arange(100), resamples=200, seed=seed)
        assert found.interval is not None
        held += found.interval[0] <= 0.5 <= found.interval[1]

    assert held >= 88


@given(st.integers(0, 200))
def test_order_changes_nothing(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(30)

    found = stats.worst_group_gain(AFTER[order], BEFORE[order], CELLS[order], PEOPLE[order], resamples=100)

    assert found == stats.worst_group_gain(AFTER, BEFORE, CELLS, PEOPLE, resamples=100)


def test_patients_with_several_images_widen_the_interval() -> None:
    patients = np.repeat(np.arange(15), 2)

    alone, paired = (
        stats.worst_group(np.sort(BEFORE[:20]), CELLS[:20], g) for g in (PEOPLE[:20], patients[:20] // 2)
    )

    assert alone.interval is not None
    assert paired.interval is not None
    assert paired.interval[1] - paired.interval[0] > alone.interval[1] - alone.interval[0]


def test_what_cannot_be_estimated_says_so() -> None:
    none = stats.worst_group_gain([], [], np.zeros(0, dtype=int), [])
    lonely = stats.worst_group([1.0, 0.0], np.array([0, 1]), ["a", "b"])

    assert (none.estimate, none.reason) == (None, "no cases")
    assert lonely.estimate == 0
    assert lonely.interval is None
    assert lonely.reason
