"""Reading what a probe left in ``data``: JSON of any shape, of which only what fits is taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

#: Longest text of a case or an option in print.
LONGEST = 300


def number(value: Any) -> float | None:
    """A finite number; booleans are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def count(value: Any) -> int | None:
    """A whole number from 0."""
    found = number(value)
    return int(found) if found is not None and found >= 0 and found == int(found) else None


def text(value: Any) -> str:
    """A string, cut; empty for anything else."""
    if not isinstance(value, str):
        return ""
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object, empty for anything else."""
    return value if isinstance(value, Mapping) else {}


def rows(value: Any, most: int) -> list[Mapping[str, Any]]:
    """The first objects of a list."""
    return [row for row in value[:most] if isinstance(row, Mapping)] if isinstance(value, list) else []
