"""Corruption errors: numbers on paper, and denominators that say nothing."""

from __future__ import annotations

import pytest

from medaudit import stats


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
