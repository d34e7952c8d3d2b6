"""Corruption errors: numbers on paper, and denominators that say nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medaudit import stats
from medaudit.stats.corruption_error import balanced_estimate


def test_mean_corruption_error_on_paper():
    errors = {"noise": [0.2, 0.4], "blur": [0.1, 0.1], "jpeg": [0.3, 0.3]}
    reference = {"noise": [0.4, 0.4], "blur": [0.2, 0.6], "jpeg": [0.1, 0.2]}
    found = stats.mean_corruption_error(errors, reference)
    # .6 / .8, .2 / .8, .6 / .3
    assert found.ratios == pytest.approx({"noise": 0.75, "blur": 0.25, "jpeg": 2.0})
    assert found.mean == pytest.approx(1.0)
    assert found.median == pytest.approx(0.75)
    assert stats.mean_corruption_error(reference, reference).mean == pytest.approx(1.0)


def test_relative_error_on_paper():
    # (.3 - .1) / (.5 - .1)
    found = stats.relative_error({"noise": [0.2, 0.4]}, 0.1, {"noise": [0.4, 0.6]}, 0.1)
    assert found.mean == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("clean", "lost"), [(0.101, -0.0056), (0.101, -0.0048), (0.284, 0.0036), (0.284, 0.0053)]
)
def test_published_denominators_near_nothing_are_undefined(clean, lost):
    # Pneumonia contrast+ and gamma+ (the reference improves), chest contrast+ and gamma-.
    reference = {"contrast_plus": [clean + lost] * 5, "noise": [clean + 0.2] * 5}
    errors = {"contrast_plus": [clean + 0.1] * 5, "noise": [clean + 0.1] * 5}
    found = stats.relative_error(errors, clean, reference, clean)
    assert "under the minimum of 0.01" in found.undefined["contrast_plus"]
    # Unguarded it would have been 0.1 / lost, -18 to 28, in a mean with .5.
    assert found.mean == pytest.approx(0.5)
    loose = stats.relative_error(errors, clean, reference, clean, least=0.001)
    assert ("contrast_plus" in loose.ratios) == (lost > 0)


def test_a_reference_that_never_errs_or_is_missing_is_no_yardstick():
    found = stats.mean_corruption_error({"a": [0.1], "b": [0.1]}, {"a": [0.0]})
    assert (found.mean, found.median) == (None, None)
    assert found.undefined["b"] == "the reference has no errors for it"
    with pytest.raises(ValueError, match="2 errors beside 1"):
        stats.mean_corruption_error({"a": [0.1, 0.2]}, {"a": [0.1]})


def test_balanced_error_counts_answers_and_kinds_alike():
    # Always yes: 90 of 100 right, balanced error 1/2.
    assert stats.balanced_error([1] * 90 + [0] * 10, ["y"] * 90 + ["n"] * 10, [0] * 100) == pytest.approx(0.5)
    # A second kind, 2 cases all right: (1/2 + 0) / 2.
    right, answers = [1] * 90 + [0] * 10 + [1, 1], ["y"] * 90 + ["n"] * 10 + ["l", "r"]
    assert stats.balanced_error(right, answers, [0] * 100 + [1] * 2) == pytest.approx(0.25)
    assert stats.balanced_error([], [], []) is None


def test_balanced_interval_of_one_class_is_that_of_the_mean():
    right = [1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 1]
    groups = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    found = balanced_estimate(right, ["y"] * 12, [0] * 12, groups)
    plain = stats.mean([1 - r for r in right], groups)
    assert (found.estimate, found.n, found.groups) == (pytest.approx(1 / 6), 12, 6)
    assert found.interval == pytest.approx(plain.interval)


def test_balanced_interval_on_paper():
    # Groups of one: 2 of 20 "y" and 3 of 10 "n" wrong. Wilson for each, halved, joined by squares.
    right = [0] * 2 + [1] * 18 + [0] * 3 + [1] * 7
    found = balanced_estimate(right, ["y"] * 20 + ["n"] * 10, [0] * 30, range(30))
    (low_y, high_y), (low_n, high_n) = stats.wilson(2, 20), stats.wilson(3, 10)
    below = math.hypot(0.1 - low_y, 0.3 - low_n) / 2
    above = math.hypot(high_y - 0.1, high_n - 0.3) / 2
    assert found.estimate == pytest.approx(0.2)
    # The design effect of groups of one differs from 1 by n / (n - 1).
    assert found.interval == pytest.approx((0.2 - below, 0.2 + above), abs=0.005)


def test_a_model_that_never_errs_has_a_balanced_interval_all_the_same():
    found = balanced_estimate([1] * 40, ["y", "n"] * 20, [0] * 40, range(40))
    assert found.estimate == 0
    assert found.interval[0] == 0
    assert 0.02 < found.interval[1] < 0.15
    alone = balanced_estimate([1] * 4, ["y", "n"] * 2, [0] * 4, [7] * 4)
    assert (alone.interval, alone.reason) == (None, "one group: no interval can be computed")
    assert balanced_estimate([], [], [], []).reason == "no cases"
    with pytest.raises(ValueError, match="outside"):
        balanced_estimate([1.5, 0], ["y", "n"], [0, 0], [0, 1])


def test_answers_that_agree_within_patients_widen_the_balanced_interval():
    right, answers = [1, 1, 1, 1, 0, 0, 0, 0] * 6, ["y", "n"] * 24
    apart = balanced_estimate(right, answers, [0] * 48, range(48))
    together = balanced_estimate(right, answers, [0] * 48, [i // 4 for i in range(48)])
    assert together.estimate == apart.estimate == pytest.approx(0.5)
    assert together.interval[1] - together.interval[0] > 1.5 * (apart.interval[1] - apart.interval[0])


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0.25, 0.5, 1]),
            st.sampled_from("yn"),
            st.sampled_from("pq"),
            st.integers(0, 5),
        ),
        min_size=2,
        max_size=40,
    ),
    st.randoms(use_true_random=False),
)
def test_balanced_interval_holds_its_estimate_and_knows_no_order(rows, shuffler):
    found = balanced_estimate(*zip(*rows, strict=True))
    if found.interval is not None:
        assert 0 <= found.interval[0] <= found.estimate <= found.interval[1] <= 1
    other = list(rows)
    shuffler.shuffle(other)
    again = balanced_estimate(*zip(*other, strict=True))
    assert (again.estimate, again.interval) == (
        pytest.approx(found.estimate, abs=1e-12),
        found.interval and pytest.approx(found.interval, abs=1e-9),
    )
