"""A drop taken apart: what the mix makes and what is left, on paper and in coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaudit import stats


def parts(inside: Any, rest: Any) -> stats.Standardised:
    """From lists of (score, stratum), every case a group of its own."""
    (a, in_a), (b, in_b) = zip(*inside, strict=True), zip(*rest, strict=True)
    return stats.standardised_drop(a, in_a, range(len(a)), b, in_b, range(1000, 1000 + len(b)))


def test_a_change_of_mix_alone_leaves_nothing() -> None:
    # Right on x, wrong on y, whoever asks; 20 % x inside, 50 % among the rest.
    found = parts([(1, "x")] * 20 + [(0, "y")] * 80, [(1, "x")] * 50 + [(0, "y")] * 50)

    assert found.drop.estimate == pytest.approx(0)
    assert found.by_priors.estimate == pytest.approx(0.3)
    assert found.drop.interval is not None
    assert found.drop.interval[0] < 0 < found.drop.interval[1]
    assert found.by_priors.interval is not None
    assert found.by_priors.interval[0] > 0.1
    assert (found.covered, found.strata) == (1, 2)


def test_a_weakness_alone_is_left_whole() -> None:
    found = parts([(1, "x")] * 10 + [(0, "x")] * 10, [(1, "x")] * 40)

    assert found.drop.estimate == pytest.approx(0.5)
    assert found.by_priors.estimate == pytest.approx(0)


def test_both_at_once_add_up_to_the_raw_drop() -> None:
    # Inside: x 0.5 of 40, y 0.25 of 60; rest: x 1 of 50, y 0.5 of 50. Raw 0.75 - 0.35; at the inside mix
    # 0.4 * 0.5 + 0.6 * 0.25.
    inside = [(1, "x")] * 20 + [(0, "x")] * 20 + [(1, "y")] * 15 + [(0, "y")] * 45
    found = parts(inside, [(1, "x")] * 50 + [(1, "y")] * 25 + [(0, "y")] * 25)

    assert found.drop.estimate == pytest.approx(0.35)
    assert found.by_priors.estimate == pytest.approx(0.05)


def test_cases_without_counterpart_are_counted_and_left_out() -> None:
    found = parts([(1, "x")] * 30 + [(0, "z")] * 10, [(1, "x")] * 20 + [(1, "z")])

    assert found.covered == pytest.approx(0.75)
    assert found.drop.estimate == pytest.approx(0)
    nothing = parts([(1, "x")] * 5, [(1, "y")] * 5)
    assert (nothing.drop.estimate, nothing.covered) == (None, 0)
    assert "counterparts" in nothing.drop.reason


def test_copies_of_a_case_add_nothing() -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.random(60) < 0.6).astype(float), (rng.random(60) < 0.8).astype(float)
    kinds, own = ["x", "y"] * 30, np.arange(60)

    once = stats.standardised_drop(a, kinds, own, b, kinds, 100 + own)
    thrice = stats.standardised_drop(
        np.repeat(a, 3), list(np.repeat(kinds, 3)), np.repeat(own, 3),
        np.repeat(b, 3), list(np.repeat(kinds, 3)), 100 + np.repeat(own, 3),
    )  # fmt: skip

    for first, second in ((once.drop, thrice.drop), (once.by_priors, thrice.by_priors)):
        assert first.estimate == pytest.approx(second.estimate)
        assert first.interval is not None
        assert second.interval is not None
        assert np.ptp(second.interval) == pytest.approx(np.ptp(first.interval), rel=0.1)


def test_intervals_cover_as_often_as_they_say() -> None:
    # Accuracies .6 and .8 inside, .7 and .95 among the rest; shares of the second kind .3 and .6.
    # At the inside mix .7 * .1 + .3 * .15 = .115 is lost, raw .85 - .66 = .19.
    covered = np.zeros(2)
    for seed in range(300):
        rng = np.random.default_rng(seed)
        a, in_a, groups = _side(rng, 0.3, (0.6, 0.8))
        b, in_b, others = _side(rng, 0.6, (0.7, 0.95))
        found = stats.standardised_drop(a, in_a, groups, b, in_b, others + 1000)
        for place, (estimate, truth) in enumerate(((found.drop, 0.115), (found.by_priors, 0.075))):
            assert estimate.interval is not None
            covered[place] += estimate.interval[0] <= truth <= estimate.interval[1]

    assert covered[0] >= 273  # 91 %
    assert covered[1] >= 264  # 88 %: a linearised interval over 60 groups


def _side(rng: np.random.Generator, share: float, accuracy: tuple[float, float]) -> Any:
    """Sixty groups of two cases of one kind."""
    groups = np.arange(120) % 60
    kind = (rng.random(60) < share)[groups].astype(int)
    return (rng.random(120) < np.asarray(accuracy)[kind]).astype(float), kind.tolist(), groups


def test_graded_scores_beyond_one_have_no_interval() -> None:
    found = parts([(2.0, "x")] * 5, [(3.0, "x")] * 5)

    assert found.drop.estimate == pytest.approx(1)
    assert found.drop.interval is None
    assert "outside [0, 1]" in found.drop.reason
