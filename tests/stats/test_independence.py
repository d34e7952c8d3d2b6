"""Labels that go together, labels that do not, and how often chance is taken for more."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit import stats


def test_labels_that_tell_one_another() -> None:
    found = stats.dependence(["a", "b"] * 30, ["x", "y"] * 30, range(60))

    assert found.v == pytest.approx(1)
    assert found.p_value == pytest.approx(1 / 501)


def test_balanced_labels_have_no_association() -> None:
    found = stats.dependence([0, 1] * 30, [0, 0, 1, 1] * 15, range(60))

    assert found.v == pytest.approx(0)
    assert found.p_value == 1


def test_v_of_a_table_on_paper() -> None:
    # [[80, 20], [50, 50]]: phi = 3000 / sqrt(100 * 100 * 130 * 70).
    found = stats.dependence(["B"] * 100 + ["A"] * 100, [0] * 80 + [1] * 20 + [0, 1] * 50, range(200))

    assert found.v == pytest.approx(3000 / (100 * 100 * 130 * 70) ** 0.5)


def test_many_pictures_of_few_patients_are_few() -> None:
    # Six patients, one label and answer each: V is 1 and as many deals of three among six reach it.
    codes = np.arange(60) % 6

    found = stats.dependence(list(codes < 3), list(codes < 3), codes, resamples=999)

    assert found.v == pytest.approx(1)
    assert found.p_value == pytest.approx(2 / 20, abs=0.04)


@pytest.mark.parametrize("groups", [100, 25])
def test_the_test_keeps_its_level(groups: int) -> None:
    hits = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        codes = np.arange(100) % groups
        x, y = rng.integers(0, 3, groups)[codes], rng.integers(0, 2, groups)[codes]
        hits += stats.dependence(list(x), list(y), codes, resamples=99, seed=500 + seed).p_value <= 0.05

    assert hits <= 12  # 5 expected


def test_one_label_tells_nothing() -> None:
    assert stats.dependence(["a"] * 5, [0, 1, 0, 1, 0], range(5)).p_value == 1
    with pytest.raises(ValueError, match="unequal length"):
        stats.dependence([1, 2], [1], [0, 1])
