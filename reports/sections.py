"""One section per probe: cards, curves per shift, forests per attribute, ladders for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from medaudit.reports import format, wording
from medaudit.reports.curves import Curve, curve_figure
from medaudit.reports.items import Item
from medaudit.reports.key import miss
from medaudit.reports.scale import Scale, fit
from medaudit.reports.sentences import explained, sentence

MOST_CARDS = 8
MOST_ROWS = 40

#: Probes whose results mean nothing for a model that does as well without the image.
NEEDS_SIGHT = frozenset({"robustness", "confusion", "spurious", "grounding", "attribution"})
_RANK = {"fail": 0, "error": 1, "inconclusive": 2, "pass": 3, "measured": 4, "not_applicable": 5}


@dataclass(frozen=True)
class Card:
    """One finding with its sentence; result and control share ``scale``."""

    item: Item
    text: Markup
    scale: Scale


@dataclass(frozen=True)
class Matrix:
    """The table behind a picture: a row per severity or value, a column per metric."""

    caption: str
    corner: str
    heads: list[str]
    rows: list[tuple[str, list[Item | None]]]


@dataclass(frozen=True)
class Panel:
    """A severity curve, or None where only the table can be shown."""

    title: str
    note: str
    figure: Markup
    table: Matrix


@dataclass(frozen=True)
class Ladder:
    """Findings of one metric under one another on one scale."""

    title: str
    rows: list[tuple[str, Item]]
    scale: Scale
    note: Card | None = None
    table: Matrix | None = None
    left_out: int = 0


@dataclass(frozen=True)
class Section:
    """Everything that the page says about one probe."""

    probe: str
    words: wording.Words
    anchor: str
    banner: Markup | None
    cards: list[Card]
    panels: list[Panel]
    forests: list[Ladder]
    ladders: list[Ladder]
    unit: str = ""
    more_cards: int = field(default=0)


def sections(items: Sequence[Item]) -> list[Section]:
    """Sections in the order of the document, the baselines first: they say what the rest is worth."""
    names = list(dict.fromkeys(item.probe for item in items if item.estimate is not None))
    names.sort(key=lambda name: name != "baselines")
    return [_section(name, f"probe-{number}", items) for number, name in enumerate(names, 1)]


def _section(name: str, anchor: str, everything: Sequence[Item]) -> Section:
    items = [item for item in everything if item.probe == name]
    curved = [item for item in items if "shift" in item.slice and _is_number(item.slice.get("severity"))]
    split = [item for item in items if "attribute" in item.slice]
    cards = _cards([item for item in items if item.threshold or not item.slice])
    shown = {id(item) for item in [*curved, *split]} | {id(card.item) for card in cards}
    return Section(
        probe=name,
        words=wording.probe(name),
        anchor=anchor,
        banner=_banner(name, everything),
        cards=cards[:MOST_CARDS],
        panels=_panels(curved, items, everything),
        forests=_forests(split),
        ladders=_ladders([item for item in items if id(item) not in shown]),
        more_cards=max(0, len(cards) - MOST_CARDS),
    )


def _banner(probe: str, items: Sequence[Item]) -> Markup | None:
    if probe not in NEEDS_SIGHT:
        return None
    head = Markup("{} here is not interpretable: ").format(probe.replace("_", " ").capitalize())
    gains = [item for item in items if item.metric == "visual_gain"]
    if not gains:
        return head + "no baselines were measured, so nobody knows whether the model looks at the image."
    for gain in gains:
        if explained(gain):
            return (
                head
                + Markup("{} ").format(sentence(gain))
                + "Stable answers may only mean that it does not look."
            )
    return None


def _cards(items: Iterable[Item]) -> list[Card]:
    measured = [item for item in items if item.estimate is not None or item.threshold]
    measured.sort(key=lambda item: (_RANK[item.verdict], -miss(item)))
    return [Card(item, sentence(item), fit(item.numbers, item.kind)) for item in measured]


def _panels(curved: Sequence[Item], items: Sequence[Item], everything: Sequence[Item]) -> list[Panel]:
    names = list(dict.fromkeys(str(item.slice["shift"]) for item in curved))
    metric = next(
        (m for m in ("accuracy", "relative_robustness") if any(i.metric == m for i in curved)), None
    )
    if metric is None:
        return []
    drawn = [item for item in curved if item.metric == metric]
    clean = _first(items, lambda item: item.metric == metric and not item.slice)
    best = max(
        (_baseline(item) for item in everything if item.probe == "baselines"), default=None, key=_or_low
    )
    values = [
        value for item in drawn for value in (item.estimate, *(item.interval or ())) if value is not None
    ]
    scale = fit([*values, *[v for v in (clean, best) if v is not None]], wording.metric(metric).kind)
    floor = best if metric == "accuracy" else None
    return [
        _panel(name, [i for i in curved if i.slice["shift"] == name], metric, scale, clean, floor)
        for name in names
    ]


def _or_low(value: float | None) -> float:
    return -1.0 if value is None else value


def _baseline(item: Item) -> float | None:
    """Accuracy of a baseline; None for the model itself and for other metrics."""
    beside = item.slice.get("image") not in (None, "full") or "predictor" in item.slice
    return item.estimate if item.metric == "accuracy" and beside else None


def _panel(
    name: str, items: list[Item], metric: str, scale: Scale, clean: float | None, floor: float | None
) -> Panel:
    points = sorted(
        ((float(i.slice["severity"]), i) for i in items if i.metric == metric), key=lambda p: p[0]
    )
    title = wording.plain(name)
    steps = "; ".join(f"severity {severity:g} {item.value}" for severity, item in points)
    start = f"unshifted {format.quantity(clean, scale.kind)}; " if clean is not None else ""
    summary = f"{wording.metric(metric).title} under {title}: {start}{steps}"
    figure = curve_figure(scale, Curve(points, clean, floor, summary))
    severities = sorted({str(item.slice["severity"]) for item in items})
    caption = f"All that was measured under {title}"
    table = _matrix(caption, "severity", severities, items, lambda item: str(item.slice["severity"]))
    return Panel(title, _worst(items, points), figure, table)


def _worst(items: Sequence[Item], points: Sequence[tuple[float, Item]]) -> str:
    drops = [item for item in items if item.metric == "accuracy_drop" and item.estimate is not None]
    if not drops:
        return points[-1][1].value if points else ""
    worst = max(drops, key=lambda item: item.estimate or 0)
    lost = f"{format.number(abs(worst.estimate or 0), 'points')} pts {worst.ends}"
    if (worst.estimate or 0) <= 0:
        return "no accuracy lost at any severity"
    beyond = "" if (worst.low or 0) > 0 else ", chance may explain it"
    return f"loses up to {lost} (severity {worst.slice['severity']}){beyond}"


def _forests(split: Sequence[Item]) -> list[Ladder]:
    found = []
    for name in dict.fromkeys(str(item.slice["attribute"]) for item in split):
        items = [item for item in split if item.slice["attribute"] == name]
        values = [item for item in items if "value" in item.slice]
        rows = [item for item in values if item.metric == "accuracy"] or values
        keys = list(dict.fromkeys(str(item.slice["value"]) for item in values))
        gap = next((item for item in items if item.metric == "subgroup_gap"), None)
        note = Card(gap, sentence(gap), fit(gap.numbers, gap.kind)) if gap else None
        table = _matrix(
            f"All that was measured by {name}", name, keys, values, lambda i: str(i.slice["value"])
        )
        title = f"{rows[0].title if rows else 'Gap'} by {wording.plain(name)}"
        scale = fit([v for item in rows for v in item.numbers], rows[0].kind if rows else "points")
        labelled = [(wording.plain(item.slice["value"]), item) for item in rows[:MOST_ROWS]]
        found.append(Ladder(title, labelled, scale, note, table, max(0, len(rows) - MOST_ROWS)))
    return found


def _ladders(items: Sequence[Item]) -> list[Ladder]:
    found = []
    for metric in dict.fromkeys(item.metric for item in items):
        rows = [item for item in items if item.metric == metric and item.estimate is not None]
        if not rows:
            continue
        if any("shift" in item.slice for item in rows):
            sign = -1 if rows[0].words.better == "low" else 1
            rows.sort(key=lambda item: sign * (item.estimate or 0))
        scale = fit([v for item in rows for v in item.numbers], rows[0].kind)
        labelled = [(item.where or "all cases", item) for item in rows[:MOST_ROWS]]
        found.append(Ladder(rows[0].title, labelled, scale, left_out=max(0, len(rows) - MOST_ROWS)))
    return found


def _matrix(
    caption: str, corner: str, keys: Sequence[str], items: Sequence[Item], key: Callable[[Item], str]
) -> Matrix:
    metrics = list(dict.fromkeys(item.metric for item in items))
    cells: Mapping[tuple[str, str], Item] = {(key(item), item.metric): item for item in items}
    rows = [(wording.plain(name), [cells.get((name, metric)) for metric in metrics]) for name in keys]
    return Matrix(caption, corner, [wording.metric(name).title for name in metrics], rows)


def _first(items: Iterable[Item], wanted: Callable[[Item], bool]) -> float | None:
    return next((item.estimate for item in items if wanted(item)), None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
