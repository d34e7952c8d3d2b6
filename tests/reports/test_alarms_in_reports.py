"""Alarms and calibration rows in every output: told when raised, accounted for when not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

Draw = Callable[..., str]


def block(text: str) -> str:
    return text.split('<section aria-labelledby="alarms"')[1].split("</section>")[0]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def quiet(sample: ModuleType) -> dict[str, Any]:
    """An audit with two tests, none raised; two rules met nothing."""
    made: dict[str, Any] = sample.document(sample.baselines() + sample.splits()[:7])
    return made


def test_a_raised_alarm_stands_above_the_key_findings_with_its_numbers(
    draw: Draw, document: dict[str, Any]
) -> None:
    text = draw("html", document)
    assert text.index('id="untested"') < text.index('id="alarms"') < text.index('id="key"')
    shown = block(text)
    assert ">2 alarms</h2>" in shown
    said = words(shown)
    assert "Accuracy differs by 14.2 points beyond chance between the values of view, lowest at AP." in said
    assert "14.2 pts [9.7, 18.7] \u00b7 alarm above 2.0 pts" in said
    assert "adjusted p 0.005 \u00b7 n 1,240 in 911 groups" in said
    assert "2 of 10 tests" in said
    assert '<details class="looked">' in shown


def test_without_an_alarm_it_says_what_was_looked_for(draw: Draw, quiet: dict[str, Any]) -> None:
    shown = block(draw("html", quiet))
    assert ">No alarm</h2>" in shown
    assert '<details class="looked" open>' in shown
    said = words(shown)
    assert "2 tests were made; nothing is shown to lie beyond its margin." in said
    assert "not proof of absence" in said
    assert "Visual gain below 10.0 pts 0 / 1 the whole data 18.0 pts [14.9, 21.1] 1.000" in said
    assert "Subgroup gap, excess above 2.0 pts 0 / 1 attribute sex 1.2 pts [\u22123.3, 5.7]" in said
    assert said.count("0 / 0 none nothing was measured that this rule speaks of") == 4


def test_what_could_not_be_tested_is_listed_and_long_lists_are_cut(
    draw: Draw, document: dict[str, Any]
) -> None:
    row = document["alarms"][0] | {"raised": False, "p_value": None, "p_adjusted": None, "says": ""}
    document["alarms"] = [
        row | {"slice": {"shift": f"s{i}"}, "reason": f"n = {i} is too small"} for i in range(11)
    ]
    shown = words(block(draw("html", document)))
    assert "No alarm could be raised" in shown
    assert "an absent alarm means nothing here" in shown
    assert "s7: n = 7 is too small and 3 more" in shown
    assert "s8" not in shown


def test_a_document_of_before_alarms_has_no_block(draw: Draw, document: dict[str, Any]) -> None:
    del document["alarms"]
    for name in ("html", "junit", "sarif"):
        assert "alarm" not in re.sub(
            r"<style>.*</style>|false.alarm[^<]*", "", draw(name, document), flags=re.S
        )


def test_hostile_words_of_an_alarm_are_only_text(draw: Draw, document: dict[str, Any]) -> None:
    attack = "<script>alert(1)</script>\x1b[31m\u202e"
    document["alarms"][0] |= {"says": attack, "rule": attack, "reason": attack, "slice": {attack: attack}}
    document["alarms"][-1] |= {"reason": attack, "measure": attack}
    document["calibration"][1] |= dict.fromkeys(("flaw", "alarm", "effect", "sentence"), attack)
    text = draw("html", document)
    assert not any(sign in text for sign in ("<script", "\x1b", "\u202e"))
    assert text.count("&lt;script&gt;") >= 9
    Xml.fromstring(draw("junit", document | {"plan": {"audit": {"fail_on_alarm": True}}}))
    json.loads(draw("sarif", document))


def test_a_raised_alarm_is_a_warning_in_sarif(draw: Draw, document: dict[str, Any]) -> None:
    run = json.loads(draw("sarif", document))["runs"][0]
    raised = [result for result in run["results"] if result["ruleId"].startswith("alarm/")]
    assert [result["ruleId"] for result in raised] == [
        "alarm/robustness/shift_sensitive",
        "alarm/robustness/subgroup_gap",
    ]
    assert {result["level"] for result in raised} == {"warning"}
    assert "between the values of view" in raised[1]["message"]["text"]
    assert raised[1]["properties"]["p_adjusted"] == pytest.approx(0.0045)


def test_sarif_is_as_before_without_a_raised_alarm(draw: Draw, quiet: dict[str, Any]) -> None:
    assert "alarm" not in draw("sarif", quiet)


def test_junit_knows_alarms_only_where_they_fail_the_run(draw: Draw, document: dict[str, Any]) -> None:
    before = draw("junit", document)
    assert "alarm" not in before
    document["plan"]["audit"]["fail_on_alarm"] = True
    suites = [Xml.fromstring(text).find("testsuite") for text in (before, draw("junit", document))]
    counts = [
        {name: int(str(suite.get(name))) for name in ("tests", "failures")}
        for suite in suites
        if suite is not None
    ]
    assert counts[1]["tests"] - counts[0]["tests"] == 10
    assert counts[1]["failures"] - counts[0]["failures"] == 2
    assert suites[1] is not None
    failed = [t for t in suites[1].findall("testcase") if str(t.get("name")).startswith("alarm:") and len(t)]
    assert [t.get("name") for t in failed] == [
        "alarm:shift_sensitive[shift=motion_blur]",
        "alarm:subgroup_gap[attribute=view]",
    ]
    assert "adjusted p 0.005" in str(failed[1][0].get("message"))


def test_calibration_rows_show_what_was_planted(draw: Draw, document: dict[str, Any]) -> None:
    table = draw("html", document).split('id="calibration"')[1].split("</table>")[0]
    said = words(table)
    assert "robustness subgroup gap clean, subgroup-gap 0.0 % [0.0, 6.0] 0 in 60 runs" in said
    assert "subgroup-gap 15.0 pts 95.0 % [83.0, 99.0] 240" in said
    assert "at n = 240 this probe finds a gap of 15 points with power 0.95" in said
    assert table.count('class="said"') == 1
