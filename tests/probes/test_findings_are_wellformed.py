"""What the document relies on: declared metrics, unique ids, plain JSON, a control or a reason everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

import medaudit.probes.baselines
import medaudit.probes.robustness
from medaudit.finding import Verdict
from medaudit.model import Answer
from medaudit.registry import Shift, available
from medaudit.testing import check_probe

PROBES = {
    "baselines": medaudit.probes.baselines.baselines,
    "robustness": medaudit.probes.robustness.robustness,
}


def say(seen: Any) -> str | Answer:
    return Answer(error="time-out") if seen.draw(1) < 0.05 else ("yes", "no", "")[int(seen.draw(2) * 3)]


@pytest.mark.parametrize("name", sorted(PROBES))
@pytest.mark.parametrize("n", [1, 3, 40])
def test_findings_of_a_ragged_model_are_wellformed(kit: Any, name: str, n: int) -> None:
    cases = kit.cases((["yes", "no"] * n)[:n], sex=(["F", "M", None] * n)[:n], age=list(range(30, 30 + n)))
    declared = available("probe")[name]

    findings = kit.run(PROBES[name], cases, say).findings

    assert {finding.metric for finding in findings} <= set(declared.metrics)
    assert {finding.probe for finding in findings} == {name}
    ids = [finding.id for finding in findings]
    assert len(set(ids)) == len(ids)
    for finding in findings:
        json.dumps(finding.to_dict(), allow_nan=False)
        assert finding.verdict in {Verdict.MEASURED, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE}
        assert finding.control or finding.reason or "predictor" in finding.slice


@pytest.mark.parametrize("name", sorted(PROBES))
def test_a_model_that_never_answers_is_an_inconclusive_audit_and_no_crash(kit: Any, name: str) -> None:
    cases = kit.cases(kit.half(40), sex=["F", "M"] * 20)

    findings = kit.run(PROBES[name], cases, lambda seen: Answer(error="time-out")).findings

    asked = [finding for finding in findings if "predictor" not in finding.slice]
    assert all(finding.estimate is None and finding.reason for finding in asked)


@pytest.mark.parametrize("name", sorted(PROBES))
def test_judging_again_gives_the_same_document(kit: Any, name: str) -> None:
    cases = kit.cases(kit.half(40), sex=["F", "M"] * 20)

    first, again = (kit.run(PROBES[name], cases, say).findings for _ in range(2))

    assert [finding.to_dict() for finding in first] == [finding.to_dict() for finding in again]


@pytest.mark.parametrize("name", sorted(PROBES))
def test_the_docstring_asks_a_question_and_gives_formulas(name: str) -> None:
    probe = available("probe")[name]

    assert probe.question.endswith("?")
    assert "Formulas" in (probe.run.__doc__ or "")
    assert "arXiv" in probe.reference


@pytest.mark.parametrize("name", sorted(PROBES))
def test_the_contract_for_third_parties_holds_for_ours(name: str) -> None:
    check_probe(name, shifts=kit_shifts())


def kit_shifts() -> dict[str, Shift]:
    return {name: shift for name, shift in available("shift").items() if name in {"contrast", "jpeg"}}
