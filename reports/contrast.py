"""Real differences between patients beside synthetic shifts: does the one say anything about the other?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from medaudit.reports import wording
from medaudit.reports.items import Item
from medaudit.reports.ladders import Ladder, ladder

METRIC = "relative_robustness"


def contrast(items: Sequence[Item]) -> Ladder | None:
    """Relative robustness under each shift, over its severities, and at the worst value of each column.

    None unless both kinds were measured. Synthetic robustness need not carry over to real differences
    (Kahl et al. 2024, SURE-VQA, arXiv:2411.19688), so the two stand on one scale.
    """
    measured = [item for item in items if item.metric == METRIC and item.estimate is not None]
    synthetic = [item for item in measured if set(item.slice) == {"shift"}]
    real = [*_worst(item for item in measured if set(item.slice) == {"attribute", "value"})]
    real += [item for item in measured if set(item.slice) == {"split"}]
    if not synthetic or not real:
        return None
    rows = [(f"{kind}: {item.where}", item) for kind, item in _rising("real", real)]
    rows += [(f"{kind}: {item.where}", item) for kind, item in _rising("synthetic", synthetic)]
    return ladder(f"{wording.metric(METRIC).title}: real differences beside synthetic shifts", rows)


def _worst(items: Iterable[Item]) -> list[Item]:
    """The least robust value of each column: of two values one is the other turned round."""
    found: dict[str, Item] = {}
    for item in items:
        name = str(item.slice["attribute"])
        if name not in found or (item.estimate or 0) < (found[name].estimate or 0):
            found[name] = item
    return list(found.values())


def _rising(kind: str, items: Iterable[Item]) -> list[tuple[str, Item]]:
    return [(kind, item) for item in sorted(items, key=lambda item: item.estimate or 0)]
