"""Influence by hand, on six images: who has the deciding vote in which errors."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.regions import Regions
from medaudit.regions.faithful import ranked
from medaudit.regions.features import region_features
from medaudit.regions.gaps import tables
from medaudit.regions.influence import bounded_influence, plain_influence, votes
from medaudit.regions.partition import Partition
from medaudit.stats import wilson

# Images 0 to 3 are of class 1, of which 0 to 2 hold a region of cluster 0; 4 and 5 of class 0, 4 holds one.
LABELS = np.array([1, 1, 1, 1, 0, 0])
HOLDS = np.array([True, True, True, False, True, False])


def case(towards_0, predicted=(0, 0, 1, 1, 0, 1), regions_of=(2,) * 6):
    """Two regions an image, the first of cluster 0 where held, else of 1; scores for class 0 as given."""
    image = np.repeat(np.arange(6), regions_of)
    first = np.r_[True, np.diff(image) > 0]
    assigned = np.where(first & HOLDS[image], 0, 1)
    rows = [towards_0.get((int(i), 0 if f else 1), 0.5) for i, f in zip(image, first, strict=True)]
    towards = np.array(rows)
    regions = Regions(
        vectors=np.ones((len(image), 2)),
        image=image,
        scores=np.column_stack([towards, 1 - towards]),
        image_scores=np.eye(2)[list(predicted)],
        labels=LABELS,
    )
    parted = Partition(2, None, (), np.array([0, 1]), assigned, np.ones(len(image), np.float32))
    return regions, parted


def influence(regions, parted):
    found = tables(region_features(regions, parted), regions.correct, regions.labels, np.arange(regions.n), 2)
    return plain_influence(regions, found, votes(regions, parted))


def test_half_of_two_errors():
    # Image 0: the marker speaks loudest for the wrong class; image 1: the background does.
    found = influence(*case({(0, 0): 0.9, (0, 1): 0.2, (1, 0): 0.3, (1, 1): 0.6}))[0]
    assert (found.share, found.label, found.errors, found.expected) == (0.5, 1, 2, 0.5)
    assert found.normalised is None


def test_a_tie_goes_to_the_first_region():
    scores = {(0, 0): 0.9, (0, 1): 0.2, (1, 0): 0.6, (1, 1): 0.6}
    assert influence(*case(scores))[0].share == 1


def test_an_image_of_one_region_is_left_out():
    scores = {(0, 0): 0.9, (0, 1): 0.2, (1, 0): 0.9}
    found = influence(*case(scores, regions_of=(2, 1, 2, 2, 2, 2)))[0]
    assert (found.share, found.errors) == (1, 1)


def test_the_vote_is_for_the_wrong_class_that_was_given():
    # The background looks more like either class in sum; only class 0, the answer given, counts.
    assert influence(*case({(0, 0): 0.51, (0, 1): 0.5, (1, 0): 0.51, (1, 1): 0.5}))[0].share == 1


def test_without_errors_there_is_none_and_nothing_is_found():
    regions, parted = case({}, predicted=LABELS)
    assert influence(regions, parted) == [None, None]
    answer = ranked(regions, parted)
    assert (answer.verdict, answer.found, answer.top) == ("not found", (), None)
    assert "0 of 2 clusters" in answer.reason


def test_classes_that_the_cluster_does_not_hurt_do_not_count():
    # Image 3, without the marker, is wrong too: accuracy 1/3 with it, 0 without.
    assert influence(*case({(0, 0): 0.9}, predicted=(0, 0, 1, 0, 0, 1)))[0] is None


def test_both_signs_and_influence_are_separate_switches():
    regions, parted = case({(0, 0): 0.9, (0, 1): 0.2, (1, 0): 0.3, (1, 1): 0.6})
    # Class 1 by -0.5 x 2/3, class 0 by +1 x 1.
    top = ranked(regions, parted).top
    assert top.gap == pytest.approx(1 / 3 + 1)
    assert (top.helped, top.hurt, top.gap_per_class) == (0, 1, pytest.approx(2 / 3))
    assert ranked(regions, parted, least_influence=0.6).verdict == "not found"
    assert ranked(regions, parted, least_influence=None, both_signs=False).verdict == "found"


def many(hits, errors, groups=None):
    """``errors`` wrong images of class 1 with a marker, ``hits`` decided by it; as many right without."""
    n = 2 * errors + 2
    image = np.repeat(np.arange(n), 4)
    first = np.arange(len(image)) % 4 == 0
    holds = np.arange(n) < errors
    towards = np.where(first, 0.9, 0.5)
    towards[np.isin(image, np.arange(hits, errors)) & first] = 0.1
    labels = np.r_[np.ones(2 * errors, int), 0, 0]
    predicted = np.where(holds, 0, labels)
    regions = Regions(
        vectors=np.ones((len(image), 2)),
        image=image,
        scores=np.column_stack([towards, 1 - towards]),
        image_scores=np.eye(2)[predicted],
        labels=labels,
        groups=groups,
    )
    assigned = np.where(first & holds[image], 0, 1)
    return regions, Partition(2, None, (), np.array([0, 1]), assigned, np.ones(len(image), np.float32))


def bounded(regions, parted):
    found = tables(region_features(regions, parted), regions.correct, regions.labels, np.arange(regions.n), 2)
    return bounded_influence(regions, found, votes(regions, parted), 0)


def test_beyond_lot_with_wilsons_lower_bound():
    found = bounded(*many(hits=15, errors=20))
    assert (found.share, found.errors, found.expected) == (0.75, 20, 0.25)
    assert found.normalised == pytest.approx((0.75 - 0.25) / 0.75)
    assert found.lower == pytest.approx((wilson(15, 20)[0] - 0.25) / 0.75)


def test_patients_with_several_errors_say_less():
    pairs = np.arange(42) // 2
    assert bounded(*many(15, 20, pairs)).lower < bounded(*many(15, 20)).lower


def test_fewer_than_five_errors_say_nothing():
    assert bounded(*many(4, 4)) is None
    assert bounded(*many(5, 5)) is not None


def test_votes_by_lot_are_a_clean_control():
    found = bounded(*many(hits=5, errors=20))
    assert found.normalised == pytest.approx(0)
    assert found.lower < 0
