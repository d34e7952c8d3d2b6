"""How many clusters, and which."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.errors import UsageError
from medaudit.regions.distances import cosine_distances, unit_rows
from medaudit.regions.partition import partition
from medaudit.regions.settings import faithful_counts, usual_counts
from medaudit.regions.silhouette import mean_silhouette


def blobs(seed, kinds, each=40, width=24, noise=0.1):
    rng = np.random.default_rng(seed)
    centres = np.linalg.qr(rng.normal(size=(width, width)))[0][:kinds]
    kind = np.repeat(np.arange(kinds), each)
    return unit_rows(centres[kind] + rng.normal(0, noise, (len(kind), width))), kind


def by_hand(distances, assigned):
    values = []
    for item, own in enumerate(assigned):
        mates = [j for j in range(len(assigned)) if assigned[j] == own and j != item]
        if not mates:
            values.append(0.0)
            continue
        a = distances[item, mates].mean()
        b = min(distances[item, assigned == other].mean() for other in set(assigned.tolist()) - {own})
        values.append((b - a) / max(a, b))
    return float(np.mean(values))


@given(st.integers(0, 1000), st.integers(2, 5))
@settings(deadline=None, max_examples=25)
def test_silhouette_equals_its_definition_under_any_names(seed, k):
    rng = np.random.default_rng(seed)
    rows = unit_rows(rng.normal(size=(25, 5)))
    distances = cosine_distances(rows, rows, 2.0)
    assigned = np.concatenate([np.arange(k), rng.integers(0, k, 25 - k)])
    value = mean_silhouette(distances, assigned)
    assert value == pytest.approx(by_hand(distances, assigned), abs=1e-5)
    assert value == pytest.approx(mean_silhouette(distances, rng.permutation(k)[assigned]), abs=1e-6)


@pytest.mark.parametrize("kinds", [4, 7])
def test_the_planted_number_of_kinds_is_found(kinds):
    vectors, kind = blobs(0, kinds)
    parted = partition(vectors, range(2, 11), seed=0)
    assert parted.k == kinds
    assert all(len(set(kind[parted.assigned == place].tolist())) == 1 for place in range(kinds))


def test_the_rest_is_assigned_to_medoids_fitted_on_a_part():
    vectors, kind = blobs(1, 5, each=100)
    whole, part = (partition(vectors, [5], seed=0, fit_at_most=at_most) for at_most in (500, 60))
    among = np.flatnonzero(np.arange(500) % 2 == 0)
    half = partition(vectors, [5], seed=0, among=among)
    for parted in (whole, part, half):
        pairs = set(zip(kind.tolist(), parted.assigned.tolist(), strict=True))
        assert len(pairs) == 5
    assert set(half.medoids.tolist()) <= set(among.tolist())


def test_members_are_ordered_by_similarity_to_the_medoid():
    vectors, _ = blobs(2, 3)
    parted = partition(vectors, [3], seed=0)
    members = parted.members(1)
    assert members[0] == parted.medoids[1]
    own = vectors[members] @ vectors[parted.medoids[1]]
    assert np.all(np.diff(own) <= 1e-6)
    assert sorted(np.concatenate([parted.members(place) for place in range(3)]).tolist()) == list(range(120))


def test_noise_is_a_clean_control():
    vectors = unit_rows(np.random.default_rng(0).normal(size=(200, 24)))
    assert (partition(vectors, range(2, 11), seed=0).silhouette or 0) < 0.1
    assert mean_silhouette(np.zeros((3, 3), np.float32), np.zeros(3, np.int64)) is None


def test_silhouettes_below_0_still_choose_a_k():
    # Items on two spots, labelled across: the reference program starts from 0 and ends without any k.
    vectors = unit_rows(np.eye(3)[[0, 0, 1, 1, 2, 2]] + 1e-3)
    distances = cosine_distances(vectors, vectors)
    assert (mean_silhouette(distances, np.array([0, 1, 0, 1, 0, 1])) or 0) < 0
    assert partition(vectors, [2, 4], seed=0).k in (2, 4)


def test_ranges_of_k():
    assert faithful_counts(10) == tuple(range(20, 50))
    assert usual_counts(2, 2000)[0] == 4
    assert usual_counts(2, 2000)[-1] == 25
    assert usual_counts(10, 2000)[0] == 20
    assert usual_counts(10, 2000)[-1] <= 50
    assert usual_counts(2, 40)[-1] <= 10
    # Each of 16 places can part in two; regions bound it all the same.
    assert (usual_counts(2, 2000, 16)[0], usual_counts(2, 2000, 16)[-1]) == (32, 64)
    assert usual_counts(10, 2000, 4) == usual_counts(10, 2000)
    assert usual_counts(2, 100, 16)[-1] <= 25
    with pytest.raises(UsageError, match="3 regions allow 2 to 2"):
        partition(unit_rows(np.eye(3)), [5, 6], seed=0)
