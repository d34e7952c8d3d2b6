"""Inline SVG: interval rows, axes and severity curves. Pure functions of numbers, rounded, byte-stable.

Colour comes from classes of the page's one style sheet (the security policy forbids style attributes), and
never stands alone: a filled dot is the model, a hollow one its control, a shaded side misses the gate.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from medaudit.reports.items import Item
from medaudit.reports.scale import Scale

#: More labels than this run into one another on a phone.
MOST_TICKS = 5

_ROW = Markup('<svg class="iv {}" height="20" aria-hidden="true">{}</svg>')


def interval_row(scale: Scale, item: Item, *, with_control: bool = False) -> Markup:
    """The finding on a scale, with its gate; hidden from screen readers, the numbers stand beside it."""
    parts = [_ground(scale), _gate(scale, item)]
    if with_control and item.comparable and item.control:
        control = item.control
        parts.append(_mark(scale, control["estimate"], control.get("interval"), "ctl", "75%", 3))
    parts.append(_mark(scale, item.estimate, item.interval, "own", "45%", 4.5))
    return _ROW.format(item.css, Markup("").join(parts))


def control_row(scale: Scale, item: Item) -> Markup:
    """The finding's control on the same scale."""
    assert item.control is not None
    mark = _mark(scale, item.control["estimate"], item.control.get("interval"), "ctl", "50%", 4)
    return _ROW.format("meas", _ground(scale) + _gate(scale, item) + mark)


def axis(scale: Scale) -> Markup:
    """Tick labels under interval rows."""
    shown = scale.ticks if len(scale.ticks) <= MOST_TICKS else scale.ticks[::2]
    labels = [_tick(scale, value, last=value == shown[-1]) for value in shown]
    return Markup('<svg class="iv ax" height="14" aria-hidden="true">{}</svg>').format(
        Markup("").join(labels)
    )


def _tick(scale: Scale, value: float, last: bool) -> Markup:
    anchor = "start" if value == scale.ticks[0] else "end" if value == scale.ticks[-1] else "middle"
    unit = f" {scale.unit}" if last and scale.unit else ""
    text = Markup('<text x="{}" y="11" text-anchor="{}">{}{}</text>')
    return text.format(_percent(scale.at(value)), anchor, scale.label(value), unit)


def _ground(scale: Scale) -> Markup:
    line = Markup('<line class="ground" x1="0" x2="100%" y1="50%" y2="50%"/>')
    if scale.reference is None or not scale.low <= scale.reference <= scale.high:
        return line
    place = _percent(scale.at(scale.reference))
    return line + Markup('<line class="ref" x1="{0}" x2="{0}" y1="0" y2="100%"/>').format(place)


def _gate(scale: Scale, item: Item) -> Markup:
    if item.threshold is None:
        return Markup("")
    at = scale.at(float(item.threshold["value"]))
    start, width = (0.0, at) if item.threshold["op"] == ">=" else (at, 100 - at)
    return Markup(
        '<rect class="miss" x="{}" width="{}" height="100%"/>'
        '<line class="gate" x1="{}" x2="{}" y1="0" y2="100%"/>'
    ).format(_percent(start), _percent(width), _percent(at), _percent(at))


def _mark(
    scale: Scale, value: float | None, ends: Sequence[float] | None, css: str, y: str, radius: float
) -> Markup:
    parts = Markup("")
    if ends:
        low, high = _percent(scale.at(ends[0])), _percent(scale.at(ends[1]))
        parts += Markup('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(css, low, high, y, y)
    if value is not None:
        dot = Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>')
        parts += dot.format(css, _percent(scale.at(value)), y, radius)
    return parts


def _percent(value: float) -> str:
    return f"{value:.1f}%"
