"""Findings: verdicts from intervals, honest about what is missing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medaudit.finding import Control, Finding, Threshold, Verdict


def found(estimate=0.8, interval=(0.7, 0.9), **changes) -> Finding:
    return Finding("robustness", "accuracy", estimate, interval, n=100, groups=50, **changes)


@pytest.mark.parametrize(
    ("op", "value", "verdict"),
    [
        (">=", 0.70, Verdict.PASS),  # low end meets it exactly
        (">=", 0.71, Verdict.INCONCLUSIVE),
        (">=", 0.90, Verdict.INCONCLUSIVE),  # high end still meets it
        (">=", 0.91, Verdict.FAIL),
        ("<=", 0.90, Verdict.PASS),
        ("<=", 0.89, Verdict.INCONCLUSIVE),
        ("<=", 0.70, Verdict.INCONCLUSIVE),
        ("<=", 0.69, Verdict.FAIL),
    ],
)
def test_the_whole_interval_decides(op: str, value: float, verdict: Verdict) -> None:
    assert found().gated(Threshold(op, value)).verdict is verdict


def test_an_undecided_gate_says_how_many_cases_would_decide() -> None:
    # half-width .1, distance .05: four times the cases
    assert "400 cases" in found().gated(Threshold(">=", 0.75)).reason


def test_no_interval_is_undecided_and_no_estimate_keeps_its_verdict() -> None:
    assert found(interval=None).gated(Threshold(">=", 0.1)).verdict is Verdict.INCONCLUSIVE
    missing = Finding("p", "m", None, reason="needs embed", verdict=Verdict.NOT_APPLICABLE)
    assert missing.gated(Threshold(">=", 0.1)).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_nan_never_enters_a_finding(bad: float) -> None:
    with pytest.raises(ValueError, match="NaN"):
        found(estimate=bad)
    with pytest.raises(ValueError, match="NaN"):
        found(interval=(0.1, bad))


def test_nan_hides_neither_in_data_nor_in_the_control() -> None:
    with pytest.raises(ValueError, match="NaN"):
        found(data={"by_label": [{"estimate": float("nan")}]})
    with pytest.raises(ValueError, match="NaN"):
        found(control=Control("floor", float("inf")))
    assert found(data={"by_label": [{"estimate": 0.5, "word": "nan"}]}).data


def test_a_missing_number_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="no reason"):
        Finding("p", "m", None)


@given(
    estimate=st.floats(0, 1),
    slice=st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=3),
    evidence=st.lists(st.text(max_size=4), max_size=3),
)
def test_a_finding_survives_json(estimate, slice, evidence) -> None:
    before = Finding(
        "p",
        "m",
        estimate,
        (0.0, 1.0),
        slice=slice,
        evidence=tuple(evidence),
        control=Control("c", 0.5, (0.4, 0.6)),
        threshold=Threshold(">=", 0.5),
        data={"k": [1, 2]},
    )

    assert Finding.from_dict(json.loads(json.dumps(before.to_dict()))) == before


def test_ids_differ_by_slice_and_not_by_its_order() -> None:
    assert found(slice={"a": 1, "b": 2}).id == found(slice={"b": 2, "a": 1}).id
    assert found(slice={"a": 1}).id != found(slice={"a": 2}).id != found().id


def test_a_verdict_of_the_probes_own_comes_back_when_the_gate_is_taken_off() -> None:
    found = Finding("spurious", "shortcut", 0.3, interval=(0.2, 0.4), n=100, verdict=Verdict.FAIL)
    lenient = Threshold("<=", 0.5)

    gated = found.gated(lenient)

    assert gated.verdict is Verdict.PASS
    assert gated.gated(Threshold("<=", 0.1)).verdict is Verdict.FAIL
    assert gated.ungated() == found.gated(lenient).gated(lenient).ungated() == found
    # Control: what was only measured is measured again.
    plain = Finding("spurious", "gap", 0.3, interval=(0.2, 0.4), n=100)
    assert plain.gated(lenient).ungated() == plain
    assert "own_verdict" not in plain.gated(lenient).data
