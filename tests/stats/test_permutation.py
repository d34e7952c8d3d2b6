"""Paired tests against scipy, statsmodels and enumeration."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from medaudit.stats import mcnemar, paired_permutation


@given(st.integers(0, 60), st.integers(0, 60))
@settings(deadline=None, max_examples=50)
def test_mcnemar_agrees_with_statsmodels_and_the_permutation(b, c):
    expected = statsmodels_mcnemar([[0, b], [c, 0]], exact=True).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(min(1.0, expected), abs=1e-12)
    signs = [1] * b + [-1] * c + [0] * 3
    assert paired_permutation(signs, range(len(signs))) == pytest.approx(mcnemar(b, c), abs=1e-12)


def test_mcnemar_known_on_paper():
    assert mcnemar(5, 0) == 2 / 32
    assert mcnemar(6, 1) == 2 * 8 / 128
    assert mcnemar(0, 0) == 1.0
    with pytest.raises(ValueError, match="negative"):
        mcnemar(-1, 2)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
@settings(deadline=None, max_examples=50)
def test_whole_and_graded_differences_agree_with_enumeration(sums):
    signs = np.array(list(product([-1, 1], repeat=len(sums))))
    expected = np.mean(np.abs(signs @ np.array(sums)) >= abs(sum(sums)))
    assert paired_permutation(sums, range(len(sums))) == pytest.approx(expected)
    graded = [value / 7 for value in sums]
    assert paired_permutation(graded, range(len(sums))) == pytest.approx(expected)


def test_groups_flip_as_one():
    # Two patients, five cases each, all better: only 2 sign patterns of 4 are as far from 0.
    assert paired_permutation([1] * 10, [0] * 5 + [1] * 5) == 0.5
    assert paired_permutation([1] * 10, range(10)) == 2 / 1024


def test_large_lattices_are_exact():
    differences = [1] * 5100 + [-1] * 4900
    expected = binomtest(4900, 10_000).pvalue
    assert paired_permutation(differences, range(10_000)) == pytest.approx(expected, rel=1e-9)
    paired = [1] * 10_200 + [-1] * 9_800  # pairs that answer alike: the same test, sums of 2
    assert paired_permutation(paired, np.repeat(np.arange(10_000), 2)) == pytest.approx(expected, rel=1e-9)
    mixed = np.concatenate([np.ones(9000), -np.ones(8800)])
    groups = np.concatenate([np.arange(8000), np.repeat(np.arange(8000, 8500), 2), np.arange(9000, 17_800)])
    drawn = paired_permutation(mixed + 0.0, groups)
    assert 0.05 < drawn < 0.35


def test_drawn_p_agrees_with_scipy_and_is_never_zero():
    values = np.random.default_rng(1).normal(0.3, 1, 25)
    expected = permutation_test((values,), np.mean, permutation_type="samples", n_resamples=20_000, rng=2)
    assert paired_permutation(values, range(25)) == pytest.approx(expected.pvalue, abs=0.015)
    assert paired_permutation(np.linspace(0.9, 1, 40), range(40), resamples=99) == 0.01


def test_nothing_differs_gives_one():
    assert paired_permutation([0, 0, 0], [1, 2, 3]) == 1.0
    assert paired_permutation([], []) == 1.0
