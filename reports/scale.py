"""Scales shared by a result and its control: the same visual unit for both."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from medaudit.reports import format

#: Where nothing is found, by kind of number: no difference, no loss.
REFERENCE = {"points": 0.0, "ratio": 1.0}

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
        shown = value * 100 if self.kind in ("share", "points") else value
        places = max(0, -math.floor(math.log10(self.step * (100 if shown != value else 1)) + 1e-9))
        return f"{shown:.{min(places, 4)}f}".replace("-", format.MINUS)

    @property
    def unit(self) -> str:
        return {"share": "%", "points": "points"}.get(self.kind, "")

    @property
    def reference(self) -> float | None:
        return REFERENCE.get(self.kind)


def fit(values: Iterable[float], kind: str) -> Scale:
    """A scale with round ends that holds the values and what they are compared with."""
    held = [*values, 0.0]
    if kind == "share" and (len(held) == 1 or max(held) > SMALL) and min(held) >= 0 and max(held) <= 1:
        return Scale(0.0, 1.0, 0.25, kind)
    if kind == "ratio":
        held.append(1.0)
    low, high = min(held), max(held)
    if high - low < 1e-9:
        low, high = (low, low + 0.1) if kind in ("share", "points") else (low, low + 1)
    step = _round_step((high - low) / 4)
    return Scale(
        round(math.floor(low / step + 1e-9) * step, 10),
        round(math.ceil(high / step - 1e-9) * step, 10),
        step,
        kind,
    )


def _round_step(step: float) -> float:
    size = 10.0 ** math.floor(math.log10(step))
    return next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= step * (1 - 1e-9))
