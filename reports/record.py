"""What the audit stood on, as tables: model, data, run, environment, and the digest to check it by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from medaudit.reports import format

Rows = list[tuple[str, str]]


def document_digest(document: Mapping[str, Any]) -> str:
    """sha256 of audit.json as it is written; ``sha256sum audit.json`` prints the same."""
    text = json.dumps(document, indent=1, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def model_rows(model: Mapping[str, Any]) -> Rows:
    """The model, without its files."""
    return [
        ("Model", str(model["id"])),
        ("Kind", str(model["kind"])),
        ("Revision", str(model["revision"] or "none stated")),
        ("Fingerprint", str(model["fingerprint"])),
        ("Capabilities", ", ".join(model["capabilities"]) or "none"),
        ("Parameters", format.count(model["parameters"])),
        ("Precision", str(model["dtype"] or "unknown")),
        ("Device", str(model["device"] or "unknown")),
        *(("Note", str(note)) for note in model.get("notes", [])),
    ]


def data_rows(data: Mapping[str, Any]) -> Rows:
    """The data set, without its skipped lines."""
    return [
        ("Data", str(data["name"])),
        ("Reader", str(data["reader"])),
        ("Cases", format.count(data["cases"])),
        ("Groups", f"{format.count(data['groups'])} (patients, or images where no patient is named)"),
        ("sha256", str(data["sha256"])),
        ("Public", "yes" if data.get("public") else "no: pictures and free text are left out"),
        ("Lines left out", format.count(len(data.get("skipped", [])))),
    ]


def run_rows(document: Mapping[str, Any], digest: str) -> Rows:
    """The run: command, seed, plan, times and answers."""
    run = document["run"]
    answers = document.get("answers", {})
    names = {
        "asked": "Answers asked for",
        "distinct": "Distinct questions",
        "from_store": "Answers from the store",
        "errors": "Requests without an answer",
    }
    return [
        ("audit.json sha256", digest),
        ("Run", str(run["id"])),
        ("Program", f"medaudit {run['medaudit']}"),
        ("Command", str(run["command"] or "called from Python")),
        ("Seed", str(run["seed"])),
        ("Plan sha256", str(run["plan_sha256"] or "no plan")),
        ("Started", str(run["started"])),
        ("Took", format.duration(run["duration_s"])),
        *((label, format.count(answers[name])) for name, label in names.items() if name in answers),
    ]


def environment_rows(environment: Mapping[str, Any]) -> Rows:
    """The environment flattened to ``packages.torch``-like names."""
    rows: Rows = []
    for name, value in environment.items():
        if isinstance(value, Mapping):
            rows += [(f"{name}.{inner}", shown) for inner, shown in environment_rows(value)]
        else:
            rows.append((str(name), "not installed" if value is None else str(value)))
    return rows
