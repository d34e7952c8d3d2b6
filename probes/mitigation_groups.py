"""Groups of cases in both halves: by right answer, and by a region or a column of metadata."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from medaudit.errors import UsageError

if TYPE_CHECKING:
    from medaudit.probes.mitigation_search import Halves, Searched
    from medaudit.probes.spurious_tasks import Codes

#: What each case of a half holds, in words; None where it is unknown.
Values: TypeAlias = tuple[str | None, ...]


def by_region(searched: Searched) -> tuple[Values, Values]:
    """Does each case of the learning and of the held-out half hold a region of the top cluster?"""
    assert searched.top is not None
    held = [searched.holds(searched.top, held_out=held_out) for held_out in (False, True)]
    first, second = (tuple("with the region" if one else "without it" for one in half) for half in held)
    return first, second


def by_column(halves: Halves, name: str) -> tuple[Values, Values]:
    """The values of a column of metadata in both halves, None where a case has none."""
    tasks = (halves.learning, halves.held_out)
    known = sorted({column for task in tasks for case in task.cases for column in case.meta})
    if name not in known:
        raise UsageError.unknown("column of metadata", name, known)
    first, second = (
        tuple(None if (value := case.meta.get(name)) is None else str(value) for case in task.cases)
        for task in tasks
    )
    return first, second


def cells_of(
    halves: Halves, first: Values, second: Values, least: int
) -> tuple[Codes, Codes, tuple[str, ...]]:
    """Groups by right answer and value that hold ``least`` held-out patients or more.

    Codes of the learning cases, of the held-out cases, -1 for no group; and the groups' names.
    """
    rows = [
        [
            None if value is None else f"{task.options[label]}, {value}"
            for label, value in zip(task.labels, values, strict=True)
        ]
        for task, values in ((halves.learning, first), (halves.held_out, second))
    ]
    patients = Counter(name for name, _ in {*zip(rows[1], halves.held_out.groups, strict=True)})
    names = tuple(sorted(name for name, count in patients.items() if name is not None and count >= least))
    code = {name: place for place, name in enumerate(names)}
    learning, held_out = (
        np.asarray([-1 if name is None else code.get(name, -1) for name in row], dtype=np.int64)
        for row in rows
    )
    return learning, held_out, names
