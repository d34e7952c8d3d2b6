"""Agreement of raters: against scipy and by hand, with intervals, human to human and human to judge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from medaudit.grading.human_labels import HumanLabels
from medaudit.grading.judge_agreement import agreement, human_human, human_judge


def ids(n: int) -> list[str]:
    return [str(i) for i in range(n)]


@pytest.mark.parametrize("seed", range(5))
def test_tau_b_is_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 5, 60) / 4
    b = np.clip(a + rng.integers(-1, 2, 60) / 4, 0, 1)

    found = agreement(a.tolist(), b.tolist(), ids(60), resamples=200)

    assert found.tau_b.estimate == pytest.approx(kendalltau(a, b).statistic)


def test_weighted_kappa_by_hand() -> None:
    # Binary: kappa is Cohen's. 4 + 4 agree of 10, margins even: (0.8 - 0.5) / (1 - 0.5) = 0.6.
    a = [1.0] * 5 + [0.0] * 5
    b = [1.0] * 4 + [0.0] + [0.0] * 4 + [1.0]
    # 0, 0.5, 1 against a rater one step higher: observed 2 * 0.25, chance sum of 9 pairs / 3.
    c, d = [0.0, 0.5, 1.0], [0.5, 1.0, 1.0]
    chance = sum((x - y) ** 2 for x in c for y in d) / 3

    assert agreement(a, b, ids(10)).kappa.estimate == pytest.approx(0.6)
    assert agreement(c, d, ids(3), resamples=200).kappa.estimate == pytest.approx(1 - 0.5 / chance)


def test_equal_raters_agree_and_chance_raters_do_not() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(0, 5, 300) / 4 for _ in range(2))

    same = agreement(a.tolist(), a.tolist(), ids(300))
    chance = agreement(a.tolist(), b.tolist(), ids(300))

    assert (same.tau_b.estimate, same.kappa.estimate, same.n) == (pytest.approx(1), pytest.approx(1), 300)
    for part in (chance.tau_b, chance.kappa):
        assert part.interval is not None
        assert part.interval[0] < 0 < part.interval[1]


def test_a_constant_rater_has_no_tau_and_one_group_no_interval() -> None:
    flat = agreement([0.5] * 10, [0.0, 1.0] * 5, ids(10))
    lone = agreement([0.0, 1.0, 1.0], [0.0, 1.0, 0.0], ["p"] * 3)

    assert flat.tau_b.estimate is None
    assert "same score" in flat.tau_b.reason
    assert lone.tau_b.estimate is not None
    assert lone.tau_b.interval is None


def test_pairs_of_raters_are_stacked_and_cluster_by_case() -> None:
    one = {str(i): (i % 5) / 4 for i in range(20)}
    two = {str(i): (i % 5) / 4 for i in range(10, 30)}
    labels = HumanLabels({"a": one, "b": two}, "1-5")

    together = human_human(labels)
    judge = human_judge(labels, {**{str(i): (i % 5) / 4 for i in range(25)}, "29": None})

    assert together is not None
    assert (together.n, together.kappa.estimate) == (10, pytest.approx(1))
    assert judge is not None
    # 20 rows of one rater, cases 10 to 24 of the other.
    assert (judge.n, judge.tau_b.groups) == (35, 25)
    assert human_human(HumanLabels({"a": one}, "1-5")) is None
