"""Every statistic on data that hold next to nothing: a number or a reason, never NaN and never certainty.

Each set of values is asked as one arm, against itself, against zeros and against its reverse, with every case
its own group, in pairs, and all in one group.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from medaudit import stats

VALUES = {
    "empty": [],
    "one case": [1.0],
    "two cases": [1.0, 0.0],
    "two right": [1.0, 1.0],
    "all right": [1.0] * 9,
    "all wrong": [0.0] * 9,
    "all right, many": [1.0] * 40,
    "all wrong, many": [0.0] * 40,
    "all equal, graded": [1 / 3] * 9,
    "all equal, beyond 1": [7.0] * 9,
    "few values beyond 1": [7.0, 2.0, 3.0, 8.0, 1.0, 9.0, 2.0, 2.0, 5.0],
    "all worse": [-1.0] * 9,
    "ties": [1.0, 0.0] * 4,
    "ties, many": [1.0, 0.0] * 20,
    "graded ties": [0.5, 1.0, 0.5, 0.0, 0.25, 0.5, 0.5, 1.0, 0.0],
    "next to nothing": [1e-12] * 9,
}
GROUPS = {
    "own": lambda n: list(range(n)),
    "pairs": lambda n: [i // 2 for i in range(n)],
    "one": lambda n: [0] * n,
}


def asked(x, groups):
    """Every estimate that can be asked of ``x``, by name."""
    zeros, others = [0.0] * len(x), [f"other {group}" for group in groups]
    yield "mean", stats.mean(x, groups)
    for name, y in (("itself", x), ("zeros", zeros), ("reversed", x[::-1])):
        for first, second in ((x, y), (y, x)):
            yield f"difference {name}", stats.difference(first, second, groups)
            yield f"ratio {name}", stats.ratio(first, second, groups)
            yield f"corrected {name}", stats.corrected_ratio(first, zeros, second, zeros, groups)
            yield f"tost {name}", stats.tost(np.subtract(first, second), groups, 0.1)
            for side in (others, groups):
                yield f"unpaired {name}", stats.unpaired_difference(first, groups, second, side)
                yield f"unpaired ratio {name}", stats.unpaired_ratio(first, groups, second, side)
                yield (
                    f"unpaired corrected {name}",
                    stats.unpaired_corrected_ratio(first, zeros, groups, second, zeros, side),
                )
    yield "empty side", stats.unpaired_difference(x, groups, [], [])
    yield "other side empty", stats.unpaired_ratio([], [], x, groups)
    for labels in (1, 2, 3):
        yield f"gap of {labels}", stats.gap(x, [i % labels for i in range(len(x))], groups, resamples=200)


def numbers(found):
    parts = [found.estimate, getattr(found, "p_value", None), getattr(found, "excess", None)]
    return [part for part in (*parts, *(found.interval or ())) if part is not None]


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("values", VALUES)
def test_a_number_or_a_reason(values, groups):
    x = VALUES[values]
    for name, found in asked(x, GROUPS[groups](len(x))):
        where = f"{name}, {values}, {groups}: {found}"
        assert all(math.isfinite(number) for number in numbers(found)), where
        if found.interval is None:
            assert found.reason, where
            continue
        low, high = found.interval
        centre = found.excess if isinstance(found, stats.Gap) else found.estimate
        assert low - 1e-9 <= centre <= high + 1e-9, where
        assert high - low > 1e-6, where
        assert groups != "one" or isinstance(found, stats.Gap), where


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("values", VALUES)
def test_p_values_are_above_0_and_1_without_a_difference(values, groups):
    x = VALUES[values]
    codes = GROUPS[groups](len(x))
    assert 0 < stats.paired_permutation(x, codes) <= 1
    assert stats.paired_permutation(np.subtract(x, x), codes) == 1.0
    assert stats.difference(x, x, codes).p_value in (None, 1.0)
    assert math.isfinite(stats.design_effect(x, codes))


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200])
def test_what_is_no_number_is_refused(bad):
    x, groups = [1.0, bad, 0.0], [1, 2, 3]
    calls = [
        lambda: stats.mean(x, groups),
        lambda: stats.difference(x, [0.0] * 3, groups),
        lambda: stats.ratio([1.0] * 3, x, groups),
        lambda: stats.corrected_ratio(x, x, x, x, groups),
        lambda: stats.unpaired_difference(x, groups, [1.0], [4]),
        lambda: stats.unpaired_ratio([1.0], [4], x, groups),
        lambda: stats.gap(x, [0, 1, 1], groups),
        lambda: stats.tost(x, groups, 0.1),
        lambda: stats.paired_permutation(x, groups),
        lambda: stats.design_effect(x, groups),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="given"):
            call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: stats.wilson(0, 0),
        lambda: stats.wilson(math.nan, 10),
        lambda: stats.clopper_pearson(0, 0),
        lambda: stats.clopper_pearson(3, 2),
        lambda: stats.mcnemar(-1, 2),
        lambda: stats.holm([math.nan]),
        lambda: stats.benjamini_hochberg([1.5]),
        lambda: stats.cluster_bootstrap(np.zeros((0, 1)), [], lambda s, m: s[:, 0] / m),
        lambda: stats.cluster_bootstrap(np.ones((2, 1)), [1, 2], lambda s, m: s[:, 0] / m, resamples=0),
        lambda: stats.mean([3, 4, 9], [1, 2, 3], resamples=0),
        lambda: stats.tost([0.0], [1], 0.0),
        lambda: stats.power_paired(0.1, 0.2, -1),
        lambda: stats.power_paired(0.1, math.nan, 10),
        lambda: stats.power_paired(0.1, 0.2, 10, alpha=0.0),
        lambda: stats.power_two_proportions(0.5, 0.6, 0, 0),
        lambda: stats.power_two_proportions(0.5, 1.6, 10, 10),
        lambda: stats.required_n_paired(0.3, 0.1, power=1.0),
        lambda: stats.required_n_two_proportions(0.3, 0.1, power=1.0),
        lambda: stats.required_n_two_proportions(math.nan, 0.1),
        lambda: stats.required_n_proportion(math.nan),
    ],
)
def test_a_question_without_sense_is_a_value_error_and_nothing_else(call):
    with pytest.raises(ValueError, match=r"given|need|out of range|between|no cases"):
        call()


def test_counts_and_families_of_nothing():
    assert stats.mcnemar(0, 0) == 1.0
    assert stats.holm([]) == stats.benjamini_hochberg([]) == []
    assert stats.holm([None]) == stats.benjamini_hochberg([None]) == [None]
    assert stats.wilson(1, 1)[0] == pytest.approx(1 / (1 + 1.959964**2), abs=1e-6)
    assert stats.clopper_pearson(0, 1) == (0.0, pytest.approx(0.975))


def test_one_huge_group_beside_small_ones_does_not_lend_its_cases():
    # 990 cases of one patient, all right, and ten patients of one case each: near eleven opinions, not 1,000.
    x, groups = [1.0] * 990 + [1.0, 0.0] * 5, [0] * 990 + list(range(1, 11))
    huge = stats.mean(x, groups).interval
    assert huge[1] - huge[0] > 0.3
    alone = stats.mean(x, range(1000)).interval
    assert alone[1] - alone[0] < 0.02


def test_the_gap_of_values_beyond_one_is_measured():
    x = [2.0, 3.0, 4.0, 3.0] * 10 + [6.0, 7.0, 8.0, 7.0] * 10
    found = stats.gap(x, ["a"] * 40 + ["b"] * 40, range(80))
    assert found.estimate == pytest.approx(4.0)
    # The standard error of the difference is sqrt(2 * .5 / 40) = .158.
    assert found.interval[1] - found.interval[0] == pytest.approx(2 * 1.96 * 0.158, rel=0.1)
    assert found.p_value < 0.001


def test_two_sides_that_agree_in_every_patient_are_not_proven_equal():
    # The same patients, right and wrong alike on both sides: the rule of three on 40 patients, as if paired.
    x = [1.0, 0.0] * 20
    found = stats.unpaired_difference(x, range(40), x, range(40))
    square = 1.959964**2
    assert found.interval == pytest.approx((-square / (40 + square), square / (40 + square)), abs=1e-6)
    assert found.interval == pytest.approx(stats.difference(x, x, range(40)).interval, abs=1e-6)
    ratio = stats.unpaired_ratio(x, range(40), x, range(40)).interval
    assert ratio[1] - 1 == pytest.approx(2 * square / (40 + square), abs=1e-6)
