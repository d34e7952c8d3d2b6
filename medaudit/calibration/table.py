"""The calibration as people read it: a table of flaw x probe, in the terminal and in the docs."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from medaudit.terminal import printable

if TYPE_CHECKING:
    from medaudit.calibration.record import Record

Row = Sequence[str]


def percent(told: Mapping[str, Any]) -> str:
    """``1 of 60 (1.7 %, 95 % interval 0.0 to 8.9 %)``."""
    if told["rate"] is None:
        return "no run"
    low, high = told["interval"]
    share = f"{100 * told['rate']:.1f} %"
    return f"{told['hits']} of {told['runs']} ({share}, 95 % interval {100 * low:.1f} to {100 * high:.1f} %)"


def flaw_rows(document: Mapping[str, Any]) -> list[Row]:
    """Head, then a row for each phantom: flaw, its target, what each probe did, other alarms."""
    probes = list(document["clean"]["by_probe"])
    rows: list[Row] = [("phantom", "should be named by", *probes, "false alarms")]
    clean = document["clean"]
    quiet = [f"false alarm {told['hits']}/{told['runs']}" for told in clean["by_probe"].values()]
    rows.append(("clean ones", "nothing", *quiet, f"{clean['audit']['hits']}/{clean['audit']['runs']}"))
    for flaw in document["flaws"]:
        other = flaw["other"]
        did = [flaw["by_probe"][name] for name in probes]
        rows.append((flaw["flaw"], _target(flaw["target"]), *did, f"{other['hits']}/{other['runs']}"))
    return rows


def _target(target: Mapping[str, Any] | None) -> str:
    if target is None:
        return "none of these probes"
    where = " ".join(f"{key}={value}" for key, value in target["slice"].items())
    return f"{target['probe']}/{target['rule']} {where}".strip()


def power_rows(document: Mapping[str, Any]) -> list[Row]:
    """Head, then a row for each flaw and effect, a column for each n."""
    sizes = sorted({cell["n"] for flaw in document["flaws"] for cell in flaw["power"]})
    rows: list[Row] = [("phantom", "effect", *(f"n = {n}" for n in sizes))] if sizes else []
    for flaw in document["flaws"]:
        for effect in sorted({cell["effect"] for cell in flaw["power"]}):
            known = {cell["n"]: cell["power"] for cell in flaw["power"] if cell["effect"] == effect}
            shown = [f"{known[n]:.2f}" if n in known else "" for n in sizes]
            rows.append((flaw["flaw"], f"{100 * effect:.0f} points", *shown))
    return rows


def terminal(record: Record) -> str:
    """Both tables as aligned text, and the family-wise rate."""
    document = record.document
    parts = [f"false alarms of a whole clean audit: {percent(document['clean']['audit'])}", ""]
    parts += _aligned(flaw_rows(document))
    power = power_rows(document)
    if power:
        parts += ["", "power, at 95 % family-wise confidence", *_aligned(power)]
    return "\n".join(parts)


def _aligned(shown: Sequence[Row]) -> list[str]:
    rows = [[printable(cell) for cell in row] for row in shown]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def markdown(rows: Sequence[Row]) -> str:
    """A Markdown table; nothing for no rows."""
    if not rows:
        return ""
    head, *body = [[_cell(text) for text in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str) -> str:
    """As plain text: names of folders are anybody's."""
    told = html.escape(printable(" ".join(text.split())), quote=False)
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", told)
