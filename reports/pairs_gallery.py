"""The probe ``confusion`` on the page: what it cannot tell apart, and such pairs side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from medaudit.reports import format, loose, wording
from medaudit.reports.items import Item
from medaudit.reports.key import is_confused
from medaudit.reports.ladders import Ladder, ladder
from medaudit.reports.pictures import Pictures
from medaudit.reports.sentences import cannot_tell, sentence

#: Values of a column with a block of their own, and pairs shown of each.
MOST_BLOCKS, MOST_PAIRS = 12, 4
NO_OPTION = "no option"
ALL = "All pairs"


@dataclass(frozen=True)
class Side:
    """One picture of a pair, the right answer and the one given; empty words where they are not known."""

    case: str
    picture: str
    right: str
    given: str

    @property
    def wrong(self) -> bool:
        return self.given != self.right


@dataclass(frozen=True)
class PairShown:
    """A question put to two pictures."""

    question: str
    sides: tuple[Side, Side]


@dataclass(frozen=True)
class PairBlock:
    """One value of a column, or all pairs: the rate of each mode beside its control, and confused pairs."""

    title: str
    sentence: Markup
    css: str
    rates: Ladder
    controls: str
    pairs: list[PairShown]
    mode: str


@dataclass(frozen=True)
class Pairs:
    """``blocks``: what it cannot tell apart, then all pairs; ``told`` counts the values that it can."""

    blocks: list[PairBlock]
    told: int
    left_out: int
    kept_out: str
    shown: frozenset[int]


def pairs(items: Sequence[Item], pictures: Pictures) -> Pairs | None:
    """Blocks of what is confused; None where no confusion was measured."""
    measured = [item for item in items if item.metric == "confusion" and item.estimate is not None]
    groups: dict[tuple[str, str], list[Item]] = {}
    for item in measured:
        key = _about(item)
        if key is not None:
            groups.setdefault(key, []).append(item)
    if not groups:
        return None
    named = [key for key in groups if key[0]]
    confused = [key for key in named if any(map(is_confused, groups[key]))]
    confused.sort(key=lambda key: -max(item.low or 0.0 for item in groups[key]))
    kept = confused[:MOST_BLOCKS] + [key for key in groups if not key[0]]
    blocks = [_block(key, groups[key], items, pictures, alone=not confused or bool(key[0])) for key in kept]
    examples = any(_examples(item) for key in kept for item in groups[key])
    return Pairs(
        blocks=blocks,
        told=len(named) - len(confused),
        left_out=len(confused) - len(confused[:MOST_BLOCKS]),
        kept_out=pictures.absent if examples and not any(block.pairs for block in blocks) else "",
        shown=frozenset(id(item) for key in kept for item in groups[key]),
    )


def _about(item: Item) -> tuple[str, str] | None:
    """(column, value), empty for all pairs; None for what has its place elsewhere (doses)."""
    keys = [key for key in item.slice if key != "mode"]
    if not keys:
        return ("", "")
    if len(keys) > 1 or keys[0] in ("likeness", "column", "image", "order"):
        return None
    return (keys[0], str(item.slice[keys[0]]))


def _block(
    key: tuple[str, str], rows: Sequence[Item], items: Sequence[Item], pictures: Pictures, *, alone: bool
) -> PairBlock:
    first = max(rows, key=lambda item: (is_confused(item), bool(_examples(item))))
    title = f"{wording.plain(key[0])}: {loose.text(key[1])}" if key[0] else ALL
    return PairBlock(
        title=title[:1].upper() + title[1:],
        sentence=cannot_tell(first) or sentence(first),
        css="open" if is_confused(first) else "meas",
        rates=ladder(title, [(str(item.slice.get("mode", "all")), item) for item in rows]),
        controls=_excess(first, items) if not key[0] else "",
        pairs=_shown(_examples(first), pictures) if alone else [],
        mode=loose.text(str(first.slice.get("mode", ""))),
    )


def _excess(item: Item, items: Iterable[Item]) -> str:
    """Confusion beyond matched controls in the same mode, where there are any."""
    same = {other.metric: other for other in items if other.slice == item.slice}
    excess, control = same.get("confusion_excess"), same.get("control_confusion")
    if excess is None or excess.estimate is None:
        return ""
    beside = f"; controls {control.value} {control.ends}, n {control.n}" if control else ""
    return f"{excess.value} {excess.ends} more than matched controls{beside}"


def _examples(item: Item) -> list[Mapping[str, Any]]:
    return loose.rows(loose.mapping(item.finding.get("data")).get("examples"), 100)


def _shown(examples: Sequence[Mapping[str, Any]], pictures: Pictures) -> list[PairShown]:
    found = [shown for row in examples if (shown := _pair(row, pictures)) is not None]
    return found[:MOST_PAIRS]


def _pair(row: Mapping[str, Any], pictures: Pictures) -> PairShown | None:
    """A pair both of whose pictures are there."""
    parts = [row.get(name) for name in ("cases", "right", "given")]
    if not all(isinstance(part, list) and len(part) == 2 for part in parts):
        return None
    cases, right, given = (list(part or ()) for part in parts)
    seen = [pictures.of(str(case)) for case in cases]
    if not all(one.picture for one in seen):
        return None
    # Options are numbered as the first of the two gives them.
    options = seen[0].options
    first, second = (
        Side(loose.text(name), one.picture, _option(options, truth), _option(options, said))
        for name, one, truth, said in zip(cases, seen, right, given, strict=True)
    )
    return PairShown(seen[0].question, (first, second))


def _option(options: Sequence[str], number: Any) -> str:
    at = loose.count(number)
    if at is None:
        return NO_OPTION
    return options[at] if at < len(options) else f"option {format.count(at + 1)}"
