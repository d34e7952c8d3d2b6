"""Which five findings stand at the top, by a fixed rule that is printed with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from medaudit.reports.items import Item
from medaudit.reports.sentences import shown_to_beat

MOST = 5
#: What a coin gives: pairs are confused where the whole interval lies above.
COIN = 0.5
_STEPS = ("gap", "influence", "mined_pairs")

RULE = (
    "Chosen by rule, not by hand: a visual gain that does not, or is not shown to, beat the baselines; "
    "failed gates, the clearest miss first, one per shift, attribute or question, then what was found and "
    "confirmed without a gate; the visual gain; the largest accuracy loss beyond the noise floor; "
    "the largest subgroup gap beyond chance; the pairs that are most surely confused; undecided gates; "
    "what could not be measured; gates that were met; then what else was measured, in order."
)


def key_findings(items: Sequence[Item]) -> list[Item]:
    """At most five items by :data:`RULE`; never two of one probe, metric and shift or attribute."""
    chosen: dict[tuple[str, ...], Item] = {}
    for stage in _STAGES:
        for item in stage(items):
            chosen.setdefault(_topic(item), item)
            if len(chosen) == MOST:
                return list(chosen.values())
    return list(chosen.values())


def _topic(item: Item) -> tuple[str, ...]:
    about = item.slice.get("shift") or item.slice.get("attribute") or item.slice.get("type")
    about = about or item.slice.get("question") or ""
    # A gate on a drop and one on a ratio of the same shift tell one story.
    metric = "" if about else item.metric
    return (item.probe, metric, str(about))


def _measured(items: Iterable[Item], metric: str) -> list[Item]:
    return [item for item in items if item.metric == metric and item.estimate is not None]


def _beaten(items: Sequence[Item]) -> list[Item]:
    return [item for item in _measured(items, "visual_gain") if not shown_to_beat(item)]


def _failed(items: Sequence[Item]) -> list[Item]:
    failed = [item for item in items if item.verdict == "fail"]
    return sorted(failed, key=miss, reverse=True)


def miss(item: Item) -> float:
    """Distance from the threshold in half-widths of the interval: how clear the miss is."""
    if item.estimate is None or item.threshold is None or not item.interval:
        return 0.0
    half = (item.interval[1] - item.interval[0]) / 2
    return min(abs(item.estimate - float(item.threshold["value"])) / max(half, 1e-9), 1e6)


def _gain(items: Sequence[Item]) -> list[Item]:
    return _measured(items, "visual_gain")


def _loss(items: Sequence[Item]) -> list[Item]:
    drops = [item for item in _measured(items, "accuracy_drop") if "shift" in item.slice]
    beyond = [item for item in drops if item.low is not None and item.low > _floor(item)]
    return sorted(beyond or drops, key=_size, reverse=True)[:1]


def _floor(item: Item) -> float:
    return max(0.0, (item.control or {}).get("estimate") or 0.0)


def _size(item: Item) -> float:
    return item.estimate or 0.0


def _gap(items: Sequence[Item]) -> list[Item]:
    # The interval of a gap starts at its excess over chance already.
    beyond = [item for item in _measured(items, "subgroup_gap") if item.low is not None and item.low > 0]
    return sorted(beyond, key=_size, reverse=True)[:1]


def is_confused(item: Item) -> bool:
    """Whether one answer to both of a pair comes more often than from a coin, with the whole interval."""
    return item.metric == "confusion" and item.low is not None and item.low > COIN


def _confused(items: Sequence[Item]) -> list[Item]:
    found = [item for item in items if is_confused(item) and item.slice.keys() & {"attribute", "category"}]
    return sorted(found, key=lambda item: item.low or 0.0, reverse=True)[:1]


def _undecided(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if item.verdict == "inconclusive" and item.threshold is not None]


def _broken(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if item.verdict == "error"]


def _met(items: Sequence[Item]) -> list[Item]:
    return [item for item in items if item.verdict == "pass"]


def _rest(items: Sequence[Item]) -> list[Item]:
    # Steps of a search are no results: its shortcut is.
    measured = [item for item in items if item.estimate is not None and item.metric not in _STEPS]
    return sorted(measured, key=lambda item: (bool(item.slice), item.probe == "baselines"))


_STAGES: tuple[Callable[[Sequence[Item]], list[Item]], ...] = (
    _beaten,
    _failed,
    _gain,
    _loss,
    _gap,
    _confused,
    _undecided,
    _broken,
    _met,
    _rest,
)
