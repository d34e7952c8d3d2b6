"""junit.xml: one test per judged finding, so that any CI system shows an audit as tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from medaudit.registry import report
from medaudit.reports.alarms import Notice, alarms, settings
from medaudit.reports.items import Item
from medaudit.reports.text import visible_document

NO_GATE = "no gate was set, nothing was judged"


@report("junit", filename="junit.xml")
def junit(document: Mapping[str, Any], folder: Path) -> str:
    """Gates as JUnit tests.

    A missed gate is a failure, one that could not be measured an error, an undecided one skipped (a failure
    where the plan is strict). What a probe found and confirmed without a gate is a failure too, as it is for
    the exit code; what was only measured is no test. What broke (a probe, the run itself, a gate that met
    nothing) is an error. With ``fail_on_alarm`` every test of an alarm rule is one here too, and a raised
    alarm is a failure.
    """
    shown = visible_document(document)
    strict = bool(((shown.get("plan") or {}).get("audit") or {}).get("strict"))
    items = [Item(finding) for finding in shown["findings"]]
    gated = [item for item in items if item.threshold is not None]
    confirmed = [item for item in items if item.confirmed]
    notices = _tested(shown)
    tests = [_test(item, strict) for item in gated] + [_confirmed(item) for item in confirmed]
    tests += [_alarm(notice) for notice in notices] + _broken(shown)
    suite = Xml.Element("testsuite", {"name": "medaudit", **_counts(tests)})
    suite.set("timestamp", shown["run"]["started"])
    suite.set("time", f"{shown['run']['duration_s']:.3f}")
    properties = Xml.SubElement(suite, "properties")
    for name, value in _properties(shown, strict, len(gated), len(confirmed)).items():
        Xml.SubElement(properties, "property", {"name": name, "value": value})
    suite.extend(tests)
    suites = Xml.Element("testsuites", {"name": "medaudit", **_counts(tests)})
    suites.append(suite)
    Xml.indent(suites, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(suites, encoding="unicode") + "\n"


def _testcase(item: Item) -> Xml.Element:
    name = item.metric + (f"[{_slice(item)}]" if item.slice else "")
    return Xml.Element("testcase", {"classname": item.probe, "name": name, "time": "0"})


def _confirmed(item: Item) -> Xml.Element:
    test = _testcase(item)
    numbers = f"{item.value} {item.ends} (n {item.n} in {item.groups} groups)"
    _outcome(test, "failure", "finding", f"{item.word}: {numbers}; {item.why}", item)
    return test


def _test(item: Item, strict: bool) -> Xml.Element:
    test = _testcase(item)
    message = f"{item.value} {item.ends}, must be {item.gate} (n {item.n} in {item.groups} groups)"
    if item.estimate is None or item.verdict in ("error", "not_applicable"):
        _outcome(test, "error", item.verdict, f"could not be measured: {item.why}")
    elif item.verdict == "fail":
        _outcome(test, "failure", "gate", message, item)
    elif item.verdict == "inconclusive":
        tag = "failure" if strict else "skipped"
        _outcome(test, tag, "inconclusive", f"undecided: {message}; {item.why}", item)
    return test


def _tested(document: Mapping[str, Any]) -> list[Notice]:
    """Alarms that were tested, where the plan makes them failures; none otherwise."""
    found = alarms(document) if settings(document).get("fail_on_alarm") else None
    return [notice for rule in found.rules for notice in rule.tested] if found else []


def _alarm(notice: Notice) -> Xml.Element:
    slice = ",".join(f"{name}={value}" for name, value in notice.row["slice"].items())
    name = f"alarm:{notice.key[1]}" + (f"[{slice}]" if slice else "")
    test = Xml.Element("testcase", {"classname": notice.key[0], "name": name, "time": "0"})
    if notice.raised:
        _outcome(test, "failure", "alarm", f"{notice.says} ({', '.join(notice.facts)})")
    return test


def _slice(item: Item) -> str:
    return ",".join(f"{name}={value}" for name, value in item.slice.items())


def _outcome(test: Xml.Element, tag: str, kind: str, message: str, item: Item | None = None) -> None:
    outcome = Xml.SubElement(test, tag, {"message": message})
    if tag != "skipped":
        outcome.set("type", kind)
    worst = [str(case) for case in (item.finding.get("evidence") or [])[:3]] if item else []
    if worst:
        outcome.text = f"worst cases: {', '.join(worst)}"


def _broken(document: Mapping[str, Any]) -> list[Xml.Element]:
    """Errors of the run: a green suite must mean that everything planned was measured."""
    faults = [
        (row["probe"], "probe", row["reason"]) for row in document["coverage"] if row["status"] == "error"
    ]
    faults += [("medaudit", "problem", problem) for problem in document["run"].get("problems", [])]
    status = document["status"]
    if status == "interrupted" or (status != "complete" and not faults):
        faults.append(("medaudit", "status", f"the run is {status}"))
    tests = []
    for classname, name, message in faults:
        test = Xml.Element("testcase", {"classname": classname, "name": name, "time": "0"})
        _outcome(test, "error", name, message)
        tests.append(test)
    return tests


def _counts(tests: list[Xml.Element]) -> dict[str, str]:
    tags = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    counts = {name: sum(test.find(tag) is not None for test in tests) for name, tag in tags.items()}
    return {name: str(number) for name, number in {"tests": len(tests), **counts}.items()}


def _properties(document: Mapping[str, Any], strict: bool, gates: int, confirmed: int) -> dict[str, str]:
    unjudged = "no gate was set, only what was found and confirmed fails" if confirmed else NO_GATE
    return {
        "model": str(document["model"]["id"]),
        "data": str(document["data"]["name"]),
        "run": str(document["run"]["id"]),
        "status": str(document["status"]),
        "findings": str(len(document["findings"])),
        "gated": str(gates) if gates else f"0: {unjudged}",
        "found and confirmed": str(confirmed),
        "strict": "true" if strict else "false",
    }
