"""Comparison methods: they rank what is planted above chance, and name something where nothing is."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from medaudit.errors import UsageError
from medaudit.image import keyed_rng
from medaudit.regions import precision_at
from medaudit.regions.mixture import error_aware_mixture
from medaudit.regions.peers import class_clusters, mixture_slices


def test_the_mixture_parts_what_is_taken_for_something_else():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 100)
    # Half of class 1 is taken for class 0, and lies apart.
    taken = np.where(np.arange(200) >= 150, 0, labels)
    points = rng.normal(0, 0.3, (200, 4)) + 3 * np.eye(4)[labels + (np.arange(200) >= 150)]
    mixed = error_aware_mixture(points, labels, np.eye(2)[taken], 6, 10.0, keyed_rng(0))
    owner = mixed.responsibility.argmax(axis=1)
    assert not set(owner[150:].tolist()) & set(owner[:150].tolist())
    assert mixed.responsibility.sum(axis=1) == pytest.approx(1)
    bad = int(owner[170])
    assert (mixed.true[bad].argmax(), mixed.taken[bad].argmax()) == (1, 0)


@pytest.mark.parametrize("method", [mixture_slices, class_clusters])
def test_slices_share_out_the_regions(make, method):
    regions, _ = make(np.random.default_rng(1), n=120, per_image=3, effect=0.5)
    found = method(regions, seed=1)
    listed = np.concatenate([each.members for each in found])
    assert sorted(listed.tolist()) == list(range(360))
    assert all(a.score >= b.score for a, b in pairwise(found))
    again = method(regions, seed=1)
    assert all(np.array_equal(a.members, b.members) for a, b in zip(found, again, strict=True))


def test_clusters_within_classes_see_a_strong_marker(make):
    regions, marker = make(np.random.default_rng(2), n=240, per_image=3, effect=0.6)
    found = class_clusters(regions)
    assert precision_at(found[0].members, marker) == 1
    assert found[0].score > 0.15


def test_region_scores_of_a_marker_give_it_a_slice(make):
    regions, marker = make(np.random.default_rng(3), n=240, per_image=3, effect=0.6)
    found = mixture_slices(regions)
    assert max(precision_at(each.members, marker) for each in found[:5]) == 1


def test_without_an_effect_the_marker_is_a_clean_control(make):
    regions, marker = make(np.random.default_rng(4), n=240, per_image=3)
    for method in (mixture_slices, class_clusters):
        found = method(regions)
        assert precision_at(found[0].members, marker) < 1
        # They do not abstain: something is always named.
        assert found[0].score > 0
    planted, _ = make(np.random.default_rng(2), n=240, per_image=3, effect=0.6)
    assert class_clusters(regions)[0].score < class_clusters(planted)[0].score


def test_mistakes_are_told(make):
    regions, _ = make(np.random.default_rng(5), n=30)
    with pytest.raises(UsageError, match="0 slices"):
        mixture_slices(regions, slices=0)
    with pytest.raises(UsageError, match="at most 1 clusters"):
        class_clusters(regions, most=1)
