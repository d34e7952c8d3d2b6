"""Temperature: planted ones are found, on groups that they were not fitted on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medaudit import stats
from medaudit.stats.temperature import cross_fitted, probabilities


def planted(n, temperature, seed, options=4):
    """Right options follow softmax(s); the model states temperature * s."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(0, 2, (n, options))
    rates = np.exp(honest) / np.exp(honest).sum(axis=1, keepdims=True)
    right = (rng.random((n, 1)) > rates.cumsum(axis=1)).sum(axis=1)
    return (temperature * honest).tolist(), right.tolist()


def test_a_temperature_known_on_paper():
    # Stated ln 9 : 0 on every case, 3 of 4 right: ln 9 / T = ln 3, so T = 2.
    scores, right = [(math.log(9), 0.0)] * 40, [0, 0, 0, 1] * 10
    found = stats.fit_temperature(scores, right, range(40))
    assert found.estimate == pytest.approx(2.0)
    assert found.interval[0] < 2 < found.interval[1]
    assert probabilities(scores[:1], found.estimate)[0] == pytest.approx([0.75, 0.25])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_planted_temperatures_are_recovered_on_other_groups(temperature):
    scores, right = planted(2000, temperature, 1)
    fold = [index // 2 % 5 for index in range(2000)]
    found, rows = cross_fitted(scores, right, fold)
    assert len(set(found.tolist())) == 5
    assert found == pytest.approx(np.full(2000, temperature), rel=0.12)
    assert sum(row.sum() for row in rows) == pytest.approx(2000)


def test_intervals_cover_and_are_clustered():
    held = 0
    for seed in range(100):
        scores, right = planted(150, 2.0, seed)
        groups = [index // 3 for index in range(150)]
        low, high = stats.fit_temperature(scores, right, groups).interval
        held += low <= 2 <= high
    assert held >= 87
    # Each case three times in one group tells no more than once.
    once = stats.fit_temperature(scores, right, range(150)).interval
    thrice = stats.fit_temperature(scores * 3, right * 3, [*range(150)] * 3).interval
    assert thrice == pytest.approx(once, rel=1e-6)


def test_a_fold_never_sees_its_own_answers():
    scores, right = planted(60, 1.0, 2)
    fold = [index % 3 for index in range(60)]
    before, _ = cross_fitted(scores, right, fold)
    changed = [(r + 1) % 4 if f == 0 else r for r, f in zip(right, fold, strict=True)]
    after, _ = cross_fitted(scores, changed, fold)
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_always_right_has_no_temperature_and_impossible_options_are_numbers():
    assert "no temperature fits" in stats.fit_temperature([(0.0, -3.0)] * 9, [0] * 9, range(9)).reason
    assert stats.fit_temperature([], [], []).reason == "no cases"
    assert probabilities([(0.0, -math.inf, 0.0)])[0] == pytest.approx([0.5, 0, 0.5])
    assert [len(row) for row in probabilities([(0.0, -1.0), (0.0, -1.0, -2.0)])] == [2, 3]
