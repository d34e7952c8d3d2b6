"""The whole search: what is planted comes first, what is not planted is not found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medaudit.errors import UsageError
from medaudit.regions import discover, precision_at
from medaudit.regions.stability import jaccard

SMALL = {"n": 240, "per_image": 3}


def changed(regions, **columns):
    return replace(regions, **columns)


def test_a_planted_marker_comes_first_with_p_at_its_floor(planted):
    regions, marker, answer = planted
    top = answer.top
    assert answer.verdict == "found"
    assert precision_at(top.members, marker) == 1
    assert top.test.p_max_t == top.test.p == 1 / 1000
    assert (top.helped, regions.class_names[top.helped]) == (0, "class 0")
    assert top.influence.lower > 0.3
    assert top.excess == pytest.approx(top.gap - top.test.null_mean)
    assert answer.stability.median >= 0.9
    assert len(answer.stability.values) == 15
    assert jaccard(top.images, np.unique(regions.image[marker])) > 0.95


def test_the_answer_says_what_was_measured(planted):
    regions, _, answer = planted
    assert (answer.n, answer.groups, answer.errors) == (240, 240, int((~regions.correct).sum()))
    assert answer.lone == 0
    assert 0 < answer.detectable.difference < 0.5
    for words in ("of 240 images", "p = 0.001", "helped most: class 0", "hurt most", "Jaccard"):
        assert words in answer.reason
    assert len(answer.clusters) == answer.k
    assert answer.tests == sum(each.test is not None for each in answer.clusters)
    row = answer.top.rows[0]
    held = np.isin(np.arange(240), answer.top.images) & (regions.labels == 0)
    assert row.n_in == held.sum()
    assert row.accuracy_in == pytest.approx(regions.correct[held].mean())


def test_the_same_seed_gives_the_same_answer(planted):
    regions, _, answer = planted
    again = discover(regions)
    assert again.reason == answer.reason
    assert [each.test for each in again.clusters] == [each.test for each in answer.clusters]


def test_images_in_another_order_give_the_same_top(planted):
    regions, marker, answer = planted
    order = np.random.default_rng(1).permutation(240)
    rows = (order[:, None] * 3 + np.arange(3)).ravel()
    moved = changed(
        regions,
        vectors=regions.vectors[rows],
        image=np.repeat(np.arange(240), 3),
        scores=regions.scores[rows],
        image_scores=regions.image_scores[order],
        labels=regions.labels[order],
    )
    again = discover(moved, resamples=199)
    assert again.top.gap == pytest.approx(answer.top.gap, abs=0.05)
    assert jaccard(order[again.top.images], answer.top.images) > 0.95
    assert precision_at(again.top.members, marker[rows]) == 1


def test_answers_permuted_within_classes_are_a_clean_control(planted):
    regions, _, _ = planted
    rng = np.random.default_rng(5)
    scores = regions.image_scores.copy()
    for label in range(3):
        own = np.flatnonzero(regions.labels == label)
        scores[own] = scores[rng.permutation(own)]
    answer = discover(changed(regions, image_scores=scores))
    assert (answer.verdict, answer.found, answer.top) == ("not found", (), None)
    assert "no gap beyond chance" in answer.reason
    assert "in each of two classes" in answer.reason
    assert answer.detectable.difference < 0.5


def test_nothing_planted_is_a_clean_control_where_the_published_rule_alarms(make):
    verdicts = []
    for seed in range(6):
        regions, _ = make(np.random.default_rng(100 + seed), **SMALL)
        verdicts.append(
            (discover(regions, resamples=199).verdict, discover(regions, mode="faithful").verdict)
        )
    assert [ours for ours, _ in verdicts].count("found") == 0
    assert [theirs for _, theirs in verdicts].count("found") >= 5


def hard(make):
    """A marker that makes every class harder, and misleads towards none."""
    regions, marker = make(np.random.default_rng(2), **SMALL)
    rng = np.random.default_rng(3)
    marked = np.isin(np.arange(240), regions.image[marker])
    right = rng.random(240) < np.where(marked, 0.6, 0.97)
    predicted = np.where(right, regions.labels, (regions.labels + rng.integers(1, 3, 240)) % 3)
    return changed(regions, image_scores=np.eye(3)[predicted])


def test_what_is_hard_is_not_called_misleading(make):
    regions = hard(make)
    answer = discover(regions, resamples=199)
    assert answer.verdict == "not found"
    assert "hard or easy" in answer.reason
    assert answer.clusters[0].test.p_max_t <= 0.05
    assert discover(regions, both_signs=False, resamples=199).verdict == "found"


def test_an_attribute_of_whole_images_is_tested_beside_the_clusters(make):
    regions, _ = make(np.random.default_rng(4), **SMALL)
    rng = np.random.default_rng(5)
    site = np.where(rng.random(240) < 0.4, "B", "A")
    right = rng.random(240) < np.where((site == "B") == (regions.labels == 0), 0.97, 0.5)
    predicted = np.where(right, regions.labels, np.where(regions.labels == 0, 1, 0))
    told = [None if unknown else str(name) for name, unknown in zip(site, rng.random(240) < 0.1, strict=True)]
    columns = {"site": told, "brightness": rng.random(240).tolist(), "view": ["AP"] * 240}
    answer = discover(changed(regions, image_scores=np.eye(3)[predicted], covariates=columns), resamples=199)
    names = [each.name for each in answer.clusters]
    assert answer.verdict == "found"
    assert answer.top.name == "site: A"
    assert (answer.top.medoid, len(answer.top.members), answer.stability) == (None, 0, None)
    assert {"brightness: lowest third", "brightness: highest third", "view: AP"} <= set(names)
    assert next(each for each in answer.clusters if each.name == "view: AP").test is None
    assert "site: B" not in names


def test_split_halves_choose_on_one_and_test_on_the_other(make):
    regions, marker = make(np.random.default_rng(6), n=400, per_image=3, effect=0.6)
    answer = discover(regions, split=True, resamples=199)
    assert answer.verdict == "found"
    assert precision_at(answer.top.members, marker) == 1
    assert 195 <= answer.n <= 205
    assert answer.tests <= 5
    assert sum(row.n_in + row.n_out for row in answer.top.rows) == answer.n
    clean, _ = make(np.random.default_rng(7), **SMALL)
    assert discover(clean, split=True, resamples=199).verdict != "found"


def test_few_patients_are_not_many_images(planted):
    regions, _, _ = planted
    answer = discover(changed(regions, groups=[f"p{at % 8}" for at in range(240)]))
    assert answer.verdict == "insufficient data"
    assert "10 patients with it" in answer.reason
    assert (answer.groups, answer.tests) == (8, 0)
    pairs = discover(changed(regions, groups=[f"p{at // 2}" for at in range(240)]), resamples=199)
    assert pairs.verdict == "found"
    assert pairs.groups == 120


@pytest.mark.parametrize(
    ("n", "accuracy", "words"),
    [(240, 1.0, "at least 5 of each"), (60, 0.75, ""), (6, 0.5, "of each are needed|regions cannot be cut")],
)
def test_too_little_is_said_to_be_too_little(make, n, accuracy, words):
    regions, _ = make(np.random.default_rng(8), n=n, per_image=3, accuracy=accuracy)
    answer = discover(regions, resamples=199)
    assert answer.verdict == "insufficient data"
    assert answer.reason
    assert answer.found == ()
    if words:
        assert any(part in answer.reason for part in words.split("|"))


def test_what_could_have_gone_unseen_is_weighed(make):
    regions, _ = make(np.random.default_rng(9), **SMALL)
    assert discover(regions, resamples=199).verdict == "not found"
    strict = discover(regions, resamples=199, resolution=0.05)
    assert strict.verdict == "insufficient data"
    assert "even 5% could have gone unseen" in strict.reason


def test_a_finding_of_one_partition_alone_does_not_count(planted):
    regions, _, _ = planted
    answer = discover(regions, resamples=199, least_stability=1.01)
    assert answer.verdict == "not found"
    assert "not found again" in answer.reason
    assert answer.found == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mode": "our"}, "Did you mean 'ours'"),
        ({"resamples": 18}, "fewer than 19"),
        ({"alpha": 1.5}, "alpha 1.5"),
        ({"min_count": 0}, "min_count 0"),
    ],
)
def test_mistakes_are_told(planted, given, message):
    with pytest.raises(UsageError, match=message):
        discover(planted[0], **given)
