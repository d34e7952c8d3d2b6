"""Scales shared by a result and its control: the same visual unit for both."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from medaudit.reports import format

#: Where nothing is found, by kind of number: no difference, no loss.
REFERENCE = {"points": 0.0, "percent": 1.0, "ratio": 1.0}

#: Shares that all stay under this get a scale of their own instead of 0 to 100 %.
SMALL = 0.2


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high`` in steps of ``step``."""

    low: float
    high: float
    step: float
    kind: str

    def at(self, value: float) -> float:
        """Position in percent of the axis; values outside stand on its end."""
        share = (value - self.low) / (self.high - self.low)
        return 100 * min(1.0, max(0.0, share))

    @property
    def ticks(self) -> list[float]:
        steps = round((self.high - self.low) / self.step)
        # Adding up floats would give 0.30000000000000004.
        return [round(self.low + index * self.step, 10) for index in range(steps + 1)]

    def label(self, value: float) -> str:
        """A tick in print: ``50``, ``0.5``, ``-10``."""
        shown = value * 100 if self.unit else value
        text = f"{shown:,.4f}".rstrip("0").rstrip(".")
        return text.replace("-", format.MINUS)

    @property
    def unit(self) -> str:
        return {"share": "%", "percent": "%", "points": "points"}.get(self.kind, "")

    @property
    def reference(self) -> float | None:
        return REFERENCE.get(self.kind)


def fit(values: Iterable[float], kind: str) -> Scale:
    """A scale with round ends that holds the values and what they are compared with."""
    held = [*values]
    whole = not held or (min(held) >= 0 and SMALL < max(held) <= 1)
    if kind == "share" and whole:
        return Scale(0.0, 1.0, 0.25, kind)
    return fit_close([*held, REFERENCE.get(kind, 0.0)], kind)


def fit_close(values: Iterable[float], kind: str) -> Scale:
    """A scale with round ends just around the values, for curves: nothing needs to stand at 0."""
    held = [*values] or [0.0]
    low, high = min(held), max(held)
    if high - low < 1e-9:
        high = low + (1.0 if kind in ("ratio", "number") else 0.1)
    step = _round_step((high - low) / 4)
    start = math.floor(low / step + 1e-9) * step
    end = math.ceil(high / step - 1e-9) * step
    return Scale(round(start, 10), round(end, 10), step, kind)


def _round_step(step: float) -> float:
    size = 10.0 ** math.floor(math.log10(step))
    return next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= step * (1 - 1e-9))
