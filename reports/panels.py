"""Small multiples: one severity curve per shift, all on one scale, each with its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from medaudit.reports import format, wording
from medaudit.reports.blocks import Matrix, matrix
from medaudit.reports.curves import Curve, curve_figure
from medaudit.reports.items import Item
from medaudit.reports.scale import Scale, fit_close

#: What a curve shows: the first of these that was measured by severity.
_DRAWN = ("accuracy", "relative_robustness")


@dataclass(frozen=True)
class Panel:
    """A shift's curve, what it says, and the table behind it."""

    title: str
    note: str
    figure: Markup
    table: Matrix


@dataclass(frozen=True)
class Panels:
    """All curves of a probe; ``floor`` is the accuracy of the best baseline, where it can be drawn."""

    metric: str
    scale: Scale
    clean: float | None
    floor: float | None
    panels: list[Panel]


def has_severity(item: Item) -> bool:
    """Whether the finding is a point of a severity curve."""
    severity: Any = item.slice.get("severity")
    return "shift" in item.slice and isinstance(severity, int | float) and not isinstance(severity, bool)


def panels(items: Sequence[Item], everything: Sequence[Item]) -> Panels | None:
    """Curves of one probe's findings, or None where nothing was measured by severity."""
    points = [item for item in items if has_severity(item)]
    metric = next((name for name in _DRAWN if any(item.metric == name for item in points)), None)
    if metric is None:
        return None
    overall = [item.estimate for item in items if item.metric == metric and not item.slice]
    clean = overall[0] if overall else None
    floor = best_baseline(everything) if metric == "accuracy" else None
    drawn = [item for item in points if item.metric == metric and item.estimate is not None]
    values = [value for item in drawn for value in (item.estimate, *(item.interval or ()))]
    scale = fit_close([v for v in (*values, clean, floor) if v is not None], wording.metric(metric).kind)
    names = dict.fromkeys(str(item.slice["shift"]) for item in points)
    by_shift = {name: [item for item in points if str(item.slice["shift"]) == name] for name in names}
    made = [_panel(name, found, metric, scale, (clean, floor)) for name, found in by_shift.items()]
    return Panels(wording.metric(metric).title, scale, clean, floor, made)


def best_baseline(items: Sequence[Item]) -> float | None:
    """Accuracy of the best arm of the probe ``baselines`` that does not see the right image."""
    rivals = [
        item.estimate
        for item in items
        if (item.probe, item.metric) == ("baselines", "accuracy") and item.estimate is not None
        if item.slice.get("image", "full") != "full" or "predictor" in item.slice
    ]
    return max(rivals, default=None)


def _panel(
    name: str, items: list[Item], metric: str, scale: Scale, levels: tuple[float | None, float | None]
) -> Panel:
    points = [(float(item.slice["severity"]), item) for item in items if item.metric == metric]
    points.sort(key=lambda point: point[0])
    title = wording.plain(name)
    said = [f"severity {severity:g} {item.value}" for severity, item in points]
    if levels[0] is not None:
        said.insert(0, f"unshifted {format.quantity(levels[0], scale.kind)}")
    summary = f"{wording.metric(metric).title} under {title}: {'; '.join(said)}"
    keys = sorted({str(item.slice["severity"]) for item in items})
    caption = f"All that was measured under {title}"
    table = matrix(caption, "severity", keys, items, lambda item: str(item.slice["severity"]))
    return Panel(title, _note(items, points), curve_figure(scale, Curve(points, *levels, summary)), table)


def _note(items: Sequence[Item], points: Sequence[tuple[float, Item]]) -> str:
    """What the panel's title states: the largest loss, or that there is none."""
    drops = [item for item in items if item.metric == "accuracy_drop" and item.estimate is not None]
    if not drops:
        return f"{points[-1][1].value} at the highest severity" if points else ""
    worst = max(drops, key=lambda item: item.estimate or 0)
    if (worst.estimate or 0) <= 0:
        return "no accuracy lost at any severity"
    doubt = "" if (worst.low or 0) > 0 else "; chance may explain it"
    return f"loses up to {worst.value} {worst.ends}, at severity {worst.slice['severity']}{doubt}"
