"""k-medoids against every set of medoids there is."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.errors import DataError, UsageError
from medaudit.image import keyed_rng
from medaudit.regions.distances import cosine_distances, unit_rows
from medaudit.regions.kmedoids import kmedoids, plus_plus


def loss(distances, medoids):
    return float(distances[list(medoids)].min(axis=0).sum(dtype=np.float64))


def points(seed, n, width=4, ceiling=1.0):
    rows = unit_rows(np.random.default_rng(seed).normal(size=(n, width)))
    return cosine_distances(rows, rows, ceiling)


def best_loss(distances, k):
    return min(loss(distances, chosen) for chosen in combinations(range(len(distances)), k))


@given(st.integers(0, 10_000), st.integers(2, 12), st.data())
@settings(deadline=None, max_examples=60)
def test_equals_brute_force_on_up_to_twelve_items(seed, n, data):
    k = data.draw(st.integers(1, n))
    distances = points(seed, n)
    found = kmedoids(distances, k, keyed_rng(seed))

    assert found.loss == pytest.approx(best_loss(distances, k), abs=1e-5)
    assert found.loss == pytest.approx(loss(distances, found.medoids), abs=1e-9)
    assert np.array_equal(found.assigned, distances[found.medoids].argmin(axis=0))


def test_restarts_reach_the_best_of_all_where_one_start_often_does_not():
    # 3,060 and more sets: too many for all to be tried by the function itself.
    reached = {1: 0, 10: 0}
    for seed in range(12):
        distances = points(seed, 18)
        for restarts in reached:
            found = kmedoids(distances, 4, keyed_rng(seed), restarts=restarts)
            reached[restarts] += found.loss <= best_loss(distances, 4) + 1e-5
    assert reached[10] >= 11
    assert reached[1] <= reached[10]


@given(st.integers(0, 10_000), st.integers(13, 30), st.integers(4, 6))
@settings(deadline=None, max_examples=40)
def test_no_single_swap_improves(seed, n, k):
    distances = points(seed, n)
    found = kmedoids(distances, k, keyed_rng(seed))

    for place in range(k):
        for item in set(range(n)) - set(found.medoids.tolist()):
            swapped = found.medoids.copy()
            swapped[place] = item
            assert loss(distances, swapped) >= found.loss - 1e-5


@given(st.integers(0, 10_000), st.integers(5, 40), st.integers(2, 5))
@settings(deadline=None, max_examples=40)
def test_alternating_ends_where_every_medoid_is_its_clusters_centre(seed, n, k):
    distances = points(seed, n)
    found = kmedoids(distances, k, keyed_rng(seed), method="alternate")

    assert np.array_equal(found.assigned, distances[found.medoids].argmin(axis=0))
    for place, medoid in enumerate(found.medoids):
        members = np.flatnonzero(found.assigned == place)
        if len(members):
            costs = distances[np.ix_(members, members)].sum(axis=1)
            assert distances[medoid, members].sum() <= costs.min() + 1e-4


def test_swapping_is_no_worse_than_alternating_on_the_whole():
    pairs = [
        [
            kmedoids(points(seed, 60), 6, keyed_rng(seed), method=method).loss
            for method in ("swap", "alternate")
        ]
        for seed in range(20)
    ]
    swap, alternate = np.asarray(pairs).T
    assert (swap <= alternate + 1e-5).mean() >= 0.9
    assert swap.mean() < alternate.mean()


def test_same_key_same_medoids_and_first_medoids_are_distinct():
    distances = points(3, 50)
    again = [kmedoids(distances, 5, keyed_rng("a")).medoids.tolist() for _ in range(2)]
    assert again[0] == again[1]
    chosen = plus_plus(points(4, 9), 9, keyed_rng(0))
    assert sorted(chosen.tolist()) == list(range(9))


def test_equal_items_are_a_clean_control():
    distances = np.zeros((7, 7), dtype=np.float32)
    for method in ("swap", "alternate"):
        found = kmedoids(distances, 3, keyed_rng(0), method=method)
        assert found.loss == 0
        assert len(set(found.medoids.tolist())) == 3


def test_distances_are_cut_where_asked():
    rows = unit_rows([[1, 0], [-2, 0], [0, 3]])
    assert cosine_distances(rows, rows).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert cosine_distances(rows, rows, 2.0)[0].tolist() == [0, 2, 1]


def test_mistakes_are_told():
    with pytest.raises(UsageError, match="k = 4 given; 3 items allow 1 to 3"):
        kmedoids(points(0, 3), 4, keyed_rng(0))
    with pytest.raises(UsageError, match="alternate"):
        kmedoids(points(0, 3), 2, keyed_rng(0), method="alternat")
    with pytest.raises(DataError, match="row 1 is all 0"):
        unit_rows([[1, 0], [0, 0]])
