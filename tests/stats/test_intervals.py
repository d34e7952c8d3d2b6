"""Intervals of one proportion: against statsmodels, scipy and closed forms."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from medaudit.stats import clopper_pearson, wilson

counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.sampled_from([0.8, 0.95, 0.99]))
@settings(deadline=None, max_examples=50)
def test_wilson_agrees_with_statsmodels_and_stays_in_range(case, confidence):
    k, n = case
    low, high = wilson(k, n, confidence)
    assert (low, high) == pytest.approx(proportion_confint(k, n, 1 - confidence, "wilson"), abs=1e-9)
    assert 0 <= low <= k / n <= high <= 1


@given(counts, st.sampled_from([0.8, 0.95, 0.99]))
@settings(deadline=None, max_examples=50)
def test_clopper_pearson_agrees_with_scipy_and_statsmodels(case, confidence):
    k, n = case
    interval = clopper_pearson(k, n, confidence)
    assert interval == pytest.approx(proportion_confint(k, n, 1 - confidence, "beta"), abs=1e-9)
    exact = binomtest(k, n).proportion_ci(confidence, "exact")
    assert interval == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_no_failure_in_n_has_the_closed_form_bounds():
    # Exact: 1 - .025^(1/n); Wilson: z^2 / (n + z^2).
    assert clopper_pearson(0, 30)[1] == pytest.approx(1 - 0.025 ** (1 / 30))
    assert wilson(0, 30) == pytest.approx((0.0, 3.841459 / 33.841459), abs=1e-6)


@pytest.mark.parametrize(("k", "n", "confidence"), [(3, 0, 0.95), (4, 3, 0.95), (-1, 3, 0.95), (1, 3, 1.0)])
def test_impossible_counts_are_refused(k, n, confidence):
    for interval in (wilson, clopper_pearson):
        with pytest.raises(ValueError, match="given"):
            interval(k, n, confidence)
