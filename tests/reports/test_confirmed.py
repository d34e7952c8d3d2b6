"""A finding that its probe fails by itself, without a gate, is a failure in every output."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from medaudit.audit import Audit
from medaudit.finding import Finding, Threshold, Verdict
from medaudit.front import lines
from medaudit.reports.items import Item

Page = Callable[..., str]
WHERE = {"question": "Is there an opacity?", "options": "yes | no"}


def finding(verdict: Verdict, **more: Any) -> Finding:
    return Finding(
        "spurious", "shortcut", 0.9, (0.5, 1.2), 120, 60, WHERE, verdict=verdict, reason="seen twice", **more
    )


CONFIRMED = finding(Verdict.FAIL, evidence=("c1", "c2"))
MEASURED = finding(Verdict.MEASURED)
GATED = finding(Verdict.MEASURED).gated(Threshold("<=", 0.1))


def suite(text: str) -> tuple[Xml.Element, dict[str, str]]:
    found = Xml.fromstring(text).find("testsuite")
    assert found is not None
    return found, {str(p.get("name")): str(p.get("value")) for p in found.iter("property")}


def test_in_print_it_is_found_and_confirmed_and_a_missed_gate_is_a_missed_gate() -> None:
    said = [Item(each.to_dict()).word for each in (CONFIRMED, GATED, MEASURED)]
    assert said == ["found and confirmed", "fails its gate", "measured"]


def test_junit_counts_it_as_a_failure_of_its_own(page: Page) -> None:
    found, properties = suite(page([CONFIRMED], name="junit"))
    assert [found.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["1", "1", "0", "0"]
    (test,) = found.findall("testcase")
    assert test.get("name") == "shortcut[question=Is there an opacity?,options=yes | no]"
    failure = test.find("failure")
    assert failure is not None
    assert failure.get("type") == "finding"
    assert failure.get("message") == (
        "found and confirmed: 90.0\u00a0pts [50.0, 120.0] (n 120 in 60 groups); seen twice"
    )
    assert failure.text == "worst cases: c1, c2"
    assert properties["gated"] == "0: no gate was set, only what was found and confirmed fails"
    assert properties["found and confirmed"] == "1"


def test_what_was_only_measured_is_no_failure_in_junit(page: Page) -> None:
    found, properties = suite(page([MEASURED, finding(Verdict.INCONCLUSIVE)], name="junit"))
    assert [found.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["0"] * 4
    assert properties["gated"] == "0: no gate was set, nothing was judged"


def test_a_gate_makes_it_one_test_and_not_two(page: Page) -> None:
    found, _ = suite(page([GATED], name="junit"))
    assert [found.get(name) for name in ("tests", "failures")] == ["1", "1"]
    failure = next(found.iter("failure"))
    assert failure.get("type") == "gate"


@pytest.mark.parametrize(("judged", "level"), [(CONFIRMED, "error"), (GATED, "error"), (MEASURED, "note")])
def test_sarif_tells_failed_from_measured(page: Page, judged: Finding, level: str) -> None:
    (result,) = json.loads(page([judged], name="sarif"))["runs"][0]["results"]
    assert result["level"] == level
    assert ("found and confirmed" in result["message"]["text"]) is (judged is CONFIRMED)


def head(text: str) -> str:
    part = text.split('<p class="gates">')[1].split("</p>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


def test_the_head_of_the_page_counts_it(page: Page) -> None:
    assert head(page([CONFIRMED])) == "Gates ✕ 1 found and confirmed without a gate"
    assert "none were set" in head(page([MEASURED]))
    assert head(page([GATED])) == "Gates ✕ 1 failed"


def test_the_page_does_not_say_that_nothing_could_be_tested(page: Page) -> None:
    assert "1 finding was found and confirmed by a probe itself" in page([CONFIRMED])
    assert "Nothing could be tested." not in page([CONFIRMED])
    assert "Nothing could be tested." in page([MEASURED])


def terminal(sample: ModuleType, findings: list[Finding], **changes: Any) -> list[str]:
    audit = Audit(sample.document(findings, **{"alarms": [], **changes}))
    return lines(audit, Path("x"))


def test_the_terminal_names_it_before_the_alarms(sample: ModuleType) -> None:
    said = terminal(sample, [CONFIRMED, MEASURED])
    assert said[1].startswith("CONFIRMED    spurious/shortcut question=Is there an opacity?")
    assert said[1].endswith("0.900 [0.500, 1.200], n = 120 (seen twice)")
    assert said[2].startswith("no alarm: no rule could be tested; what a probe found and confirmed")
    assert not any("nothing could be tested" in line for line in said)
    assert Audit(sample.document([CONFIRMED])).exit_code() == 1


def test_the_terminal_names_it_beside_gates_too(sample: ModuleType) -> None:
    gate = Finding("baselines", "accuracy", 0.8, (0.7, 0.9), 90, 90).gated(Threshold(">=", 0.5))
    said = terminal(sample, [gate, CONFIRMED])
    assert [line.split()[0] for line in said[1:4]] == ["CONFIRMED", "no", "pass"]


def test_the_terminal_confirms_nothing_that_was_only_measured(sample: ModuleType) -> None:
    said = terminal(sample, [MEASURED])
    assert said[1] == "no alarm: nothing could be tested"
    assert said[2].startswith("measured     spurious/shortcut question=Is there an opacity?")
    assert not any("CONFIRMED" in line for line in said)
    assert Audit(sample.document([MEASURED])).exit_code() == 0
