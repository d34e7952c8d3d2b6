"""The model as it is, tuned, and tuned away from regions: the held-out half answered by each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.mitigation import Lesson, Recipe
from medaudit.probes.spurious_tasks import choosing, chosen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medaudit.context import Context
    from medaudit.probes.arms import Floats
    from medaudit.probes.mitigation_search import Searched
    from medaudit.probes.spurious_tasks import Codes, Task
    from medaudit.regions import Cluster

#: How a copy was tuned, in the order of findings: not at all, on the same lessons without the region term,
#: away from the regions found, away from as many others.
TUNINGS = ("none", "plain", "region", "other_region")


@dataclass(frozen=True)
class Settings:
    """What a recipe leaves open; see :class:`medaudit.mitigation.Recipe`."""

    lam: float
    steps: int
    batch: int
    rank: int
    learning_rate: float


@dataclass(frozen=True, eq=False)
class Trial:
    """One task after tuning.

    ``correct`` holds, by tuning, 1 where the held-out case is answered right, NaN where no answer came,
    ``(n,)``; ``learning`` which cases of the other half the untuned model answered right. ``cells`` and
    ``learning_cells`` number groups of cases by right answer and attribute, -1 where the group is too
    small or the attribute unknown; ``names`` are those groups.
    """

    correct: Mapping[str, Floats]
    learning: Floats
    cells: Codes
    learning_cells: Codes
    names: tuple[str, ...]
    reports: Mapping[str, Mapping[str, Any]]

    @property
    def named(self) -> int | None:
        """The group that is worst in the learning half: named before the other half is looked at."""
        present = [
            cell for cell in np.unique(self.cells[self.cells >= 0]) if (self.learning_cells == cell).any()
        ]
        shares = {int(cell): float(self.learning[self.learning_cells == cell].mean()) for cell in present}
        return min(shares, key=lambda cell: (shares[cell], cell), default=None)


def tried(ctx: Context, searched: Searched, settings: Settings) -> tuple[dict[str, Floats], dict[str, Any]]:
    """Tune the copies and ask each of them every held-out case: what was right, and what was done."""
    halves = searched.halves
    correct: dict[str, Floats] = {"none": halves.held_out.correct.astype(np.float64)}
    reports: dict[str, Any] = {}
    for name, recipe in recipes(ctx, searched, settings).items():
        tuned, copy = ctx.tuned(recipe)
        correct[name] = right(halves.held_out, chosen(tuned, halves.held_out.cases))
        reports[name] = copy.report()
    return correct, reports


def recipes(ctx: Context, searched: Searched, settings: Settings) -> dict[str, Recipe]:
    """The same lessons and draws throughout; what differs is the region term and which regions it marks."""
    arms: dict[str, tuple[float, Sequence[Cluster]]] = {
        "plain": (1.0, ()),
        "region": (settings.lam, searched.spurious),
    }
    if searched.others:
        arms["other_region"] = (settings.lam, searched.others)
    task = searched.halves.learning
    return {
        name: Recipe(
            prompt=choosing(ctx).request(task.cases[0]).prompt,
            options=task.options,
            lessons=_lessons(searched, clusters),
            lam=lam,
            steps=settings.steps,
            batch=settings.batch,
            rank=settings.rank,
            learning_rate=settings.learning_rate,
            seed=ctx.seed,
        )
        for name, (lam, clusters) in arms.items()
    }


def _lessons(searched: Searched, clusters: Sequence[Cluster]) -> tuple[Lesson, ...]:
    task, regions = searched.halves.learning, searched.learning.regions
    marks = searched.marks(clusters)
    return tuple(
        Lesson(
            case.images[0],
            int(label),
            tuple(searched.learning.boxes_of(place)),
            tuple(bool(mark) for mark in marks[np.flatnonzero(regions.image == place)]),
        )
        for place, (case, label) in enumerate(zip(task.cases, task.labels, strict=True))
    )


def right(task: Task, rows: Sequence[Floats]) -> Floats:
    scores = np.stack(list(rows))
    silent = np.isnan(scores).any(axis=1)
    right = np.where(silent, 0, np.nan_to_num(scores).argmax(axis=1)) == task.labels
    return np.where(silent, np.nan, right.astype(np.float64))
