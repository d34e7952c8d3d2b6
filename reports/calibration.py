"""What is known of a probe's own mistakes, measured on phantoms, as it is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medaudit.reports import format, wording


@dataclass(frozen=True)
class Calibrated:
    """One row: a probe, or one flaw that a probe should find."""

    probe: str
    alarm: str
    phantoms: str
    false: str
    counted: str
    flaw: str
    effect: str
    power: str
    n: str
    sentence: str


def calibration(rows: Sequence[Mapping[str, Any]]) -> list[Calibrated]:
    """The rows of ``calibration`` in print."""
    return [_row(row) for row in rows]


def _row(row: Mapping[str, Any]) -> Calibrated:
    phantoms = row["phantoms"]
    return Calibrated(
        probe=wording.plain(row["probe"]),
        alarm=_plain(row.get("alarm")),
        phantoms=", ".join(map(str, phantoms)) if isinstance(phantoms, list) else str(phantoms),
        false=format.estimate(row["false_alarm_rate"], row["interval"], "share"),
        counted=_counted(row),
        flaw=_plain(row.get("flaw")),
        effect=_effect(row.get("effect")),
        power=format.estimate(row["power"], row["power_interval"], "share"),
        n=format.count(row["n"]),
        sentence=str(row.get("sentence") or ""),
    )


def _plain(value: Any) -> str:
    return wording.plain(value) if value else ""


def _counted(row: Mapping[str, Any]) -> str:
    """``1 in 60 runs``, where both are known."""
    if row.get("runs") is None or row.get("alarms") is None:
        return ""
    return f"{format.count(row['alarms'])} in {format.count(row['runs'])} runs"


def _effect(value: Any) -> str:
    """A number is a difference of proportions; words stay words."""
    if isinstance(value, int | float):
        return format.quantity(value, "points")
    return _plain(value)
