"""Cramer's V against values known on paper, and labels dealt to reach it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.image import keyed_rng
from medaudit.stats import associate, cramers_v

EVEN = ["left"] * 500 + ["right"] * 500
RARE = ["effusion"] * 100 + ["none"] * 900


def dealt(labels, levels, v, key="a", **options):
    return associate(labels, levels, v, keyed_rng(key), **options)


def test_v_of_tables_known_on_paper():
    # 2 x 2 with cells 30, 10, 10, 30: phi = (900 - 100) / 1600.
    assert cramers_v(["a"] * 40 + ["b"] * 40, [0] * 30 + [1] * 10 + [0] * 10 + [1] * 30) == pytest.approx(0.5)
    assert cramers_v([1, 2, 3], ["x", "y", "z"]) == pytest.approx(1.0)
    assert cramers_v(["a", "a", "b", "b"], [0, 1, 0, 1]) == 0.0


def test_v_agrees_with_scipy_on_three_by_four():
    from scipy.stats.contingency import association

    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 3, 400), rng.integers(0, 4, 400)
    table = np.zeros((3, 4), int)
    np.add.at(table, (x, y), 1)
    assert cramers_v(x, y) == pytest.approx(association(table, method="cramer"))


def test_a_constant_label_tells_nothing():
    assert cramers_v(["a", "a"], [0, 1]) == cramers_v([0, 1], ["a", "a"]) == cramers_v([], []) == 0.0
    with pytest.raises(ValueError, match="unequal"):
        cramers_v([1, 2], [1])


@pytest.mark.parametrize("v", [0.0, 0.1, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0])
def test_two_even_labels_agree_in_half_of_one_plus_v(v):
    levels = dealt(EVEN, ["plain", "marked"], v)
    agree = np.mean(
        [(label == "left") == (level == "plain") for label, level in zip(EVEN, levels, strict=True)]
    )
    assert agree == pytest.approx((1 + v) / 2, abs=0.001)
    assert cramers_v(EVEN, levels) == pytest.approx(v, abs=0.002)
    assert abs(Counter(levels)["marked"] - 500) <= 2


@pytest.mark.parametrize("v", [0.0, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0])
def test_four_labels_and_vendors(v):
    labels = [f"class {index % 4}" for index in range(1000)]
    levels = dealt(labels, ["A", "B", "C", "D"], v)
    assert cramers_v(labels, levels) == pytest.approx(v, abs=0.01)
    assert max(Counter(levels).values()) - min(Counter(levels).values()) <= 6


def test_rare_labels_keep_levels_even_as_long_as_v_allows():
    # 100 of 1,000 against levels of 50 %: V = sqrt(.1 * .5 / (.9 * .5)) = 1/3 with all 100 on one side.
    assert abs(Counter(dealt(RARE, [0, 1], 0.33))[0] - 500) <= 6
    strong = dealt(RARE, [0, 1], 0.7)
    assert cramers_v(RARE, strong) == pytest.approx(0.7, abs=0.005)
    # All 100 on level 0 beside k others: V^2 = .1 (1 - q) / (.9 q), so q = .1848.
    assert Counter(strong)[0] == pytest.approx(185, abs=2)
    assert dealt(RARE, [0, 1], 1.0) == [0] * 100 + [1] * 900


def test_what_cannot_be_reached_is_said():
    with pytest.raises(ValueError, match=r"v 0\.7 given; with levels used evenly at most 0\.333 can"):
        dealt(RARE, [0, 1], 0.7, keep_even=True)
    even = dealt(RARE, [0, 1], 0.3, keep_even=True)
    assert cramers_v(RARE, even) == pytest.approx(0.3, abs=0.005)
    assert sum(even) == 500
    with pytest.raises(ValueError, match=r"at most 0\.000"):
        dealt(["a"] * 10, [0, 1], 0.5)
    with pytest.raises(ValueError, match=r"at most 0\.000"):
        dealt(EVEN, ["only"], 0.5)
    assert dealt(EVEN, ["only"], 0.0) == ["only"] * 1000


@pytest.mark.parametrize(("levels", "v"), [([0, 1], 1.1), ([0, 1], -0.1), ([], 0.5), ([0, 0], 0.5)])
def test_what_makes_no_sense_is_refused(levels, v):
    with pytest.raises(ValueError, match="given"):
        dealt(EVEN, levels, v)


def test_levels_go_with_labels_in_sorted_order_and_wrap():
    labels = [10, 9, 2, 10, 9, 2]
    assert dealt(labels, ["x", "y", "z"], 1.0) == ["z", "y", "x", "z", "y", "x"]
    assert dealt(labels, ["x", "y"], 1.0) == ["x", "y", "x", "x", "y", "x"]
    assert dealt([], ["x", "y"], 0.5) == []


def test_the_rng_decides_which_cases_and_nothing_else():
    first, again, other = (dealt(EVEN, [0, 1], 0.5, key) for key in ("a", "a", "b"))
    assert first == again != other
    assert Counter(zip(EVEN, first, strict=True)) == Counter(zip(EVEN, other, strict=True))
    # Within a label the order is random: a run of equal levels of 500 / 4 would be no deal at all.
    assert sum(first[:250]) == pytest.approx(62, abs=22)


@settings(max_examples=60, deadline=None)
@given(
    shares=st.lists(st.integers(15, 100), min_size=2, max_size=4),
    levels=st.integers(2, 4),
    v=st.floats(0, 1),
    n=st.integers(200, 500),
)
def test_v_is_reached_by_any_labels_and_levels(shares, levels, v, n):
    cuts = np.cumsum(shares) / np.sum(shares) * n
    labels = np.searchsorted(cuts, np.arange(n), side="right").tolist()
    found = dealt(labels, list(range(levels)), v)
    assert cramers_v(labels, found) == pytest.approx(v, abs=0.03)  # few cases in a label: coarse steps
