"""Adjusted p-values against statsmodels and hand tables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from medaudit.stats import benjamini_hochberg, holm

p_lists = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=20)


@given(p_lists)
@settings(deadline=None, max_examples=20)
def test_both_agree_with_statsmodels(p_values):
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist())
    assert benjamini_hochberg(p_values) == pytest.approx(multipletests(p_values, method="fdr_bh")[1].tolist())


@given(p_lists)
@settings(deadline=None, max_examples=50)
def test_adjusting_keeps_order_and_never_helps(p_values):
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(p_values)
        assert all(raw <= new <= 1 for raw, new in zip(p_values, adjusted, strict=True))
        ranked = [new for _, new in sorted(zip(p_values, adjusted, strict=True))]
        assert ranked == sorted(ranked)
    assert all(h >= b for h, b in zip(holm(p_values), benjamini_hochberg(p_values), strict=True))


def test_hand_table():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])


def test_findings_without_a_test_pass_through_uncounted():
    assert holm([None, 0.02, None, 0.5]) == [None, 0.04, None, 0.5]
    assert benjamini_hochberg([0.02, None]) == [0.02, None]
    assert holm([]) == benjamini_hochberg([]) == []


@pytest.mark.parametrize("bad", [-0.1, 1.2, float("nan")])
def test_impossible_p_values_are_refused(bad):
    for adjust in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match="between 0 and 1"):
            adjust([0.5, bad])
