"""Which cases are held against which: a value against the other values, a split against its other side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.errors import UsageError
from medaudit.predicates import check, parse_split

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.predicates import Declared
    from medaudit.probes.attributes import Attribute
    from medaudit.probes.sheet import Mask


@dataclass(frozen=True, eq=False)
class Contrast:
    """``inside`` against ``rest``, both (n,) bool; cases on neither side are in neither.

    ``name`` is the column or the split, ``where`` the slice of its findings, ``values`` how many values the
    column has (2 for a split), ``data`` what its findings tell about the cases left out.
    """

    name: str
    where: dict[str, Any]
    inside: Mask
    rest: Mask
    values: int = 2
    data: dict[str, Any] = field(default_factory=dict)


def by_value(attribute: Attribute) -> list[Contrast]:
    """One contrast per value of a column: its cases against those of every other known value."""
    known = np.asarray([label is not None for label in attribute.labels])
    data: dict[str, Any] = {"missing": attribute.missing}
    if attribute.edges:
        data["edges"] = list(attribute.edges)
    found = []
    for value in attribute.counts:
        inside = np.asarray([label == value for label in attribute.labels])
        where = {"attribute": attribute.name, "value": value}
        found.append(
            Contrast(attribute.name, where, inside, known & ~inside, len(attribute.counts), dict(data))
        )
    return found


def by_split(cases: Sequence[Case], texts: Iterable[str]) -> list[Contrast]:
    """One contrast per declared split, named by its canonical text; the same split twice counts once.

    Raises :class:`UsageError` for a text that cannot be read, or a column that no case has.
    """
    listed = tuple(texts)
    for text in listed:
        if not isinstance(text, str):
            raise UsageError(f'splits: {text!r} is no text; write for example ["view == AP"].')
    declared = dict.fromkeys(map(parse_split, listed))
    return [_of(cases, split) for split in declared]


def _of(cases: Sequence[Case], split: Declared) -> Contrast:
    check(split, cases)
    sides = [split.side(case) for case in cases]
    inside = np.asarray([side is True for side in sides], dtype=bool)
    rest = np.asarray([side is False for side in sides], dtype=bool)
    return Contrast(
        str(split), {"split": str(split)}, inside, rest, data={"missing": sum(s is None for s in sides)}
    )
