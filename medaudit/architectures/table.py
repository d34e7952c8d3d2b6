"""The table of architectures: as a document, as counts, as a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from medaudit.architectures.sweep import COLUMNS, Row

WORKS, NOT_APPLICABLE, FAILS = "works", "not_applicable", "fails"
_SIGNS = {WORKS: "yes", NOT_APPLICABLE: "n/a", FAILS: "**no**"}


def document(rows: Sequence[Row]) -> dict[str, Any]:
    """``{"transformers", "torch", "architectures": [{"type", "class", capability: verdict}], "notes"}``."""
    names = [f"{row['type']} ({row['class']})" for row in rows]
    return {
        "transformers": version("transformers"),
        "torch": version("torch"),
        "counts": counts(rows),
        "architectures": [{key: row[key] for key in ("type", "class", *COLUMNS)} for row in rows],
        "notes": {name: row["notes"] for name, row in zip(names, rows, strict=True) if row.get("notes")},
        "seconds": {name: row["seconds"] for name, row in zip(names, rows, strict=True) if "seconds" in row},
    }


def counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """How many types have each status, by capability."""
    statuses = (WORKS, NOT_APPLICABLE, FAILS)
    return {
        column: {status: sum(status_of(row[column]) == status for row in rows) for status in statuses}
        for column in COLUMNS
    }


def fails(row: Mapping[str, Any]) -> bool:
    """Whether any capability of the type fails."""
    return any(status_of(row[column]) == FAILS for column in COLUMNS)


def told(row: Mapping[str, Any]) -> str:
    """One line for a terminal: ``llava  all work``, or what fails and what does not apply, and why."""
    parts = []
    for status in (FAILS, NOT_APPLICABLE):
        why: dict[str, list[str]] = {}
        for column in COLUMNS:
            found, _, reason = row[column].partition(": ")
            if found == status:
                why.setdefault(reason, []).append(column)
        parts += [f"{status}: {', '.join(columns)} ({reason})" for reason, columns in why.items()]
    return f"{row['type']:<24} {'; '.join(parts) or 'all work'}"


def summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many types each capability works for."""
    found = counts(rows)
    return f"{len(rows)} types; works: " + ", ".join(f"{name} {found[name][WORKS]}" for name in COLUMNS)


def status_of(verdict: str) -> str:
    """``works``, ``not_applicable`` or ``fails``."""
    return verdict.partition(":")[0]


def measured() -> dict[str, Any] | None:
    """The newest table that comes with the package, or None where it was left out."""
    path = files("medaudit.architectures") / "measured.json"
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def markdown(table: Mapping[str, Any]) -> str:
    """The page of the documentation: counts, the table, and every reason under it."""
    rows = table["architectures"]
    lines = [
        "# Architectures",
        "",
        "Written by `make conformance`; do not edit. Each image-capable model type of transformers "
        f"{table['transformers']} (torch {table['torch']}) was built tiny with random weights, saved, loaded "
        "by the ordinary route and checked, each claim beside a control that must fail. A tiny random "
        "model shows plumbing: that questions, images, masks and gradients arrive where they should. It says "
        "nothing about how well a trained checkpoint answers.",
        "",
        *_counted(table["counts"], len(rows)),
        "",
        "| type | class | " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * (len(COLUMNS) + 2),
        *(_line(row) for row in rows),
        "",
        "## Reasons",
        "",
        *_reasons(rows),
    ]
    return "\n".join(lines) + "\n"


def _counted(table: Mapping[str, Mapping[str, int]], number: int) -> list[str]:
    head = ["| capability | works | not applicable | fails | of |", "|---|---|---|---|---|"]
    return head + [
        f"| {name} | {found[WORKS]} | {found[NOT_APPLICABLE]} | {found[FAILS]} | {number} |"
        for name, found in table.items()
    ]


def _line(row: Mapping[str, str]) -> str:
    signs = [_SIGNS[status_of(row[column])] for column in COLUMNS]
    return f"| {row['type']} | {row['class']} | " + " | ".join(signs) + " |"


def _reasons(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Each reason once, with the types and capabilities that it speaks of."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        for column in COLUMNS:
            status, _, reason = row[column].partition(": ")
            if status != WORKS:
                found.setdefault(f"{status}: {reason}", {}).setdefault(row["type"], []).append(column)
    return [
        f"- *{reason.replace('|', '/').replace('*', '')}* — "
        + "; ".join(f"{name} ({', '.join(columns)})" for name, columns in types.items())
        for reason, types in sorted(found.items(), key=lambda item: (item[0].split(":")[0], -len(item[1])))
    ]
