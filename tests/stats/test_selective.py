"""Risk and coverage: areas known on paper, ties, intervals."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit import stats


def test_areas_known_on_paper():
    found = stats.risk_coverage([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0], range(4))
    # Wrong among the k most confident: 0/1, 1/2, 1/3, 2/4.
    assert found.risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert found.area.estimate == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    # Every wrong answer last: 0, 0, 1/3, 2/4.
    assert found.best == pytest.approx((1 / 3 + 1 / 2) / 4)


def test_a_constant_confidence_gives_the_error_rate_in_any_order():
    right = np.random.default_rng(0).permutation([1] * 70 + [0] * 30)
    found = stats.risk_coverage([0.7] * 100, right, range(100))
    assert found.area.estimate == pytest.approx(0.3)
    assert found.area.interval[0] < 0.3 < found.area.interval[1]


def test_confidence_without_order_covers_the_error_rate():
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(60), 2)
        right = (rng.random(60) < 0.7)[groups]
        low, high = stats.risk_coverage(
            rng.random(120), right, groups, resamples=300, seed=seed
        ).area.interval
        held += low <= 0.3 <= high
    assert held >= 87


def test_nothing_and_one_group():
    assert stats.risk_coverage([], [], []).area.reason == "no cases"
    alone = stats.risk_coverage([0.5, 0.6], [1, 0], ["a", "a"])
    assert (alone.area.interval, alone.area.estimate) == (None, pytest.approx(0.75))
