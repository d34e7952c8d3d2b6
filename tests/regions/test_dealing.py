"""What a deal of correctness keeps together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.regions.dealing import deals, lone_share, residuals


def all_deals(values, labels, groups, resamples=60, seed=0):
    rng = np.random.default_rng(seed)
    return np.concatenate(list(deals(np.asarray(values, float), labels, groups, resamples, rng)))


@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(2, 4))
@settings(deadline=None, max_examples=40)
def test_one_image_a_patient_is_a_permutation_within_class(seed, n, classes):
    rng = np.random.default_rng(seed)
    labels = np.r_[0, rng.integers(0, classes, n - 1)]
    values = rng.normal(size=n)
    rows = all_deals(values, labels, rng.permutation(n))
    for label in range(classes):
        own = labels == label
        if own.sum() > 1:
            assert np.allclose(np.sort(rows[:, own], axis=1), np.sort(values[own]))


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=30)
def test_patients_move_as_a_whole_and_never_across_classes(seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(6), 4)
    labels = np.tile([0, 0, 0, 1], 6)
    shuffle = rng.permutation(24)
    groups, labels = groups[shuffle], labels[shuffle]
    # Tens say whose value it is, units which; class 1 is negative.
    values = np.where(labels == 0, 1, -1) * (10.0 * (groups + 1) + np.arange(24) / 100)
    for row in all_deals(values, labels, groups, 20):
        assert (np.sign(row) == np.where(labels == 0, 1, -1)).all()
        sources = [set((np.abs(row[groups == g]) // 10).astype(int).tolist()) for g in range(6)]
        assert all(len(source) == 1 for source in sources)
        assert len(set.union(*sources)) == 6


def test_neighbours_within_a_patient_stay_neighbours():
    groups = np.repeat([0, 1], 6)
    labels = np.zeros(12, int)
    rows = all_deals(np.tile(np.arange(6.0), 2), labels, groups)
    steps = np.diff(rows.reshape(-1, 2, 6), axis=2) % 6
    assert np.isin(steps, (1, 5)).all()
    assert len({tuple(row[:6]) for row in rows.tolist()}) == 12


def test_a_patient_like_no_other_keeps_or_flips_the_sign():
    labels, groups = np.array([0, 0, 1, 0, 1, 1]), np.array([0, 0, 0, 1, 2, 3])
    values = np.array([1.0, 2, 3, 4, 5, 6])
    rows = all_deals(values, labels, groups)
    assert {tuple(row) for row in rows[:, :3].tolist()} == {(1, 2, 3), (-1, -2, -3)}
    assert set(rows[:, 3].tolist()) == {4, -4}
    assert {tuple(sorted(row)) for row in rows[:, 4:].tolist()} == {(5, 6)}
    assert lone_share(labels, groups) == pytest.approx(4 / 6)
    assert lone_share(labels, np.arange(6)) == 0


def test_every_value_goes_everywhere_equally_often():
    rows = all_deals([0, 1, 2, 3], np.zeros(4, int), np.arange(4), resamples=4000)
    shares = np.array([(rows == value).mean(axis=0) for value in range(4)])
    assert shares == pytest.approx(0.25, abs=5 * np.sqrt(0.25 * 0.75 / 4000))


def test_equal_answers_are_a_clean_control():
    labels = np.array([0, 0, 0, 1, 1])
    constant = residuals(np.array([True, True, True, False, False]), labels, 2)
    assert constant.tolist() == [0] * 5
    assert not all_deals(constant, labels, np.arange(5)).any()
    half = residuals(np.array([True, False, True, True, False]), labels, 2)
    assert half == pytest.approx([1 / 3, -2 / 3, 1 / 3, 0.5, -0.5])
