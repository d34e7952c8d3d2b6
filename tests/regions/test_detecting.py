"""Is what is said to be detectable detected in four of five samples?"""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.regions.detecting import detectable, differences
from medaudit.regions.examining import examine
from medaudit.regions.partition import Partition
from medaudit.regions.settings import Settings
from medaudit.regions.stability import alike, jaccard

SETTINGS = Settings(resamples=199)


def examined(make, seed, effect, n=200):
    """Clusters as given: the marker's, and twelve by lot."""
    rng = np.random.default_rng(seed)
    regions, marker = make(rng, n=n, classes=2, effect=effect)
    assigned = np.where(marker, 0, 1 + rng.integers(0, 12, len(marker)))
    first = np.array([np.flatnonzero(assigned == place)[0] for place in range(13)])
    parted = Partition(13, None, (), first, assigned, np.ones(len(assigned), np.float32))
    return examine(regions, parted, np.ones(n, bool), None, SETTINGS)


def expected(make, both_signs, n=200):
    each = []
    for seed in range(8):
        found = examined(make, seed, 0.0, n)
        rows = np.asarray(list(found.columns))
        each.append(differences(found.found.only(rows), found.family, both_signs=both_signs)[0])
    return float(np.mean(each))


@pytest.mark.parametrize("both_signs", [True, False])
def test_power_is_near_what_is_claimed(make, both_signs):
    effect = expected(make, both_signs)
    hits = 0
    for seed in range(80):
        found = examined(make, 1000 + seed, effect)
        hits += 0 in (found.kept if both_signs else found.differs)
    assert 0.65 <= hits / 80 <= 0.95


def test_no_effect_is_a_clean_control(make):
    found = [examined(make, 2000 + seed, 0.0) for seed in range(60)]
    assert sum(bool(each.differs) for each in found) <= 9
    assert sum(bool(each.kept) for each in found) <= 3


def test_more_images_show_less(make):
    assert expected(make, True, n=400) < 0.85 * expected(make, True)
    assert expected(make, False) <= expected(make, True)


def test_without_variation_nothing_is_detectable(make):
    found = examined(make, 0, 0.0)
    rows = np.asarray(list(found.columns))
    dead = found.family.__class__(**{**vars(found.family), "null_sd": np.zeros(len(rows))})
    assert detectable(found.found.only(rows), dead, both_signs=True) is None
    alive = detectable(found.found.only(rows), found.family, both_signs=True)
    assert (alive.power, alive.difference < 1) == (0.8, True)


def test_jaccard():
    assert jaccard(np.array([1, 2, 3]), np.array([2, 3, 4])) == 0.5
    assert jaccard(np.array([1]), np.array([2])) == 0
    assert jaccard(np.array([], int), np.array([], int)) == 1


def test_two_clusters_part_the_images_alike_whichever_side_is_theirs():
    every = np.arange(100)
    left = every[:40]
    assert alike(left, left, every) == 1
    # The mark's absence is the same parting of the images; Jaccard's index alone calls it nothing.
    assert (jaccard(left, every[40:]), alike(left, every[40:], every)) == (0, 1)
    assert alike(left, every[:30], every) == pytest.approx(0.75)
    # Control: two clusters that hold most images share most of them by chance.
    most, others = every[:80], every[20:]
    assert jaccard(most, others) == pytest.approx(0.6)
    assert alike(most, others, every) == pytest.approx(0.25)


def test_partings_by_chance_are_not_alike():
    every, rng = np.arange(400), np.random.default_rng(0)
    for share in (0.1, 0.5, 0.9):
        drawn = [np.flatnonzero(rng.random(400) < share) for _ in range(40)]
        assert max(alike(a, b, every) for a, b in zip(drawn[::2], drawn[1::2], strict=True)) < 0.45
