"""The worst cases that findings point at: pictures on public data, nothing but ids otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from medaudit.reports.items import Item
from medaudit.reports.key import miss
from medaudit.reports.pictures import Pictures, Seen

MOST = 24
CITED = 3


@dataclass(frozen=True)
class Shown:
    """One case: what is ``seen`` of it is empty unless the data is public."""

    id: str
    cited: list[Item]
    seen: Seen


def worst_cases(items: Sequence[Item], pictures: Pictures) -> list[Shown]:
    """Up to 24 cases, taking turns between findings, failed ones first."""
    cited = _cited(items)
    known = pictures.cases
    names = [name for name in cited if name in known] if known else list(cited)
    return [Shown(name, _citing(cited[name]), pictures.of(name)) for name in names[:MOST]]


def _cited(items: Sequence[Item]) -> dict[str, list[Item]]:
    ranked = sorted(items, key=lambda item: (item.verdict != "fail", -miss(item)))
    lists = [(item, item.finding.get("evidence") or []) for item in ranked]
    cited: dict[str, list[Item]] = {}
    for turn in range(MOST):
        for item, names in lists:
            if turn < len(names):
                cited.setdefault(str(names[turn]), []).append(item)
    return cited


def _citing(items: Iterable[Item]) -> list[Item]:
    return list({item.where or item.title: item for item in items}.values())[:CITED]
