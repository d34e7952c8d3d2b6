"""Combine the intervals of two means into one of their difference or ratio (MOVER; Zou and Donner 2008).

The method of variance estimates recovery takes from each interval the spread towards the side in question,
so it keeps the asymmetry of a proportion near 0 or 1. ``rho`` is the correlation of the two means.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """A mean with its interval ends."""

    value: float
    low: float
    high: float

    @property
    def below(self) -> float:
        """Distance from the lower end."""
        return self.value - self.low

    @property
    def above(self) -> float:
        """Distance from the upper end."""
        return self.high - self.value


def mover_difference(first: Limits, second: Limits, rho: float) -> tuple[float, float]:
    """Interval of ``first - second``."""
    centre = first.value - second.value
    low = centre - _joint(first.below, second.above, rho)
    high = centre + _joint(first.above, second.below, rho)
    return low, high


def mover_ratio(first: Limits, second: Limits, rho: float) -> tuple[float, float]:
    """Interval of ``first / second``: every r for which the interval of ``first - r second`` holds 0.

    Needs ``second.low > 0`` (Donner and Zou 2012).
    """
    low = _ratio_end(first, second, first.below, second.above if first.low >= 0 else second.below, rho, -1)
    high = _ratio_end(first, second, first.above, second.below if first.high >= 0 else second.above, rho, 1)
    return low, high


def _ratio_end(first: Limits, second: Limits, spread: float, other: float, rho: float, side: int) -> float:
    """Root of ``(v1 - r v2)^2 = s1^2 + r^2 s2^2 - 2 rho r s1 s2`` on the asked side of ``v1 / v2``."""
    square = second.value**2 - other**2
    middle = first.value * second.value - rho * spread * other
    constant = first.value**2 - spread**2
    root = math.sqrt(max(0.0, middle**2 - square * constant))
    if constant == 0 and side * middle <= 0:
        return 0.0
    if side * middle < 0 or square <= 0:
        # The conjugate form of the same root; it stays finite when `square` vanishes.
        return constant / (middle - side * root)
    return (middle + side * root) / square


def _joint(first: float, second: float, rho: float) -> float:
    return math.sqrt(max(0.0, first**2 + second**2 - 2 * rho * first * second))
