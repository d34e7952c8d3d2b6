"""Metadata columns as real-world splits: which columns are usable, and the label of each case."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from medaudit.errors import UsageError
from medaudit.predicates import says_nothing

if TYPE_CHECKING:
    from medaudit.case import Case, MetaValue

Label = str | int | float | bool

#: More distinct values than this are a number to bin or an identifier to leave alone.
MOST_VALUES = 8

AGE_NAMES = frozenset({"age", "age_years", "patient_age", "patientage"})
AGE_EDGES = ((40.0, "<40"), (60.0, "40-59"), (math.inf, ">=60"))


@dataclass(frozen=True)
class Attribute:
    """One column. ``labels`` is aligned with the cases, None where the value is missing.

    ``edges`` holds the bounds of a binned number and is empty for categories.
    """

    name: str
    labels: tuple[Label | None, ...]
    edges: tuple[float, ...] = ()
    counts: dict[Label, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return sum(label is None for label in self.labels)


def usable(cases: Sequence[Case], named: Sequence[str], min_n: int) -> list[Attribute]:
    """The columns to split by.

    Without names: every column with 2 to 8 values (ages in three bands, other numbers of more values in
    thirds) of which at least one has ``min_n`` cases. Named columns are taken whatever their number of
    values; of a named column with more than 8, values under ``min_n`` are left out.

    Raises :class:`UsageError` for a name that no case has.
    """
    columns = sorted({name for case in cases for name in case.meta})
    for name in named:
        if name not in columns:
            raise UsageError.unknown("attribute", name, columns)
    found = []
    for name in named or columns:
        attribute = _attribute(name, [case.meta.get(name) for case in cases])
        if len(attribute.counts) < 2 or max(attribute.counts.values()) < min_n:
            continue
        if len(attribute.counts) > MOST_VALUES:
            if not named:
                continue
            attribute = _only_large(attribute, min_n)
        found.append(attribute)
    return found


def _only_large(attribute: Attribute, min_n: int) -> Attribute:
    large = {label: n for label, n in attribute.counts.items() if n >= min_n}
    return Attribute(attribute.name, attribute.labels, attribute.edges, large)


def _attribute(name: str, values: Sequence[MetaValue]) -> Attribute:
    known = [None if says_nothing(value) else value for value in values]
    numbers = _numbers(known)
    if numbers is not None and name.casefold() in AGE_NAMES:
        return _counted(name, [_age_band(number) for number in numbers], (40.0, 60.0))
    if numbers is not None and len(set(numbers) - {None}) > MOST_VALUES:
        return _thirds(name, numbers)
    return _counted(name, known)


def _numbers(values: Sequence[MetaValue]) -> list[float | None] | None:
    """The column as numbers (a CSV gives them as texts), or None where a value is no number."""
    numbers: list[float | None] = []
    for value in values:
        if isinstance(value, bool):
            return None
        try:
            numbers.append(None if value is None else float(value))
        except ValueError:
            return None
    return numbers


def _age_band(age: float | None) -> str | None:
    return None if age is None else next(label for edge, label in AGE_EDGES if age < edge)


def _thirds(name: str, numbers: Sequence[float | None]) -> Attribute:
    known = [number for number in numbers if number is not None]
    low, high = (float(edge) for edge in np.quantile(known, (1 / 3, 2 / 3)))
    names = (f"<{low:g}", f"{low:g} to <{high:g}", f">={high:g}")

    def third(number: float) -> str:
        return names[0] if number < low else names[1] if number < high else names[2]

    return _counted(name, [None if n is None else third(n) for n in numbers], (low, high))


def _counted(name: str, labels: Sequence[Label | None], edges: tuple[float, ...] = ()) -> Attribute:
    counts = Counter(label for label in labels if label is not None)
    ordered = dict(sorted(counts.items(), key=lambda item: str(item[0])))
    return Attribute(name, tuple(labels), edges, ordered)
