"""Accuracy with and without a feature."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.regions.features import Features
from medaudit.regions.gaps import Tables, contrasts, tables

# Images with a red rectangle and without, and the accuracy of each: CLIP RN50 with "nine" and red planted
# together, digits zero to nine. Sums to G = 4.009.
DEMO = [
    ((52, 0.981), (41, 1.0)),
    ((56, 0.0), (65, 1.0)),
    ((36, 0.694), (62, 1.0)),
    ((37, 1.0), (59, 1.0)),
    ((45, 0.644), (53, 1.0)),
    ((38, 0.684), (42, 1.0)),
    ((55, 0.782), (50, 1.0)),
    ((58, 0.69), (50, 0.98)),
    ((43, 0.023), (55, 0.964)),
    ((54, 1.0), (49, 0.041)),
]
TERMS = [-0.017, -0.926, -0.225, 0, -0.327, -0.300, -0.208, -0.269, -0.826, 0.912]


def laid_out(table):
    """One feature: inside, correct, labels of every image."""
    inside, correct, labels = [], [], []
    for label, sides in enumerate(table):
        for held, (n, accuracy) in zip((True, False), sides, strict=True):
            inside += [held] * n
            correct += [True] * round(n * accuracy) + [False] * (n - round(n * accuracy))
            labels += [label] * n
    return np.array(inside), np.array(correct), np.array(labels)


def one(inside):
    return Features(("f",), inside[:, None], ~inside[:, None], np.array([0]))


def test_the_published_table_gives_4_009():
    sides = np.array(DEMO).transpose(1, 2, 0)
    counts, accuracies = sides[:, :1], sides[:, 1:]
    right = counts * accuracies
    found = Tables(counts[0], counts[1], right[0], right[1], np.ones((1, 10), bool))
    assert found.gaps[0] == pytest.approx(TERMS, abs=6e-4)
    assert np.abs(found.gaps[0]).sum() == pytest.approx(4.009, abs=5e-4)


def test_images_with_the_published_counts_give_it_up_to_the_rounding_of_the_table():
    inside, correct, labels = laid_out(DEMO)
    assert len(labels) == 1000
    assert correct.mean() == pytest.approx(0.782, abs=5e-4)
    found = tables(one(inside), correct, labels, np.arange(1000), 10)
    assert np.abs(found.gaps[0]).sum() == pytest.approx(4.009, abs=2e-3)


def test_contrasts_give_the_same_gaps_from_centred_answers():
    inside, correct, labels = laid_out(DEMO)
    found = tables(one(inside), correct, labels, np.arange(1000), 10)
    for shift in (0.0, -0.7):
        each = [
            float((correct[images] + shift) @ weights[:, 0])
            for _, images, weights in contrasts(found, one(inside), labels)
        ]
        assert each == pytest.approx(found.gaps[0].tolist(), abs=1e-12)


def random_case(seed, n=60, features=4, classes=3):
    rng = np.random.default_rng(seed)
    inside = rng.random((n, features)) < rng.random(features)
    known = rng.random((n, features)) < 0.9
    held = Features(tuple(map(str, range(features))), inside & known, ~inside & known, np.arange(features))
    return rng, held, rng.random(n) < 0.7, rng.integers(0, classes, n), rng.integers(0, 25, n)


@given(st.integers(0, 10_000), st.integers(1, 4))
@settings(deadline=None, max_examples=50)
def test_neither_the_order_of_images_nor_of_features_matters(seed, min_count):
    rng, held, correct, labels, groups = random_case(seed)
    found = tables(held, correct, labels, groups, 3, min_count)
    images, columns = rng.permutation(60), rng.permutation(4)
    moved = Features(
        held.names, held.inside[images][:, columns], held.outside[images][:, columns], held.places
    )
    again = tables(moved, correct[images], labels[images], groups[images], 3, min_count)
    assert np.array_equal(again.compared, found.compared[columns])
    assert again.gaps == pytest.approx(found.gaps[columns])
    classes = rng.permutation(3)
    renamed = tables(held, correct, classes[labels], groups, 3, min_count)
    assert renamed.gaps[:, classes] == pytest.approx(found.gaps)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=50)
def test_bounds_and_the_view_from_the_other_side(seed):
    _, held, correct, labels, groups = random_case(seed)
    found = tables(held, correct, labels, groups, 3)
    assert (np.abs(found.gaps) <= found.weights + 1e-12).all()
    assert ((found.weights >= 0) & (found.weights <= 1)).all()
    mirrored = Features(held.names, held.outside, held.inside, held.places)
    assert tables(mirrored, correct, labels, groups, 3).gaps == pytest.approx(-found.gaps)
    assert not found.compared[(found.n_in == 0) | (found.n_out == 0)].any()


def test_patients_are_counted_not_images():
    inside = np.array([True] * 6 + [False] * 6)
    labels, correct = np.zeros(12, int), np.ones(12, bool)
    groups = np.array([0, 0, 0, 0, 0, 1, 2, 2, 3, 3, 4, 4])
    for least, compared in ((2, True), (3, False)):
        assert tables(one(inside), correct, labels, groups, 2, least).compared[0, 0] == compared
    assert not tables(one(inside), correct, labels, groups, 2, 1).compared[0, 1]


def test_equal_accuracy_is_a_clean_control():
    inside, correct, labels = laid_out([((10, 0.7), (30, 0.7)), ((20, 1.0), (5, 1.0)), ((8, 0.0), (8, 0.0))])
    assert not np.abs(tables(one(inside), correct, labels, np.arange(81), 3).gaps).max() > 1e-12
