"""Alarms: p-values known on paper, one family per audit, and what can never be judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit import registry
from medaudit.alarms import UNMET, Alarm, AlarmRule, judge
from medaudit.errors import PluginError
from medaudit.finding import Finding, Threshold, Verdict

Z = NormalDist().inv_cdf(0.975)
DROP = AlarmRule("drop", "loss", ("shift",), above=0.10, says="{points:.1f} points under {shift}")
GAIN = AlarmRule("gain", "gain", below=0.05)


def loss(shift: str, estimate: float, spread: float = 0.05, **fields: Any) -> Finding:
    ends = (estimate - Z * spread, estimate + Z * spread)
    given: dict[str, Any] = {"interval": ends, "n": 100, "groups": 100, "slice": {"shift": shift}, **fields}
    return Finding("toy", "loss", estimate, **given)


def at(shift: str, p: float) -> Finding:
    """A finding whose one-sided p against 0.10 is ``p``."""
    return loss(shift, 0.10 + 0.05 * NormalDist().inv_cdf(1 - p))


def one(finding: Finding, rule: AlarmRule = DROP) -> Alarm:
    (alarm,) = judge([finding], {"toy": [rule]})
    return alarm


def test_p_is_the_normal_tail_beyond_the_margin() -> None:
    # (0.20 - 0.10) / 0.05 = 2 standard errors.
    alarm = one(loss("jpeg", 0.20))

    assert alarm.p_value == pytest.approx(0.0227501, abs=1e-6)
    assert alarm.raised
    assert alarm.says == "20.0 points under jpeg"
    assert (alarm.rule, alarm.margin, alarm.side, alarm.finding) == (
        "drop",
        0.10,
        "above",
        loss("jpeg", 0).id,
    )


@pytest.mark.parametrize(("estimate", "p"), [(0.10, 0.5), (0.05, 0.8413447), (0.0, 0.9772499)])
def test_what_is_not_beyond_the_margin_is_no_alarm(estimate: float, p: float) -> None:
    alarm = one(loss("jpeg", estimate))

    assert alarm.p_value == pytest.approx(p, abs=1e-6)
    assert not alarm.raised
    assert alarm.says == ""


def test_below_is_the_mirror_and_faces_the_upper_half() -> None:
    # The upper half-width is two standard errors of 0.01; the lower half does not matter.
    finding = Finding("toy", "gain", 0.03, (-0.9, 0.03 + Z * 0.01), 100, 100)

    alarm = one(finding, GAIN)

    assert alarm.p_value == pytest.approx(0.0227501, abs=1e-6)
    assert alarm.side == "below"
    assert alarm.says == "gain is below 0.05: 0.03"


def test_the_confidence_of_the_finding_sets_the_spread() -> None:
    z = NormalDist().inv_cdf(0.95)
    finding = loss("jpeg", 0.20, interval=(0.20 - z * 0.05, 0.9), confidence=0.90)

    assert one(finding).p_value == pytest.approx(0.0227501, abs=1e-6)


@pytest.mark.parametrize(("estimate", "p"), [(0.11, 0.0), (0.10, 1.0), (0.09, 1.0)])
def test_without_spread_the_estimate_decides(estimate: float, p: float) -> None:
    assert one(loss("jpeg", estimate, spread=0.0)).p_value == p


def test_the_findings_own_p_counts_where_no_effect_is_no_alarm() -> None:
    assert one(loss("jpeg", 0.20, p_value=0.3)).p_value == 0.3
    assert one(loss("jpeg", 0.20, p_value=0.001)).p_value == pytest.approx(0.02275, abs=1e-5)
    # A gain of nothing is the very alarm: that it cannot be told from nothing does not speak against it.
    idle = Finding("toy", "gain", 0.0, (-0.01, 0.01), 100, 100, p_value=1.0)
    assert one(idle, GAIN).p_value < 1e-9


def test_the_choice_of_the_worst_of_several_is_paid_for() -> None:
    rule = replace(DROP, among="drops")
    three = loss("jpeg", 0.20, data={"drops": {"a": 0.2, "b": 0.1, "c": 0.0}})

    assert one(three, rule).p_value == pytest.approx(3 * 0.0227501, abs=1e-6)
    assert one(loss("jpeg", 0.20), rule).p_value == pytest.approx(0.0227501, abs=1e-6)
    assert one(loss("jpeg", 0.05, data={"drops": {"a": 0.2, "b": 0.1}}), rule).p_value == 1.0


def test_holm_over_three() -> None:
    found = judge([at("a", 0.03), at("b", 0.01), at("c", 0.02)], {"toy": [DROP]})

    # 3 x .01, then 2 x .02, then the larger of .03 and what came before.
    assert [alarm.slice["shift"] for alarm in found] == ["b", "c", "a"]
    assert [alarm.p_adjusted for alarm in found] == pytest.approx([0.03, 0.04, 0.04])
    assert all(alarm.raised for alarm in found)


def test_one_family_over_all_probes_and_the_level_decides() -> None:
    other = replace(at("a", 0.04), probe="other")
    rules = {"toy": [DROP], "other": [DROP]}
    found = judge([at("b", 0.01), other], rules)

    assert [(alarm.probe, alarm.raised) for alarm in found] == [("toy", True), ("other", True)]
    assert [alarm.raised for alarm in judge([at("b", 0.01), other], rules, level=0.03)] == [True, False]
    assert [alarm.raised for alarm in judge([at("b", 0.03), other], rules)] == [False, False]


def test_a_rule_speaks_of_findings_with_exactly_its_keys() -> None:
    severe = replace(loss("jpeg", 0.9), slice={"shift": "jpeg", "severity": 5})
    whole = replace(loss("jpeg", 0.9), slice={})
    elsewhere = replace(loss("jpeg", 0.9), probe="other")
    metric = replace(loss("jpeg", 0.9), metric="gain")

    (alarm,) = judge([severe, whole, elsewhere, metric], {"toy": [DROP]})

    assert (alarm.finding, alarm.raised, alarm.reason) == ("", False, UNMET)


def test_a_measure_is_read_from_the_findings_data() -> None:
    rule = AlarmRule("gap", "loss", ("shift",), above=0.02, measure="excess")
    held = {"excess": 0.06, "excess_interval": [0.06 - Z * 0.02, 0.2]}

    alarm = one(loss("jpeg", 0.9, data=held), rule)

    assert (alarm.estimate, alarm.p_value) == (0.06, pytest.approx(0.0227501, abs=1e-6))
    missing = one(loss("jpeg", 0.9), rule)
    assert (missing.p_value, missing.raised) == (None, False)
    assert "holds no number 'excess'" in missing.reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"n": 19}, "n = 19 is too small to raise an alarm"),
        ({"groups": 9}, "9 groups are too few to raise an alarm"),
        ({"interval": None, "reason": "one group"}, "no interval, so its distance .* (one group)"),
        ({"interval": (0.95, 0.99)}, "its interval leaves out its estimate"),
    ],
)
def test_what_cannot_be_judged_says_why_and_is_not_counted(fields: dict[str, Any], reason: str) -> None:
    unfit = loss("jpeg", 0.9, **fields)
    found = judge([unfit, at("b", 0.04)], {"toy": [DROP]})

    assert (found[0].slice, found[0].p_adjusted, found[0].raised) == (
        {"shift": "b"},
        pytest.approx(0.04),
        True,
    )
    assert (found[1].p_value, found[1].raised) == (None, False)
    assert reason.replace(" .* (one group)", "") in found[1].reason


def test_what_was_not_measured_keeps_its_reason() -> None:
    absent = Finding("toy", "loss", None, slice={"shift": "a"}, verdict=Verdict.ERROR, reason="it broke")

    assert one(absent).reason == "it broke"


def test_just_enough_cases_are_judged() -> None:
    assert one(loss("jpeg", 0.2, n=20, groups=10)).raised


def test_gates_change_no_alarm() -> None:
    findings = [at("a", 0.001), at("b", 0.4), loss("c", 0.2, n=5)]
    gated = [finding.gated(Threshold("<=", 0.05)) for finding in findings]

    assert judge(gated, {"toy": [DROP]}) == judge(findings, {"toy": [DROP]})


def test_alarms_can_be_judged_again_from_json() -> None:
    findings = [at("a", 0.001), at("b", 0.4), loss("c", 0.2, n=5)]
    found = judge(findings, {"toy": [DROP, replace(GAIN, metric="other")]})
    read = json.loads(json.dumps([finding.to_dict() for finding in findings], allow_nan=False))

    assert judge(read, {"toy": [DROP, replace(GAIN, metric="other")]}) == found
    written = json.loads(json.dumps([alarm.to_dict() for alarm in found], allow_nan=False))
    assert [Alarm.from_dict(fields) for fields in written] == found


def test_names_in_a_sentence_are_printed_plainly_and_what_is_missing_is_unknown() -> None:
    rule = replace(
        DROP, says="{shift}, lowest at {worst}, {lost} of {n} in {groups}: {low:.2f} to {high:.2f}"
    )
    finding = loss("motion_blur", 0.3, data={"worst": "site_{n}"})

    assert one(finding, rule).says == "motion blur, lowest at site {n}, unknown of 100 in 100: 0.20 to 0.40"


shares = st.floats(-0.3, 0.6)
spreads = st.floats(0.001, 0.3)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(shares, spreads), min_size=1, max_size=6), st.floats(0, 0.4), st.floats(0.2, 1))
def test_more_evidence_never_takes_an_alarm_back(
    found: list[tuple[float, float]], further: float, narrower: float
) -> None:
    """The first finding moves away from the margin, or all are seen more sharply."""
    before = [loss(f"s{i}", estimate, spread) for i, (estimate, spread) in enumerate(found)]
    away = [loss("s0", found[0][0] + further, found[0][1]), *before[1:]]
    sharp = [
        # Sharper sight of what lies on the harmless side is evidence for harmlessness.
        loss(f"s{i}", estimate, spread * (narrower if estimate > 0.10 else 1))
        for i, (estimate, spread) in enumerate(found)
    ]

    assert _raised(before) <= _raised(away)
    assert _raised(before) <= _raised(sharp)


def _raised(findings: list[Finding]) -> set[str]:
    return {alarm.finding for alarm in judge(findings, {"toy": [DROP]}) if alarm.raised}


@pytest.fixture
def _restore() -> Iterator[None]:
    before = registry.available("probe")
    yield
    registry._ITEMS["probe"].clear()
    registry._ITEMS["probe"].update(before)


def _register(*rules: AlarmRule) -> None:
    @registry.probe("toy", needs=[["generate"]], reference="A paper.", metrics=["loss", "gain"], alarms=rules)
    def toy(ctx: Any) -> list[Finding]:
        """Is it a toy?"""
        return []


@pytest.mark.usefixtures("_restore")
def test_rules_are_registered_with_their_probe() -> None:
    _register(DROP, GAIN)

    assert registry.find("probe", "toy").alarms == (DROP, GAIN)


@pytest.mark.usefixtures("_restore")
@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([replace(DROP, metric="los")], "alarm 'drop': metric 'los' is not among loss, gain"),
        ([DROP, replace(GAIN, name="drop")], "two rules have this name"),
        ([replace(DROP, above=None)], "exactly one of above and below"),
        ([replace(DROP, below=0.1)], "exactly one of above and below"),
        ([replace(DROP, above=float("nan"))], "finite number"),
        ([replace(DROP, says="{points:.1f")], "cannot be filled in"),
        ([replace(DROP, says="{shift:.1f}")], "cannot be filled in"),
        ([replace(DROP, says="{} points")], "cannot be filled in"),
    ],
)
def test_a_rule_that_could_not_be_judged_is_refused(rules: list[AlarmRule], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        _register(*rules)
    assert "toy" not in registry.available("probe")
