from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as Xml

from medaudit.finding import Finding, Threshold, Verdict

Draw = Callable[..., str]
GATE = Threshold(">=", 0.9)


def gated(value: float | None, low: float, high: float, **fields: Any) -> dict[str, Any]:
    interval = None if value is None else (low, high)
    return Finding("robustness", "accuracy", value, interval, 50, 40, **fields).gated(GATE).to_dict()


def suite(text: str) -> Xml.Element:
    found = Xml.fromstring(text).find("testsuite")
    assert found is not None
    return found


def properties(found: Xml.Element) -> dict[str, str]:
    return {str(p.get("name")): str(p.get("value")) for p in found.iter("property")}


def four(document: dict[str, Any]) -> dict[str, Any]:
    document["alarms"] = []
    document["findings"] = [
        gated(0.95, 0.92, 0.98, slice={"shift": "a"}),
        gated(0.5, 0.4, 0.6, slice={"shift": "b", "severity": 3}, evidence=("c1", "c2", "c3", "c4")),
        gated(0.9, 0.85, 0.95, slice={"shift": "c"}),
        gated(None, 0, 0, slice={"shift": "d"}, verdict=Verdict.ERROR, reason="broke"),
        Finding("robustness", "flip_rate", 0.1, (0.0, 0.2), 50, 40).to_dict(),
    ]
    return document


def test_junit_counts_one_test_per_gate(draw: Draw, document: dict[str, Any]) -> None:
    found = suite(draw("junit", four(document)))
    counts = {name: found.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert len(found.findall("testcase")) == 4


def test_junit_failure_says_what_was_found_and_asked(draw: Draw, document: dict[str, Any]) -> None:
    found = suite(draw("junit", four(document)))
    test = next(test for test in found.iter("testcase") if test.find("failure") is not None)
    failure = test.find("failure")
    assert failure is not None
    assert (test.get("classname"), test.get("name")) == ("robustness", "accuracy[shift=b,severity=3]")
    assert "50.0\u00a0% [40.0, 60.0], must be at least 90.0\u00a0%" in str(failure.get("message"))
    assert failure.text == "worst cases: c1, c2, c3"


def test_junit_undecided_fails_only_under_strict(draw: Draw, document: dict[str, Any]) -> None:
    document = four(document)
    document["plan"]["audit"]["strict"] = True
    found = suite(draw("junit", document))
    assert (found.get("failures"), found.get("skipped")) == ("2", "0")
    assert properties(found)["strict"] == "true"


def test_junit_without_gates_says_that_nothing_was_judged(draw: Draw, document: dict[str, Any]) -> None:
    document["findings"] = [finding for finding in document["findings"] if finding["threshold"] is None]
    found = suite(draw("junit", document))
    assert found.get("tests") == "0"
    assert "no gate was set" in properties(found)["gated"]


def test_junit_is_red_when_the_run_broke(draw: Draw, document: dict[str, Any]) -> None:
    document["findings"] = []
    broken = {"probe": "phi", "status": "error", "reason": "ValueError: x"}
    document["run"]["problems"] = ["gate x met no finding"]
    found = suite(draw("junit", document | {"coverage": [broken], "status": "incomplete"}))
    assert [e.get("message") for e in found.iter("error")] == ["ValueError: x", "gate x met no finding"]
    document["run"]["problems"] = []
    found = suite(draw("junit", document | {"status": "interrupted"}))
    assert found.get("errors") == "1"


def test_junit_survives_what_xml_forbids(draw: Draw, document: dict[str, Any]) -> None:
    reason = "\x00\x1b[31m ]]> <failure> & \ud800 \ufffe"
    document["findings"] = [gated(0.9, 0.85, 0.95, slice={"<x>": 'a"b\x01'})]
    document["coverage"] = [{"probe": "phi", "status": "error", "reason": reason}]
    text = draw("junit", document)
    found = suite(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe]", text)
    assert next(found.iter("error")).get("message") == "\u2400\u241b[31m ]]> <failure> & ⟨U+D800⟩ ⟨U+FFFE⟩"


def test_sarif_has_the_shape_the_standard_asks_for(draw: Draw, document: dict[str, Any]) -> None:
    log = json.loads(draw("sarif", document))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "medaudit"
    assert len({rule["id"] for rule in rules}) == len(rules)
    raised = [alarm for alarm in document["alarms"] if alarm["raised"]]
    assert len(run["results"]) == len(document["findings"]) + len(raised)
    assert len(raised) == 2
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["level"] in ("error", "warning", "note", "none")
        # Section 3.27.10: a kind other than "fail" goes with level "none" only.
        assert (result.get("kind", "fail") == "fail") == (result["level"] != "none")
        assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", run["invocations"][0]["startTimeUtc"])


def test_sarif_levels_follow_verdicts(draw: Draw, document: dict[str, Any]) -> None:
    results = json.loads(draw("sarif", four(document)))["runs"][0]["results"]
    assert [(r["level"], r.get("kind")) for r in results] == [
        ("none", "pass"),
        ("error", None),
        ("warning", None),
        ("error", None),
        ("note", None),
    ]


def test_sarif_properties_hold_the_numbers(draw: Draw, document: dict[str, Any]) -> None:
    results = json.loads(draw("sarif", four(document)))["runs"][0]["results"]
    held = results[1]["properties"]
    assert (held["estimate"], held["interval"], held["n"], held["groups"]) == (0.5, [0.4, 0.6], 50, 40)
    assert held["threshold"] == {"op": ">=", "value": 0.9}


def test_sarif_fingerprints_are_unique_and_stable(draw: Draw, document: dict[str, Any]) -> None:
    first, second = (json.loads(draw("sarif", document))["runs"][0]["results"] for _ in range(2))
    marks = [result["partialFingerprints"]["medauditFinding/v1"] for result in first]
    assert max(Counter(marks).values()) == 1
    assert marks == [result["partialFingerprints"]["medauditFinding/v1"] for result in second]


def test_sarif_tells_of_an_unsuccessful_run(draw: Draw, document: dict[str, Any]) -> None:
    document["run"]["problems"] = ["gate x met no finding"]
    run = json.loads(draw("sarif", document | {"status": "incomplete"}))["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert (
        run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == "gate x met no finding"
    )
