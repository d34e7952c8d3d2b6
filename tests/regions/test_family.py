"""The family's level under nulls, its p against enumeration, its power where something is planted."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.regions.family import tested as family_of
from medaudit.regions.features import Features
from medaudit.regions.gaps import tables
from medaudit.stats.simulation import grouped, right_wrong


def features(inside):
    return Features(tuple(map(str, range(inside.shape[1]))), inside, ~inside, np.arange(inside.shape[1]))


def judged(inside, correct, labels, groups, classes=2, resamples=199, seed=0, least=1):
    held = features(inside)
    found = tables(held, correct, labels, groups, classes, least)
    rng = np.random.default_rng(seed)
    return family_of(held, found, correct, labels, groups, resamples=resamples, alpha=0.05, rng=rng)


def null(seed, kind, columns=12, share=0.4):
    """Answers of patients that have much in common, and features that patients have in common too."""
    rng = np.random.default_rng(seed)
    if kind == "one image each":
        groups = np.arange(240)
    elif kind == "one to six":
        groups = grouped(rng, 240, 6)
    else:  # all of different sizes
        groups = np.repeat(np.arange(28), rng.permutation(np.arange(2, 30)))
    count = int(groups.max()) + 1
    labels = rng.integers(0, 2, count)[groups]
    correct = right_wrong(rng, groups, 0.8, 0.4 if kind != "one image each" else 0) > 0
    inside = (rng.random((count, columns)) < share)[groups]
    return inside, correct, labels, groups


KINDS = ("one image each", "one to six", "all unlike")


@pytest.mark.parametrize("kind", KINDS)
def test_the_family_holds_its_level(kind):
    runs = 200
    p_values = np.array([judged(*null(seed, kind), seed=seed).p_max_t.min() for seed in range(runs)])
    for alpha in (0.05, 0.25):
        assert (p_values <= alpha).mean() <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / runs)
    # Neither may it be so cautious that nothing could ever be found.
    assert (p_values <= 0.5).mean() >= 0.3


@pytest.mark.parametrize("kind", KINDS[1:])
def test_heedless_of_patients_it_would_not(kind):
    runs = 60
    alarms = 0
    for seed in range(runs):
        inside, correct, labels, groups = null(seed, kind)
        alarms += judged(inside, correct, labels, np.arange(len(groups)), seed=seed).p_max_t.min() <= 0.05
    assert alarms / runs >= 0.2


def test_permuting_across_classes_would_not_either():
    # Classes differ in accuracy and in how often they hold the features; within classes nothing is tied.
    alarms = [0, 0]
    for seed in range(60):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 2, 300)
        correct = rng.random(300) < np.where(labels == 0, 0.95, 0.5)
        inside = rng.random((300, 4)) < np.where(labels == 0, 0.7, 0.2)[:, None]
        alarms[0] += judged(inside, correct, labels, np.arange(300), seed=seed).p.min() <= 0.0125
        pooled = np.zeros(300, int)
        alarms[1] += judged(inside, correct, pooled, np.arange(300), seed=seed).p.min() <= 0.0125
    assert alarms[0] <= 8
    assert alarms[1] >= 55


def test_p_agrees_with_all_deals():
    inside = np.array([1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0], bool)[:, None]
    correct = np.array([0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0], bool)
    labels = np.array([0] * 7 + [1] * 6)

    def gap(first, second):
        right = np.zeros(13, bool)
        right[list(first)] = True
        right[[7 + at for at in second]] = True
        return np.abs(tables(features(inside), right, labels, np.arange(13), 2).gaps).sum()

    own = np.abs(tables(features(inside), correct, labels, np.arange(13), 2).gaps).sum()
    every = [gap(*each) for each in product(combinations(range(7), 4), combinations(range(6), 3))]
    expected = np.mean(np.asarray(every) >= own - 1e-9)
    found = judged(inside, correct, labels, np.arange(13), resamples=8000)
    assert 0 < expected < 0.3
    assert found.p[0] == pytest.approx(expected, abs=4 * np.sqrt(expected / 8000))
    assert found.p_max_t[0] == found.p[0]
    assert found.null_mean[0] == pytest.approx(np.mean(every), abs=0.02)


def test_a_planted_feature_reaches_the_floor_and_the_others_do_not():
    inside, _, labels, groups = null(1, "one image each")
    rng = np.random.default_rng(2)
    correct = rng.random(240) < np.where(inside[:, 3] == (labels == 0), 0.95, 0.5)
    found = judged(inside, correct, labels, groups, resamples=999)
    assert found.p_max_t[3] == found.p[3] == 1 / 1000
    assert (np.delete(found.p_max_t, 3) > 0.05).all()
    assert max(found.p_helped[3], found.p_hurt[3]) <= 0.05
    assert found.p_adjusted[3] == pytest.approx(12 / 1000)


def test_what_only_hurts_has_no_small_p_for_help():
    inside, _, labels, groups = null(3, "one image each")
    rng = np.random.default_rng(4)
    correct = rng.random(240) < np.where(inside[:, 0], 0.5, 0.95)
    found = judged(inside, correct, labels, groups)
    assert found.p_max_t[0] <= 0.01
    assert found.p_hurt[0] <= 0.01
    assert found.p_helped[0] > 0.2


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=15)
def test_features_by_another_order_keep_their_p(seed):
    inside, correct, labels, groups = null(seed, "one to six", columns=5)
    order = np.random.default_rng(seed).permutation(5)
    first = judged(inside, correct, labels, groups, resamples=49)
    second = judged(inside[:, order], correct, labels, groups, resamples=49)
    for name in ("gap", "p", "p_max_t", "p_adjusted", "p_helped"):
        assert getattr(second, name) == pytest.approx(getattr(first, name)[order])
    assert (first.p_max_t >= first.p - 1e-12).all() or (first.p_max_t >= 1 / 50).all()


def test_nothing_that_varies_is_a_clean_control():
    inside, _, labels, groups = null(0, "one image each")
    found = judged(inside, np.ones(240, bool), labels, groups)
    assert (found.p_max_t == 1).all()
    assert (found.gap == 0).all()
