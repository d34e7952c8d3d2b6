"""From audit.json to what the page shows. Every number on the page passes through here, once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medaudit.reports import format, record, wording
from medaudit.reports.alarms import alarms
from medaudit.reports.calibration import calibration
from medaudit.reports.cases import worst_cases
from medaudit.reports.items import CONFIRMED, SIGNS, Item
from medaudit.reports.key import RULE, key_findings
from medaudit.reports.pictures import Pictures
from medaudit.reports.sections import sections
from medaudit.reports.sentences import sentence
from medaudit.reports.text import visible_document

DISCLAIMER = (
    "This report records tests that were run on one model version, on the named data, in the named "
    "environment. It is not a conformity assessment and makes no claim of compliance."
)
#: Rows of the table of all findings; gated ones are always shown.
MOST_ROWS = 2000
MOST_SKIPPED = 50

_NUMBERS = ("No", "One thing", "Two things", "Three things", "Four things", "Five things")


def view(document: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The template's variables for a valid audit document."""
    digest = record.document_digest(document)
    shown = visible_document(document)
    items = [Item(finding) for finding in shown["findings"]]
    model, data, run = shown["model"], shown["data"], shown["run"]
    key = key_findings(items)
    rows = _rows(items)
    public = data.get("public") is True
    pictures = Pictures(folder, public)
    return {
        "disclaimer": DISCLAIMER,
        "model": model,
        "data": data,
        "run": run,
        "date": run["started"][:10],
        "digest": digest,
        "status": shown["status"],
        "problems": _problems(shown),
        "gates": _gates(items),
        "alarms": alarms(shown),
        "confirmed": sum(item.confirmed for item in items),
        "tested": _tested(shown["coverage"], items),
        "untested": _untested(shown["coverage"]),
        "key": [(item, sentence(item)) for item in key],
        "key_title": f"{_NUMBERS[len(key)]} to know",
        "key_rule": RULE,
        "sections": sections(items, pictures),
        "cases": worst_cases(items, pictures),
        "public": public,
        "rows": rows,
        "left_out": len(items) - len(rows),
        "absent": [row for row in shown["coverage"] if row["status"] != "run"],
        "calibration": calibration(shown["calibration"]),
        "model_rows": record.model_rows(model),
        "data_rows": record.data_rows(data),
        "run_rows": record.run_rows(shown, digest),
        "environment": record.environment_rows(shown["environment"]),
        "files": [(file["path"], file["sha256"], format.size(file["size"])) for file in model["files"]],
        "skipped": data.get("skipped", [])[:MOST_SKIPPED],
        "plan": json.dumps(shown["plan"], indent=1, ensure_ascii=False) if shown.get("plan") else "",
    }


def _rows(items: Sequence[Item]) -> list[Item]:
    """The findings to list: all, or all gated ones and the first others."""
    room = max(0, MOST_ROWS - sum(item.threshold is not None for item in items))
    kept = []
    for item in items:
        if item.threshold is None:
            if room == 0:
                continue
            room -= 1
        kept.append(item)
    return kept


def _problems(document: Mapping[str, Any]) -> list[str]:
    broken = [f"{row['probe']}: {row['reason']}" for row in document["coverage"] if row["status"] == "error"]
    return [*broken, *document["run"].get("problems", [])]


def _gates(items: Sequence[Item]) -> list[tuple[str, str, str, int]]:
    """(sign, class, words, count) per verdict of gated findings, and of what probes failed by themselves."""
    counts = Counter(item.verdict for item in items if item.threshold is not None)
    words = {"fail": "failed", "inconclusive": "undecided", "pass": "met"}
    shown = [(*SIGNS[name][:2], said, counts.pop(name)) for name, said in words.items() if name in counts]
    if counts:
        shown.append(("!", "fail", "not measurable", sum(counts.values())))
    if confirmed := sum(item.confirmed for item in items):
        shown.append((*SIGNS["fail"][:2], f"{CONFIRMED} without a gate", confirmed))
    return shown


def _tested(coverage: Sequence[Mapping[str, Any]], items: Sequence[Item]) -> list[tuple[str, str]]:
    """(probe, what of it): ``6 shifts at 5 severities, 2 attributes, 180 findings``."""
    ran = [str(row["probe"]) for row in coverage if row["status"] == "run"]
    return [(wording.plain(name), _extent([i for i in items if i.probe == name])) for name in ran]


def _extent(items: Sequence[Item]) -> str:
    parts = []
    shifts, severities, attributes = (
        len({str(item.slice[name]) for item in items if name in item.slice})
        for name in ("shift", "severity", "attribute")
    )
    if shifts:
        at = f" at {_many(severities, 'severity', 'severities')}" if severities else ""
        parts.append(_many(shifts, "shift", "shifts") + at)
    if attributes:
        parts.append(_many(attributes, "attribute", "attributes"))
    parts.append(_many(len(items), "finding", "findings"))
    return ", ".join(parts)


def _many(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def _untested(coverage: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """(probes, status, reason), one line per reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for row in coverage:
        if row["status"] != "run":
            groups.setdefault((str(row["status"]), str(row["reason"])), []).append(
                wording.plain(row["probe"])
            )
    return [(", ".join(names), wording.plain(status), reason) for (status, reason), names in groups.items()]
