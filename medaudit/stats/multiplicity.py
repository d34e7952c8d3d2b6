"""Adjusted p-values. ``None`` marks a finding without a test: it passes through and is not counted."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust so that any false alarm among all tests stays below alpha (Holm 1979). For gates."""
    order, tested = _ranked(p_values)
    adjusted: list[float | None] = list(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, tested[index] * (len(order) - rank)))
        adjusted[index] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust so that the share of false alarms among alarms stays below alpha (1995). For exploration."""
    order, tested = _ranked(p_values)
    adjusted: list[float | None] = list(p_values)
    running = 1.0
    for rank, index in reversed(list(enumerate(order, start=1))):
        # p * (m / rank), not p * m / rank: at the last rank the factor is exactly 1.
        running = min(running, tested[index] * (len(order) / rank))
        adjusted[index] = running
    return adjusted


def _ranked(p_values: Sequence[float | None]) -> tuple[list[int], dict[int, float]]:
    tested = {index: p for index, p in enumerate(p_values) if p is not None}
    if any(not 0 <= p <= 1 for p in tested.values()):
        raise ValueError("p-values lie between 0 and 1")
    return sorted(tested, key=tested.__getitem__), tested
