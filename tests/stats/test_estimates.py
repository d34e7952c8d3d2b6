"""Means, paired differences and ratios: values on paper, edges, invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

from medaudit.stats import Estimate, corrected_ratio, difference, mcnemar, mean, ratio

cases = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 9)), min_size=2, max_size=60)
graded = st.lists(
    st.tuples(st.floats(0, 1, width=16), st.floats(0, 1, width=16), st.integers(0, 9)),
    min_size=2,
    max_size=40,
)
quick = settings(deadline=None, max_examples=50)


def columns(rows):
    return tuple(list(column) for column in zip(*rows, strict=True))


def test_independent_right_answers_get_wilsons_interval():
    found = mean([1] * 17 + [0] * 8, range(25))
    assert found.estimate == 0.68
    assert found.interval == pytest.approx(proportion_confint(17, 25, 0.05, "wilson"), abs=1e-9)
    assert (found.n, found.groups, found.p_value) == (25, 25, None)


def test_copies_of_a_case_add_no_certainty():
    answers = np.tile([1.0, 1.0, 0.0], 40)
    once = mean(answers, range(120)).interval
    copied = mean(np.repeat(answers, 5), np.repeat(np.arange(120), 5)).interval
    naive = mean(np.repeat(answers, 5), range(600)).interval
    assert copied == pytest.approx(once, abs=0.004)
    assert naive[1] - naive[0] < 0.5 * (once[1] - once[0])


@pytest.mark.parametrize("value", [0.0, 1.0, 0.7])
def test_agreement_of_all_cases_keeps_a_width(value):
    low, high = mean([value] * 50, range(50)).interval
    assert high - low > 0.05
    assert low <= value <= high


def test_no_discordant_case_leaves_about_three_over_n():
    answers = [1] * 80 + [0] * 20
    assert difference(answers, answers, range(100)).interval == pytest.approx((-0.037, 0.037), abs=5e-4)
    by_patient = difference(answers, answers, np.arange(100) // 5).interval
    assert by_patient[1] == pytest.approx(student.ppf(0.975, 40) ** 2 / (20 + student.ppf(0.975, 40) ** 2))
    low, high = ratio(answers, answers, range(100)).interval
    assert 0.93 < low < 0.96
    assert 1.04 < high < 1.07


def test_paired_difference_known_on_paper():
    # b = 12 cases only a, c = 4 only b, of 50.
    a, b = [1] * 12 + [0] * 4 + [1] * 34, [0] * 12 + [1] * 4 + [1] * 34
    found = difference(a, b, range(50))
    assert found.estimate == pytest.approx(0.16)
    assert found.p_value == pytest.approx(mcnemar(12, 4))
    assert ratio(a, b, range(50)).estimate == pytest.approx(46 / 38)
    assert ratio(a, b, range(50)).p_value == found.p_value


def test_corrected_ratio_takes_the_baseline_off_both():
    # Margins: .6 - .2 = .4 and .9 - .1 = .8.
    a, base_a = [1] * 60 + [0] * 40, [1] * 20 + [0] * 80
    b, base_b = [1] * 90 + [0] * 10, [1] * 10 + [0] * 90
    found = corrected_ratio(a, base_a, b, base_b, range(100))
    assert found.estimate == pytest.approx(0.5)
    assert 0.3 < found.interval[0] < 0.5 < found.interval[1] < 0.7
    assert corrected_ratio(b, base_b, b, base_b, range(100)).interval[0] < 0.99


def test_undefined_ratios_say_why():
    zero = ratio([1, 0], [0, 0], [1, 2])
    assert (zero.estimate, zero.interval, zero.reason) == (
        None,
        None,
        "the denominator is 0: the ratio is undefined",
    )
    rare = ratio([1, 1] + [0] * 18, [1] + [0] * 19, range(20))
    assert rare.estimate == 2.0
    assert rare.interval[0] < 1
    assert rare.interval[1] > 8
    guess = [1, 0] * 50
    level = corrected_ratio(guess, guess, guess, guess[::-1], range(100))
    assert level.estimate is None
    assert "reaches 0" in level.reason


@pytest.mark.parametrize(
    "ask",
    [
        lambda x, g: mean(x, g),
        lambda x, g: difference(x, x, g),
        lambda x, g: ratio(x, x, g),
        lambda x, g: corrected_ratio(x, x, x, x, g),
    ],
)
def test_nothing_and_one_group_have_no_interval(ask):
    assert ask([], []) == Estimate(None, None, 0, 0, reason="no cases")
    alone = ask([1, 0, 1], ["p", "p", "p"])
    assert alone.interval is None
    assert alone.reason == "one group: no interval can be computed"
    assert (alone.n, alone.groups) == (3, 1)


@pytest.mark.parametrize("bad", [[0.5, float("nan")], [0.5, float("inf")], [[0, 1], [1, 0]], [1.0]])
def test_malformed_columns_are_programming_errors(bad):
    with pytest.raises(ValueError, match=r"NaN|axes|unequal"):
        mean(bad, ["a", "b"])
    with pytest.raises(ValueError, match=r"NaN|axes|unequal"):
        difference([1, 0], bad, ["a", "b"])
    with pytest.raises(ValueError, match="reason"):
        Estimate(None, None, 3, 1)


def test_values_of_any_range_are_resampled():
    values = np.random.default_rng(3).normal(50, 10, 400)
    found = mean(values, range(400))
    half = 1.96 * values.std() / 20
    assert found.interval == pytest.approx((values.mean() - half, values.mean() + half), abs=0.15)
    same = mean([7.0] * 5, range(5))
    assert same.interval is None
    assert "spread" in same.reason
    kept = ratio(values * 0.8, values, range(400))
    assert kept.estimate == pytest.approx(0.8)
    assert "no end" in ratio(values, values - values.mean() + 0.1, range(400)).reason


@given(st.one_of(cases, graded))
@quick
def test_a_difference_changes_sign_with_its_arms(rows):
    a, b, groups = columns(rows)
    forth, back = difference(a, b, groups), difference(b, a, groups)
    assert forth.estimate == pytest.approx(-back.estimate)
    assert forth.p_value == pytest.approx(back.p_value)
    if forth.interval:
        assert forth.interval == pytest.approx((-back.interval[1], -back.interval[0]), abs=1e-6)


@given(st.one_of(cases, graded))
@quick
def test_a_column_keeps_all_of_itself(rows):
    a, _, groups = columns(rows)
    found = ratio(a, a, groups)
    assert found.estimate == pytest.approx(1.0) if sum(a) else found.estimate is None


@given(st.one_of(cases, graded), st.randoms(use_true_random=False))
@quick
def test_intervals_hold_the_estimate_in_any_case_order(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    for ask in (mean, difference, ratio):
        a, b, groups = columns(rows)
        x, y, others = columns(shuffled)
        found = ask(a, groups) if ask is mean else ask(a, b, groups)
        assert found == (ask(x, others) if ask is mean else ask(x, y, others))
        if found.interval:
            assert found.interval[0] <= found.estimate <= found.interval[1]
            assert found.interval[0] < found.interval[1]
