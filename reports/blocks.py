"""The pieces that a section of the page is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from medaudit.reports import wording
from medaudit.reports.items import Item
from medaudit.reports.key import miss
from medaudit.reports.scale import Scale, fit
from medaudit.reports.sentences import sentence

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


def card(item: Item) -> Card:
    """A card for one finding."""
    return Card(item, sentence(item), fit(item.numbers, item.kind))


def cards(items: Iterable[Item]) -> list[Card]:
    """Cards for what was measured or gated: the clearest miss first."""
    kept = [item for item in items if item.estimate is not None or item.threshold]
    kept.sort(key=lambda item: (_RANK[item.verdict], -miss(item)))
    return [card(item) for item in kept]


def matrix(
    caption: str, corner: str, keys: Sequence[str], items: Sequence[Item], key: Callable[[Item], str]
) -> Matrix:
    """Findings as a table; ``key`` gives an item's row."""
    metrics = list(dict.fromkeys(item.metric for item in items))
    cells: Mapping[tuple[str, str], Item] = {(key(item), item.metric): item for item in items}
    rows = [(wording.plain(name), [cells.get((name, metric)) for metric in metrics]) for name in keys]
    return Matrix(caption, corner, [wording.metric(name).title for name in metrics], rows)
