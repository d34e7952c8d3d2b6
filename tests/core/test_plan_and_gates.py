"""Plans are strict; gates speak of what they name; corrections cover the whole audit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from medaudit.errors import UsageError
from medaudit.finding import Finding, Verdict
from medaudit.gates import apply_gates, check_plan
from medaudit.model import Capability
from medaudit.plan import Gate, parse_plan, read_plan
from medaudit.registry import Probe

PROBES = {
    "robustness": Probe(
        "robustness",
        "1",
        (frozenset({Capability.GENERATE}),),
        "paper",
        lambda ctx: [],
        {"shifts": (), "severities": (1, 2, 3)},
        ("accuracy", "flip_rate"),
    )
}


def drop(shift: str, estimate: float, half: float = 0.02, p: float | None = None) -> Finding:
    interval = (estimate - half, estimate + half)
    return Finding("robustness", "accuracy", estimate, interval, n=100, slice={"shift": shift}, p_value=p)


def gate(**changes: object) -> Gate:
    return Gate.model_validate({"probe": "robustness", "metric": "accuracy", **changes})


def test_a_whole_plan_is_read(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text(
        '[audit]\nname = "release gate"\nseed = 7\n[probe.robustness]\nshifts = ["jpeg"]\n'
        '[[gate]]\nprobe = "robustness"\nmetric = "accuracy"\nslice = {shift = "jpeg"}\nat_least = 0.9\n'
    )

    plan = read_plan(path)

    assert (plan.audit.seed, plan.audit.confidence) == (7, 0.95)
    assert plan.gate[0].threshold.value == 0.9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[audit]\nsede = 1", "Did you mean 'seed'"),
        ('[[gate]]\nprobe = "x"\nmetrik = "y"', "Did you mean 'metric'"),
        ('[[gate]]\nprobe = "x"\nmetric = "y"', "exactly one of at_least and at_most"),
        ('[[gate]]\nmetric = "y"\nat_least = 1', "gate.0.probe"),
        ("[audit]\nconfidence = 1.5", "confidence"),
        ("[audits]", "Did you mean 'audit'"),
        ("[audit]\nbatch_size = -4", "batch_size"),
        ("[audit]\nprobes = []", "probes"),
        ('[[gate]]\nprobe = "x"\nmetric = "y"\nat_least = nan', "finite"),
        ("[audit", "not valid TOML"),
    ],
)
def test_a_mistake_in_a_plan_is_one_message(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "audit.toml"
    path.write_text(text)

    with pytest.raises(UsageError, match=message) as caught:
        read_plan(path)
    assert "\n" not in str(caught.value)


def test_a_missing_plan_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such plan file"):
        read_plan(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"gate": [{"probe": "robustnes", "metric": "accuracy", "at_least": 1}]},
            "Did you mean 'robustness'",
        ),
        ({"gate": [{"probe": "robustness", "metric": "acuracy", "at_least": 1}]}, "Did you mean 'accuracy'"),
        ({"probe": {"robustness": {"shift": []}}}, "Did you mean 'shifts'"),
        ({"probe": {"robust": {}}}, "Did you mean 'robustness'"),
        ({"probe": {"robustness": {"shifts": "jpeg"}}}, "give a list"),
        ({"probe": {"robustness": {"severities": ["3"]}}}, "give a value like"),
        (
            {
                "probe": {"robustness": {"shifts": ["jpeg"]}},
                "gate": [
                    {
                        "probe": "robustness",
                        "metric": "accuracy",
                        "slice": {"shift": "contrast"},
                        "at_least": 1,
                    }
                ],
            },
            "can never match",
        ),
    ],
)
def test_what_can_never_match_is_refused_before_the_run(table: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_plan(parse_plan(table), PROBES, PROBES)


def test_a_gate_on_an_unknown_shift_or_an_unasked_severity_is_refused() -> None:
    def refused(slice: dict) -> str:
        gates = [{"probe": "robustness", "metric": "accuracy", "slice": slice, "at_least": 1}]
        with pytest.raises(UsageError) as caught:
            check_plan(parse_plan({"gate": gates}), PROBES, PROBES)
        return str(caught.value)

    assert "Did you mean 'jpeg'" in refused({"shift": "jpg"})
    assert "can never match" in refused({"severity": 9})


def test_gating_again_takes_back_what_the_gate_said() -> None:
    drop_reason = "three cases were left out."
    measured = replace(drop("jpeg", 0.7), reason=drop_reason)

    undecided, _ = apply_gates([measured], [gate(at_least=0.7)])
    passed, _ = apply_gates(undecided, [gate(at_least=0.1)])

    assert undecided[0].reason.startswith(drop_reason)
    assert undecided[0].reason != drop_reason
    assert passed[0].reason == drop_reason


def test_a_gate_on_a_probe_that_is_not_selected_is_refused() -> None:
    plan = parse_plan({"gate": [{"probe": "robustness", "metric": "accuracy", "at_least": 1}]})

    with pytest.raises(UsageError, match="not selected"):
        check_plan(plan, {}, PROBES)


def test_a_gate_speaks_of_every_finding_in_its_slice_and_of_no_other() -> None:
    findings = [drop("jpeg", 0.95), drop("noise", 0.5)]

    judged, unmatched = apply_gates(findings, [gate(slice={"shift": "jpeg"}, at_least=0.9)])

    assert [finding.verdict for finding in judged] == [Verdict.PASS, Verdict.MEASURED]
    assert unmatched == []


def test_a_gate_without_a_slice_speaks_of_all_and_the_worst_of_two_gates_stands() -> None:
    gates = [gate(at_least=0.9), gate(slice={"shift": "jpeg"}, at_least=0.5)]

    judged, _ = apply_gates([drop("jpeg", 0.7), drop("noise", 0.95)], gates)

    assert [finding.verdict for finding in judged] == [Verdict.FAIL, Verdict.PASS]


def test_a_gate_that_meets_nothing_is_returned() -> None:
    lonely = gate(metric="flip_rate", at_most=0.1)

    assert apply_gates([drop("jpeg", 0.9)], [lonely])[1] == [lonely]


def test_gating_again_forgets_the_gates_of_before() -> None:
    once, _ = apply_gates([drop("jpeg", 0.7)], [gate(at_least=0.9)])
    assert once[0].verdict is Verdict.FAIL

    again, _ = apply_gates(once, [gate(at_least=0.1)])
    none, _ = apply_gates(once, [])

    assert again[0].verdict is Verdict.PASS
    assert (none[0].verdict, none[0].threshold) == (Verdict.MEASURED, None)


def test_holm_over_gates_and_benjamini_hochberg_over_the_rest() -> None:
    gated = [drop("a", 0.9, p=0.01), drop("b", 0.9, p=0.02)]
    free = [drop("c", 0.9, p=0.01), drop("d", 0.9, p=0.02), drop("e", 0.9)]
    gates = [gate(slice={"shift": name}, at_least=0.1) for name in "ab"]

    judged, _ = apply_gates(gated + free, gates)

    # Holm of (.01, .02) is (.02, .02); Benjamini-Hochberg of the same is (.02, .02); None stays None.
    assert [finding.p_adjusted for finding in judged] == pytest.approx([0.02, 0.02, 0.02, 0.02, None])
