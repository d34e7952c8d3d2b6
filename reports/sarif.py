"""findings.sarif: findings in the exchange format of code scanners (SARIF 2.1.0).

A failed gate is an error, and so is what a probe found and confirmed without one; an undecided gate and a
raised alarm are warnings, a measured number is a note; a gate that was met and a question that does not apply
carry SARIF's own kinds ``pass`` and ``notApplicable``, whose level is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medaudit.registry import report
from medaudit.reports.alarms import Notice, alarms
from medaudit.reports.items import Item
from medaudit.reports.text import visible_document
from medaudit.reports.wording import probe as probe_words

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@report("sarif", filename="findings.sarif")
def sarif(document: Mapping[str, Any], folder: Path) -> str:
    """Findings as SARIF results, one rule per probe and metric."""
    shown = visible_document(document)
    items = [Item(finding) for finding in shown["findings"]]
    rules = list(dict.fromkeys((item.probe, item.metric) for item in items))
    raised = _raised(shown)
    ids = [f"{probe}/{metric}" for probe, metric in rules] + [_alarm_id(notice) for notice in raised]
    index = {rule: number for number, rule in enumerate(dict.fromkeys(ids))}
    run = {
        "tool": {"driver": _driver(shown, items, rules, raised)},
        "automationDetails": {"id": f"medaudit/{shown['run']['id']}"},
        "invocations": [_invocation(shown)],
        "columnKind": "unicodeCodePoints",
        "results": [
            *(_result(item, index[f"{item.probe}/{item.metric}"]) for item in items),
            *(_alarm(notice, index[_alarm_id(notice)]) for notice in raised),
        ],
        "properties": {
            "status": shown["status"],
            "model": shown["model"]["id"],
            "fingerprint": shown["model"]["fingerprint"],
            "data": shown["data"]["name"],
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _driver(
    document: Mapping[str, Any],
    items: Sequence[Item],
    rules: Sequence[tuple[str, str]],
    raised: Sequence[Notice],
) -> dict[str, Any]:
    titles = {(item.probe, item.metric): item.title for item in items}
    return {
        "name": "medaudit",
        "version": document["run"]["medaudit"],
        "rules": [
            {
                "id": f"{probe}/{metric}",
                "name": metric,
                "shortDescription": {"text": titles[probe, metric]},
                "fullDescription": {"text": probe_words(probe).question or titles[probe, metric]},
            }
            for probe, metric in rules
        ]
        + [_alarm_rule(notice) for notice in {notice.key: notice for notice in raised}.values()],
    }


def _raised(document: Mapping[str, Any]) -> list[Notice]:
    found = alarms(document)
    return found.raised if found else []


def _alarm_id(notice: Notice) -> str:
    return "/".join(("alarm", *notice.key))


def _alarm_rule(notice: Notice) -> dict[str, Any]:
    return {
        "id": _alarm_id(notice),
        "name": notice.key[1],
        "shortDescription": {"text": f"Alarm: {notice.name}"},
        "fullDescription": {"text": f"{notice.quantity} {notice.margin}"},
    }


def _alarm(notice: Notice, index: int) -> dict[str, Any]:
    place = {
        "name": notice.where,
        "fullyQualifiedName": notice.row["finding"],
        "kind": "slice",
    }
    return {
        "ruleId": _alarm_id(notice),
        "ruleIndex": index,
        "level": "warning",
        "message": {"text": f"Alarm: {notice.says}. {'; '.join(notice.facts)}."},
        "locations": [{"logicalLocations": [place]}],
        "partialFingerprints": {"medauditFinding/v1": f"alarm/{notice.key[1]}/{notice.row['finding']}"},
        "properties": {
            name: notice.row[name]
            for name in (
                "estimate",
                "interval",
                "side",
                "margin",
                "n",
                "groups",
                "p_value",
                "p_adjusted",
                "slice",
            )
        },
    }


def _invocation(document: Mapping[str, Any]) -> dict[str, Any]:
    broken = [row for row in document["coverage"] if row["status"] == "error"]
    messages = [f"{row['probe']}: {row['reason']}" for row in broken] + document["run"].get("problems", [])
    return {
        "executionSuccessful": document["status"] == "complete",
        "commandLine": document["run"]["command"],
        "startTimeUtc": document["run"]["started"].replace("+00:00", "Z"),
        "toolExecutionNotifications": [{"level": "error", "message": {"text": text}} for text in messages],
    }


def _result(item: Item, index: int) -> dict[str, Any]:
    finding = item.finding
    return {
        "ruleId": f"{item.probe}/{item.metric}",
        "ruleIndex": index,
        **_severity(item),
        "message": {"text": _message(item)},
        "locations": [{"logicalLocations": [_place(item)]}],
        "partialFingerprints": {"medauditFinding/v1": finding["id"]},
        "properties": {
            "verdict": item.verdict,
            **{
                name: finding.get(name)
                for name in ("estimate", "interval", "confidence", "n", "groups", "p_value", "p_adjusted")
            },
            "slice": item.slice,
            "control": item.control,
            "threshold": item.threshold,
        },
    }


def _place(item: Item) -> dict[str, str]:
    return {"name": item.where or "all cases", "fullyQualifiedName": item.finding["id"], "kind": "slice"}


def _severity(item: Item) -> dict[str, str]:
    if item.verdict in ("fail", "error"):
        return {"level": "error"}
    if item.verdict == "inconclusive" and item.threshold is not None:
        return {"level": "warning"}
    if item.verdict == "pass":
        return {"kind": "pass", "level": "none"}
    if item.verdict == "not_applicable":
        return {"kind": "notApplicable", "level": "none"}
    return {"level": "note"}


def _message(item: Item) -> str:
    about = item.title + (f" ({item.where})" if item.where else "")
    said = f"{item.value} {item.ends}".strip() if item.estimate is not None else "not measured"
    demand = f"; must be {item.gate}" if item.gate else f"; {item.word}" if item.confirmed else ""
    why = f" {item.why}" if item.why else ""
    return f"{about}: {said}{demand}; n {item.n} in {item.groups} groups.{why}"
