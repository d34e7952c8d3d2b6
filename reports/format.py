"""Numbers as they are printed: one way for each kind of quantity, everywhere.

Proportions are percentages, differences of proportions are percentage points, both with one decimal. A part
of another number (``percent``) is a percentage too; other ratios and ranks are plain numbers with two. An
interval follows its estimate in brackets, without unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MINUS = "\u2212"
#: What adding up floats leaves behind is no number.
DUST = 1e-9

_UNITS = {"share": "\u00a0%", "percent": "\u00a0%", "points": "\u00a0pts"}


def number(value: float, kind: str = "number") -> str:
    """A value of a kind (``share``, ``points``, ``percent``, ``ratio``, ``count``, ...), without its unit."""
    if kind in _UNITS:
        return _rounded(value * 100, 1)
    if kind == "count":
        return count(value)
    return _rounded(value, 2 if abs(value) < 1000 else 0)


def _rounded(value: float, places: int) -> str:
    if abs(value) < DUST:
        value = 0.0
    text = f"{value:,.{places}f}"
    if value and not text.strip("-0.,"):
        # Not nothing: keep one digit, so that a small number is not printed as none.
        text = f"{value:.{-math.floor(math.log10(abs(value)))}f}"
    return text.replace("-", MINUS)


def quantity(value: float | None, kind: str = "number") -> str:
    """A value with its unit: ``81.0 %``, ``-2.1 pts``, ``0.93``."""
    return "none" if value is None else number(value, kind) + _UNITS.get(kind, "")


def interval(ends: Sequence[float] | None, kind: str = "number") -> str:
    """``[78.2, 83.6]``, or nothing."""
    return f"[{number(ends[0], kind)}, {number(ends[1], kind)}]" if ends else ""


def estimate(value: float | None, ends: Sequence[float] | None, kind: str = "number") -> str:
    """``81.0 % [78.2, 83.6]``."""
    return f"{quantity(value, kind)} {interval(ends, kind)}".rstrip()


def probability(p: float | None) -> str:
    """A p-value with three decimals, or a bound below that."""
    if p is None:
        return ""
    return "<\u00a00.001" if p < 0.001 else f"{p:.3f}"


def count(value: int | float | None) -> str:
    """``1,240``."""
    return "unknown" if value is None else f"{value:,.0f}"


def size(bytes_: float) -> str:
    """``4.1 MB``."""
    for unit in ("B", "kB", "MB"):
        if bytes_ < 1000:
            return f"{bytes_:.0f} {unit}" if unit == "B" else f"{bytes_:.1f} {unit}"
        bytes_ /= 1000
    return f"{bytes_:,.1f} GB"


def duration(seconds: float) -> str:
    """``2 min 4 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
