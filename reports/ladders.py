"""Findings of one metric under one another on one scale: forests by attribute, ladders for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medaudit.reports import wording
from medaudit.reports.blocks import Card, Matrix, card, matrix
from medaudit.reports.items import Item
from medaudit.reports.scale import Scale, fit

MOST_ROWS = 40


@dataclass(frozen=True)
class Ladder:
    """Rows of (label, finding). ``note`` is what they amount to, ``table`` what else was measured."""

    title: str
    rows: list[tuple[str, Item]]
    scale: Scale
    note: Card | None = None
    table: Matrix | None = None
    left_out: int = 0

    @property
    def control(self) -> str:
        """The rows' control in words, with its value where all share it; empty where they differ."""
        names = {item.control_name for _, item in self.rows if item.control_value}
        if len(names) != 1:
            return ""
        return f"{names.pop()} {self.shared}".rstrip()

    @property
    def shared(self) -> str:
        """The value of the control that all rows have in common."""
        values = {item.control_value for _, item in self.rows if item.control_value}
        return values.pop() if len(values) == 1 else ""

    @property
    def drawn(self) -> bool:
        """Whether any control stands on the scale."""
        return any(item.comparable for _, item in self.rows)


def in_forest(item: Item) -> bool:
    """Whether a forest shows it: a value of a column, or the gap between all of them."""
    keys = set(item.slice)
    return keys == {"attribute", "value"} or (keys == {"attribute"} and item.metric == "subgroup_gap")


def forests(items: Sequence[Item]) -> list[Ladder]:
    """One per attribute: accuracy of every value, the gap between them, and the table behind."""
    found = []
    for name in dict.fromkeys(str(item.slice["attribute"]) for item in items):
        mine = [item for item in items if str(item.slice["attribute"]) == name]
        values = [item for item in mine if "value" in item.slice]
        rows = [item for item in values if item.metric == "accuracy"] or values
        gap = next((item for item in mine if item.metric == "subgroup_gap"), None)
        keys = list(dict.fromkeys(str(item.slice["value"]) for item in values))
        caption = f"All that was measured by {wording.plain(name)}"
        table = matrix(caption, wording.plain(name), keys, values, lambda item: str(item.slice["value"]))
        title = f"{rows[0].title if rows else 'Gap'} by {wording.plain(name)}"
        labelled = [(wording.plain(item.slice["value"]), item) for item in rows]
        found.append(ladder(title, labelled, card(gap) if gap else None, table if values else None))
    return found


def ladders(items: Sequence[Item]) -> list[Ladder]:
    """One per metric; shifts stand in order of loss, everything else in order of measurement."""
    found = []
    measured = [item for item in items if item.estimate is not None]
    for metric in dict.fromkeys(item.metric for item in measured):
        rows = [item for item in measured if item.metric == metric]
        if any("shift" in item.slice for item in rows):
            sign = -1 if rows[0].words.better == "low" else 1
            rows.sort(key=lambda item: sign * (item.estimate or 0))
        over = ", all severities together" if all(set(item.slice) == {"shift"} for item in rows) else ""
        found.append(ladder(rows[0].title + over, [(item.where or "all cases", item) for item in rows]))
    return found


def ladder(
    title: str, rows: list[tuple[str, Item]], note: Card | None = None, table: Matrix | None = None
) -> Ladder:
    """Rows under one title on the scale that holds them all; those over ``MOST_ROWS`` are counted."""
    kept = rows[:MOST_ROWS]
    scale = fit([value for _, item in kept for value in item.numbers], kept[0][1].kind if kept else "points")
    return Ladder(title, kept, scale, note, table, len(rows) - len(kept))
