"""RaVL's own rule: it finds what is planted, and nearly always something where nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.regions import Regions, discover, precision_at
from medaudit.regions.faithful import ranked
from medaudit.regions.partition import Partition


def nothing_planted(seed, accuracy=0.9, per_image=4, n=1000, classes=10, clusters=35):
    """Errors that know nothing of regions; regions dealt by lot to clusters of unequal sizes."""
    rng = keyed_rng("null", seed)
    labels = rng.integers(0, classes, n)
    other = (labels + rng.integers(1, classes, n)) % classes
    predicted = np.where(rng.random(n) < accuracy, labels, other)
    count = n * per_image
    regions = Regions(
        vectors=np.ones((count, 1)),
        image=np.repeat(np.arange(n), per_image),
        scores=rng.dirichlet(np.ones(classes), count),
        image_scores=np.eye(classes)[predicted],
        labels=labels,
    )
    assigned = rng.choice(clusters, count, p=rng.dirichlet(np.full(clusters, 0.5)))
    ones = np.ones(count, np.float32)
    return regions, Partition(clusters, None, (), np.arange(clusters), assigned, ones)


def test_it_alarms_on_a_pure_null():
    answers = [ranked(*nothing_planted(seed)) for seed in range(30)]
    assert all(answer.verdict == "found" for answer in answers)
    kept = np.mean([len(answer.found) for answer in answers])
    size = np.mean([answer.top.gap for answer in answers])
    # About 21 of 35 clusters are kept, the top one with a G of 0.44.
    assert 18 <= kept <= 24
    assert 0.38 <= size <= 0.50


def test_fewer_errors_do_not_help_it():
    answers = [ranked(*nothing_planted(seed, accuracy=0.98)) for seed in range(15)]
    assert all(answer.verdict == "found" for answer in answers)
    assert 0.16 <= np.mean([answer.top.gap for answer in answers]) <= 0.24


def test_no_errors_at_all_is_its_one_clean_control():
    answer = ranked(*nothing_planted(0, accuracy=1.0))
    assert (answer.verdict, answer.found) == ("not found", ())
    assert all(cluster.influence is None and cluster.gap == 0 for cluster in answer.clusters)


def test_a_planted_marker_is_ranked_first(make):
    regions, marker = make(np.random.default_rng(0), n=240, per_image=3, effect=0.5)
    answer = discover(regions, mode="faithful")
    top = answer.top
    assert answer.verdict == "found"
    assert precision_at(top.members, marker) == 1
    assert top.influence.share >= 0.25
    assert top.test is None
    assert answer.k in range(6, 15)
    assert [row.label for row in top.rows if row.gap > 0] == [0]
    assert answer.clusters[0].gap >= answer.clusters[1].gap


def test_clusters_by_other_names_rank_alike():
    regions, parted = nothing_planted(3)
    names = keyed_rng("names").permutation(parted.k)
    renamed = Partition(
        parted.k, None, (), parted.medoids[np.argsort(names)], names[parted.assigned], parted.similarity
    )
    first, second = ranked(regions, parted), ranked(regions, renamed)
    assert [c.gap for c in first.clusters] == pytest.approx([c.gap for c in second.clusters])
    assert np.array_equal(first.top.images, second.top.images)
