from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.reports import format
from medaudit.reports.scale import fit, fit_close
from medaudit.reports.text import visible, visible_document

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (0.81, "share", f"81.0{NBSP}%"),
        (-0.213, "points", f"\u221221.3{NBSP}pts"),
        (1.02, "percent", f"102.0{NBSP}%"),
        (0.926, "ratio", "0.93"),
        (9.5, "number", "9.50"),
        (12345.0, "number", "12,345"),
        (0.0, "share", f"0.0{NBSP}%"),
        (-0.0, "points", f"0.0{NBSP}pts"),
        (0.0004, "share", f"0.04{NBSP}%"),
        (-1.1e-16, "points", f"0.0{NBSP}pts"),
        (None, "share", "none"),
    ],
)
def test_quantity_on_paper(value: float | None, kind: str, shown: str) -> None:
    assert format.quantity(value, kind) == shown


def test_interval_follows_its_estimate_without_unit() -> None:
    assert format.estimate(0.81, [0.78, 0.84], "share") == f"81.0{NBSP}% [78.0, 84.0]"
    assert format.estimate(0.81, None, "share") == f"81.0{NBSP}%"


@pytest.mark.parametrize(
    ("p", "shown"), [(0.0004, f"<{NBSP}0.001"), (0.0412, "0.041"), (1.0, "1.000"), (None, "")]
)
def test_p_values(p: float | None, shown: str) -> None:
    assert format.probability(p) == shown


def test_sizes_and_durations() -> None:
    assert [format.size(n) for n in (12, 4_943_162_336, 1_500)] == ["12 B", "4.9 GB", "1.5 kB"]
    assert [format.duration(s) for s in (2.44, 172.4, 7260)] == ["2.4 s", "2 min 52 s", "2 h 1 min"]


@given(
    st.floats(-1e3, 1e3, allow_nan=False), st.sampled_from(["share", "points", "percent", "ratio", "number"])
)
@settings(deadline=None, max_examples=50)
def test_nothing_but_zero_is_printed_as_zero(value: float, kind: str) -> None:
    text = format.number(value, kind)
    scale = 100 if kind in ("share", "points", "percent") else 1
    assert (not any(digit in text for digit in "123456789")) == (abs(value) * scale < format.DUST)


@given(st.lists(st.floats(-50, 50, allow_nan=False), min_size=1, max_size=6))
@settings(deadline=None, max_examples=50)
def test_scales_hold_every_value(values: list[float]) -> None:
    for scale in (fit(values, "points"), fit_close(values, "share")):
        assert scale.low - 1e-6 <= min(values)
        assert scale.high + 1e-6 >= max(values)
        assert 2 <= len(scale.ticks) <= 8


def test_scale_of_shares_is_the_whole_range_unless_all_are_small() -> None:
    assert (fit([0.5, 0.81], "share").low, fit([0.5, 0.81], "share").high) == (0.0, 1.0)
    assert fit([0.004, 0.013], "share").high < 0.05


def test_scale_of_differences_holds_zero_and_of_ratios_one() -> None:
    assert fit([0.1, 0.2], "points").low == 0.0
    assert fit([0.8, 0.9], "percent").high == 1.0


def test_scale_places_the_middle_in_the_middle_and_clips_outside() -> None:
    scale = fit([0.5], "share")
    assert (scale.at(0.5), scale.at(-1), scale.at(7)) == (50.0, 0.0, 100.0)


def test_hidden_characters_become_signs() -> None:
    assert visible("a\x1b[31mb") == "a\u241b[31mb"
    assert visible("x\u202ey") == "x⟨U+202E⟩y"
    assert visible("\x00\x7f\ud800\ufffe") == "\u2400\u2421⟨U+D800⟩⟨U+FFFE⟩"


def test_ordinary_text_is_left_alone() -> None:
    text = "Pleuraerguß, 肺, حالة\nline\tcell"
    assert visible(text) == text


def test_long_text_is_cut_and_says_so() -> None:
    assert visible("a" * 5000).endswith("… (1,000 characters more)")


def test_keys_are_cleaned_too() -> None:
    assert visible_document({"\x1b": ["\x1b", 1, None]}) == {"\u241b": ["\u241b", 1, None]}
