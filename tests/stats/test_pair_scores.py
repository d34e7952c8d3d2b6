"""Pair scores enumerated, their identities, a published table recomputed, and the groups of a graph."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from medaudit.stats.components import components
from medaudit.stats.pair_scores import (
    INVALID,
    NO_UNLIKE_PAIR,
    NO_VALID_PAIR,
    pair_columns,
    pair_scores,
    sign_flip_test,
    sign_test,
)
from medaudit.stats.printed_pairs import consistent

AB, BA = (0, 1), (1, 0)
NAN = float("nan")
# Choices of the two images, both right answers: right items, invalid items, both, same, precise, direction.
BY_HAND = {
    ("AA", AB): (1, 0, 0, 1, NAN, 0),
    ("AB", AB): (2, 0, 1, 0, 1, 1),
    ("BA", AB): (0, 0, 0, 0, 0, -1),
    ("BB", AB): (1, 0, 0, 1, NAN, 0),
    ("A-", AB): (1, 1, 0, NAN, NAN, 0),
    ("B-", AB): (0, 1, 0, NAN, NAN, 0),
    ("-A", AB): (0, 1, 0, NAN, NAN, 0),
    ("-B", AB): (1, 1, 0, NAN, NAN, 0),
    ("--", AB): (0, 2, 0, NAN, NAN, 0),
    ("AA", BA): (1, 0, 0, 1, NAN, 0),
    ("AB", BA): (0, 0, 0, 0, 0, -1),
    ("BA", BA): (2, 0, 1, 0, 1, 1),
    ("BB", BA): (1, 0, 0, 1, NAN, 0),
    ("A-", BA): (0, 1, 0, NAN, NAN, 0),
    ("B-", BA): (1, 1, 0, NAN, NAN, 0),
    ("-A", BA): (1, 1, 0, NAN, NAN, 0),
    ("-B", BA): (0, 1, 0, NAN, NAN, 0),
    ("--", BA): (0, 2, 0, NAN, NAN, 0),
}
NUMBERS = {"A": 0, "B": 1, "-": INVALID}
# Set accuracy, confusion, then: pairs with two unlike answers, right of those, p of the sign test.
PUBLISHED = {
    "random": (0.2500, 0.5000, 88, 44, None),
    "Gemini 1.5 Pro": (0.1989, 0.5852, 73, 35, 0.68),
    "GPT-4o": (0.1875, 0.7500, 44, 33, 0.0006),
    "Llama 3.2 90B": (0.1534, 0.7841, 38, 27, 0.007),
    "InstructBLIP": (0.1250, 0.8035, 34, 22, 0.06),
    "Molmo 7B-D": (0.0966, 0.8621, 24, 17, 0.03),
    "LLaVA v1.6": (0.0909, 0.8580, 25, 16, 0.11),
    "Claude 3 Opus": (0.0852, 0.8409, 28, 15, 0.43),
    "BLIP-2": (0.0682, 0.8693, 23, 12, 0.5),
    "Molmo 72B": (0.0682, 0.8580, 25, 12, 0.65),
    "RadFM": (0.0568, 0.8580, 25, 10, 0.89),
    "LLaVA-Med v1.5": (0.0114, 0.9716, 5, 2, 0.81),
}
outcomes = st.lists(
    st.tuples(st.sampled_from(["AB", "BA", "AA", "BB"]), st.sampled_from([AB, BA])), min_size=1
)


def numbered(said):
    return [[NUMBERS[letter] for letter in both] for both in said]


def scores(chosen, right, groups=None):
    return pair_scores(chosen, right, range(len(chosen)) if groups is None else groups, resamples=200)


def test_all_nine_outcomes_in_either_order_are_what_paper_says():
    assert {said for said, _ in BY_HAND} == {"".join(both) for both in product("AB-", repeat=2)}
    for (said, right), expected in BY_HAND.items():
        found = pair_columns(numbered([said]), [right])
        values = (found.right.sum(), found.invalid.sum(), found.both[0], found.same[0], found.precise[0])
        assert values == pytest.approx(expected[:5], nan_ok=True), (said, right)
        assert found.direction[0] == expected[5], (said, right)


@given(outcomes)
@settings(deadline=None, max_examples=60)
def test_identities_hold_where_every_answer_is_valid(rows):
    found = scores(numbered([said for said, _ in rows]), [right for _, right in rows])
    both_wrong = np.mean([said == {AB: "BA", BA: "AB"}[right] for said, right in rows])
    confusion = found.confusion.estimate
    assert found.individual.estimate == pytest.approx(found.set.estimate + confusion / 2)
    assert both_wrong == pytest.approx(1 - found.set.estimate - confusion)
    assert found.invalid.estimate == 0
    if confusion < 1:
        assert found.precision.estimate == pytest.approx(found.set.estimate / (1 - confusion))
    else:
        assert (found.precision.estimate, found.precision.reason) == (None, NO_UNLIKE_PAIR)


@given(st.lists(st.tuples(st.text("AB-", min_size=2, max_size=2), st.sampled_from([AB, BA])), min_size=1))
@settings(deadline=None, max_examples=60)
def test_every_number_keeps_its_own_denominator(rows):
    found = scores(numbered([said for said, _ in rows]), [right for _, right in rows])
    valid = [said for said, _ in rows if "-" not in said]
    unlike = [said for said in valid if said[0] != said[1]]
    sizes = (found.individual.n, found.invalid.n, found.set.n, found.confusion.n, found.precision.n)
    assert sizes == (2 * len(rows), 2 * len(rows), len(rows), len(valid), len(unlike))


def test_whoever_refuses_is_not_unconfused():
    found = scores(numbered(["--"] * 20), [AB, BA] * 10)
    assert (found.invalid.estimate, found.set.estimate, found.individual.estimate) == (1, 0, 0)
    assert (found.confusion.estimate, found.confusion.reason) == (None, NO_VALID_PAIR)


def test_blind_perfect_and_tossing_models():
    right = [AB, BA] * 1000
    for said, expected in (("AA", (0, 1, 0.5)), ("BB", (0, 1, 0.5))):
        blind = scores(numbered([said] * 2000), right)
        assert (blind.set.estimate, blind.confusion.estimate, blind.individual.estimate) == expected
    perfect = scores(right, right)
    numbers = (perfect.set, perfect.confusion, perfect.individual, perfect.precision)
    assert [number.estimate for number in numbers] == [1, 0, 1, 1]
    tossed = scores(np.random.default_rng(3).integers(0, 2, (2000, 2)), right)
    # Four standard deviations of 2,000 pairs; precision rests on half of them.
    assert tossed.set.estimate == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 2000) ** 0.5)
    assert tossed.confusion.estimate == pytest.approx(0.5, abs=4 * (0.25 / 2000) ** 0.5)
    assert tossed.individual.estimate == pytest.approx(0.5, abs=4 * (0.25 / 4000) ** 0.5)
    assert tossed.precision.estimate == pytest.approx(0.5, abs=4 * (0.25 / 1000) ** 0.5)
    assert tossed.precision.p_value > 0.001


def test_pairs_of_one_picture_are_no_more_than_one_pair():
    rng = np.random.default_rng(0)
    said, right = numbered(rng.choice(["AB", "AA"], 60)), [AB] * 60
    alone = scores(said, right).set
    copied = scores(said * 4, right * 4, list(range(60)) * 4).set
    assert copied.estimate == alone.estimate
    assert copied.interval[1] - copied.interval[0] >= 0.95 * (alone.interval[1] - alone.interval[0])


def test_equal_right_answers_and_other_shapes_are_refused():
    with pytest.raises(ValueError, match="differ"):
        pair_columns([(0, 1)], [(1, 1)])
    with pytest.raises(ValueError, match="option numbers"):
        pair_columns([(0, 1, 1)], [(0, 1)])
    with pytest.raises(ValueError, match="option numbers"):
        pair_columns([(0, -2)], [(0, 1)])
    with pytest.raises(ValueError, match="0 <= right <= n"):
        sign_test(3, 2)


@given(st.integers(0, 60), st.integers(0, 60))
@settings(deadline=None, max_examples=50)
def test_the_sign_test_is_the_binomial_and_that_of_groups_of_one_pair(right, exchanged):
    n = right + exchanged
    expected = binomtest(right, n, 0.5, alternative="greater").pvalue if n else 1.0
    assert sign_test(right, n) == pytest.approx(expected, abs=1e-12)
    signs = [1] * right + [-1] * exchanged + [0] * 3
    assert sign_flip_test(signs, range(len(signs))) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.integers(0, 6)), min_size=1, max_size=16))
@settings(deadline=None, max_examples=50)
def test_signs_of_groups_agree_with_enumeration(rows):
    sums = np.bincount([group for _, group in rows], weights=[sign for sign, _ in rows], minlength=7)
    flips = np.array(list(product([-1, 1], repeat=7)))
    expected = np.mean(flips @ sums >= sums.sum() - 1e-9)
    found = sign_flip_test([sign for sign, _ in rows], [group for _, group in rows])
    assert found == pytest.approx(expected)


def test_one_group_can_prove_nothing_however_many_pairs_it_has():
    assert sign_flip_test([1] * 30, ["one"] * 30) == pytest.approx(0.5)
    assert sign_flip_test([1] * 30, range(30)) < 1e-8


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_table_turned_back_into_counts(name):
    set_rate, confusion, unlike, right, p = PUBLISHED[name]
    found = consistent(set_rate, confusion, 176)
    assert (found.possible, found.unlike, found.right) == (True, unlike, right)
    if p is not None:
        assert sign_test(right, unlike) == pytest.approx(p, abs=0.005 if p > 0.01 else 0.0005)


def test_invalid_answers_show_in_the_denominator():
    assert (consistent(0.1250, 0.8035, 176).same, consistent(0.1250, 0.8035, 176).valid) == (139, 173)
    assert (consistent(0.0966, 0.8621, 176).same, consistent(0.0966, 0.8621, 176).valid) == (150, 174)


def test_a_row_that_mixes_two_runs_cannot_be():
    found = consistent(0.0455, 0.9830, 176)
    assert not found.possible
    assert (found.right, found.unlike) == (8, 3)
    assert "8 of 176 pairs are right" in found.why
    assert "at most 3" in found.why


def test_a_rate_that_no_count_gives_cannot_be():
    assert "no whole number of 176 pairs" in consistent(0.2000, 0.5, 176).why
    assert "no number of valid pairs up to 4" in consistent(0.25, 0.7, 4, digits=2).why
    with pytest.raises(ValueError, match="shares"):
        consistent(19.89, 58.52, 176)


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_rows_of_one_run_are_always_possible(data):
    n = data.draw(st.integers(1, 200))
    valid = data.draw(st.integers(1, n))
    same = data.draw(st.integers(0, valid))
    right = data.draw(st.integers(0, valid - same))
    digits = data.draw(st.integers(2, 5))
    found = consistent(round(right / n, digits), round(same / valid, digits), n, digits=digits)
    assert found.possible, found.why
    assert found.right <= found.unlike


def test_components_by_hand():
    rows = [("a", "b"), ("c", "d"), ("b", "e"), (), ("d", "f"), ("g",), ()]
    assert components(rows) == [0, 1, 0, 2, 1, 3, 4]
    assert components([(0,), (1,), (2,)]) == [0, 1, 2]


@given(st.lists(st.lists(st.integers(0, 8), max_size=3), max_size=14))
@settings(deadline=None, max_examples=80)
def test_rows_are_joined_by_shared_keys_and_by_nothing_else(rows):
    found = components(rows)
    apart = [{index} for index in range(len(rows))]
    for i, j in product(range(len(rows)), repeat=2):
        if set(rows[i]) & set(rows[j]):
            joined = next(part for part in apart if i in part) | next(part for part in apart if j in part)
            apart = [part for part in apart if not part & joined] + [joined]
    assert {frozenset(np.flatnonzero(np.array(found) == number)) for number in set(found)} == set(
        map(frozenset, apart)
    )
