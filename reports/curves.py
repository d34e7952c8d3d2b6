"""Severity curves as inline SVG: one small multiple per shift, all on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from medaudit.reports.items import Item
from medaudit.reports.scale import Scale


@dataclass(frozen=True)
class Curve:
    """One shift: items by severity, and what its curve is held against (scores of unshifted images)."""

    points: Sequence[tuple[float, Item]]
    clean: float | None
    baseline: float | None
    summary: str


_LEFT, _RIGHT, _TOP, _BOTTOM = 30.0, 232.0, 8.0, 112.0


def curve_figure(scale: Scale, curve: Curve) -> Markup:
    """Score by severity (0 is the unshifted image) with interval band, clean level and best baseline."""
    parts = [_grid(scale), _level(scale, curve.clean, "clean"), _level(scale, curve.baseline, "floor")]
    parts.append(_band(scale, curve.points))
    line = [
        (_x(severity), _y(scale, item.estimate))
        for severity, item in curve.points
        if item.estimate is not None
    ]
    if curve.clean is not None:
        line.insert(0, (_x(0), _y(scale, curve.clean)))
    parts.append(Markup('<polyline class="trace" points="{}"/>').format(_pairs(line)))
    parts += [
        Markup('<circle class="dot" cx="{}" cy="{}" r="3.2"/>').format(f"{x:.1f}", f"{y:.1f}")
        for x, y in line
    ]
    head = Markup('<svg class="curve" viewBox="0 0 240 132" role="img" aria-label="{}">').format(
        curve.summary
    )
    return head + Markup("").join(parts) + Markup("</svg>")


def _x(severity: float) -> float:
    return _LEFT + 8 + (_RIGHT - _LEFT - 16) * min(5.0, max(0.0, severity)) / 5


def _y(scale: Scale, value: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * scale.at(value) / 100


def _grid(scale: Scale) -> Markup:
    parts = Markup("")
    for value in scale.ticks:
        y = f"{_y(scale, value):.1f}"
        parts += Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(_LEFT, _RIGHT, y, y)
        text = Markup('<text x="25" y="{}" text-anchor="end">{}</text>')
        parts += text.format(f"{float(y) + 3.5:.1f}", scale.label(value))
    for severity in range(6):
        text = Markup('<text x="{}" y="126" text-anchor="middle">{}</text>')
        parts += text.format(f"{_x(severity):.1f}", severity or "clean")
    return parts


def _level(scale: Scale, value: float | None, css: str) -> Markup:
    if value is None:
        return Markup("")
    y = f"{_y(scale, value):.1f}"
    return Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(css, _LEFT, _RIGHT, y, y)


def _band(scale: Scale, points: Sequence[tuple[float, Item]]) -> Markup:
    inside = [(severity, item.interval) for severity, item in points if item.interval]
    upper = [(_x(severity), _y(scale, ends[1])) for severity, ends in inside]
    lower = [(_x(severity), _y(scale, ends[0])) for severity, ends in reversed(inside)]
    if len(inside) < 2:
        return Markup("")
    return Markup('<polygon class="band" points="{}"/>').format(_pairs(upper + lower))


def _pairs(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
