"""What images hold: clusters once however often, and attributes of the whole image."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.regions import Regions
from medaudit.regions.features import covariate_features, joined, occurrences, region_features
from medaudit.regions.halves import first_half
from medaudit.regions.partition import Partition


def regions(**covariates):
    n = 12
    return Regions(
        vectors=np.ones((24, 2)),
        image=np.repeat(np.arange(n), 2),
        scores=np.full((24, 2), 0.5),
        image_scores=np.full((n, 2), 0.5),
        labels=np.arange(n) % 2,
        covariates=covariates,
    )


def test_an_image_with_two_regions_of_a_cluster_holds_it_once():
    assigned = np.r_[[0, 0], [0, 1], np.ones(20, int)]
    parted = Partition(2, None, (), np.array([0, 3]), assigned, np.ones(24, np.float32))
    given = regions()
    assert occurrences(given, parted)[:3].tolist() == [[2, 0], [1, 1], [0, 2]]
    held = region_features(given, parted)
    assert held.inside[:3].tolist() == [[True, False], [True, True], [False, True]]
    assert np.array_equal(held.outside, ~held.inside)


def test_columns_become_features():
    given = regions(
        sex=["F", "M"] * 5 + [None, None],
        view=["AP", "PA", "LAT"] * 4,
        size=[*np.arange(11.0).tolist(), float("nan")],
        few=[1, 2, 3] * 4,
    )
    held = covariate_features(given)
    assert held.names == (
        "sex: F",
        "view: AP",
        "view: LAT",
        "view: PA",
        "size: lowest third",
        "size: highest third",
        "few: 1",
        "few: 2",
        "few: 3",
    )
    assert held.inside.sum(axis=0).tolist() == [5, 4, 4, 4, 4, 4, 4, 4, 4]
    unknown = ~(held.inside | held.outside)
    assert unknown.sum(axis=0).tolist() == [2, 0, 0, 0, 1, 1, 0, 0, 0]
    assert (held.places == -1).all()
    both = joined(held.only(np.array([0])), held.only(np.array([8])))
    assert both.names == ("sex: F", "few: 3")
    assert both.at(np.arange(12) < 3).inside.shape == (3, 2)


def test_no_columns_are_a_clean_control():
    held = covariate_features(regions())
    assert (held.count, held.inside.shape) == (0, (12, 0))
    assert covariate_features(regions(site=[None] * 12)).count == 0


@pytest.mark.parametrize("patients", [12, 4])
def test_halves_part_patients_and_balance_classes(patients):
    labels = np.arange(24) % 2
    groups = np.arange(24) % patients
    first = first_half(labels, groups, 0)
    assert not set(groups[first].tolist()) & set(groups[~first].tolist())
    assert first.sum() == 12
    assert np.bincount(labels[first]).tolist() == [6, 6]
    assert np.array_equal(first, first_half(labels, groups, 0))
    assert any(not np.array_equal(first, first_half(labels, groups, seed)) for seed in range(1, 9))


def test_patients_of_which_there_is_one_kind_each_are_shared_out_too():
    groups = np.repeat(np.arange(10), np.arange(1, 11))
    first = first_half(np.zeros(55, int), groups, 0)
    assert len(set(groups[first].tolist())) == 5
