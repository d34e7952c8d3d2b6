"""Model types of the installed library, with what was measured of each."""

from __future__ import annotations

from typing import Any

from medaudit.architectures.kinds import kinds
from medaudit.architectures.sweep import COLUMNS
from medaudit.architectures.table import FAILS, NOT_APPLICABLE, measured, status_of


def listing() -> list[dict[str, Any]]:
    """Rows ``{"name", "about", "class", "route", "measured_with", "measured": {capability: verdict}}``.

    ``measured`` is what the table that comes with the package says, ``measured_with`` the version of
    transformers that it speaks of; both are None for a type that is not in it.
    """
    table = measured() or {"architectures": [], "transformers": None}
    known = {(row["type"], row["class"]): row for row in table["architectures"]}
    rows = []
    for kind in kinds():
        row = known.get((kind.type, kind.class_name))
        verdicts = row and {column: row[column] for column in COLUMNS}
        rows.append(
            {
                "name": kind.name,
                "about": f"{kind.route}: {kind.class_name}{_left(verdicts)}",
                "class": kind.class_name,
                "route": kind.route,
                "measured_with": table["transformers"] if verdicts else None,
                "measured": verdicts,
            }
        )
    return rows


def _left(verdicts: dict[str, str] | None) -> str:
    """What is missing, after the class's name."""
    if verdicts is None:
        return "; not measured"
    said = {
        status: [c for c in COLUMNS if status_of(verdicts[c]) == status] for status in (FAILS, NOT_APPLICABLE)
    }
    words = [(FAILS, "fails"), (NOT_APPLICABLE, "without")]
    return "".join(f"; {word} {', '.join(said[status])}" for status, word in words if said[status])
