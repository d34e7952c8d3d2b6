"""One task in two halves: a region is found and tuned away on the one, and judged on the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from medaudit.probes.spurious_regions import seen
from medaudit.regions import discover
from medaudit.regions.halves import first_half
from medaudit.regions.settings import deals_for
from medaudit.stats.clusters import group_codes

if TYPE_CHECKING:
    from medaudit.context import Context
    from medaudit.probes.spurious_regions import Seen
    from medaudit.probes.spurious_tasks import Codes, Mask, Task
    from medaudit.proposals import Proposer
    from medaudit.regions import Cluster, Discovery

# A cluster with a smaller p is no control, though it was not singled out.
_UNSUSPECTED = 0.5


@dataclass(frozen=True, eq=False)
class Halves:
    """``learning``: found and tuned on; ``held_out``: measured on. No patient is in both."""

    learning: Task
    held_out: Task


@dataclass(frozen=True, eq=False)
class Searched:
    """What was found in the learning half, and where it lies in both.

    ``spurious`` are the clusters singled out, ``others`` as many that were not, as frequent: the control.
    """

    halves: Halves
    learning: Seen
    held_out: Seen
    found: Discovery
    spurious: tuple[Cluster, ...]
    others: tuple[Cluster, ...]

    @property
    def top(self) -> Cluster | None:
        """The cluster by which images are parted into groups."""
        return next(iter(self.spurious), None)

    def marks(self, clusters: Sequence[Cluster]) -> Mask:
        """Which regions of the learning half lie in one of the clusters, ``(R,)``."""
        marked = np.zeros(len(self.learning.regions.image), dtype=np.bool_)
        for cluster in clusters:
            marked[cluster.members] = True
        return marked

    def holds(self, cluster: Cluster, *, held_out: bool) -> Mask:
        """Which images of a half hold a region of the cluster, ``(n,)``: nearest to its medoid of all."""
        half = self.held_out if held_out else self.learning
        medoids = {each.name: each.medoid for each in self.found.clusters if each.medoid is not None}
        centres = self.learning.regions.vectors[list(medoids.values())]
        nearest = (half.regions.vectors @ centres.T).argmax(axis=1)
        own = nearest == list(medoids).index(cluster.name)
        holding = np.zeros(half.regions.n, dtype=np.bool_)
        holding[half.regions.image[own]] = True
        return holding


def halved(task: Task, seed: int) -> Halves:
    """The task's patients in two halves, alike in their right answers."""
    first = first_half(task.labels, group_codes(task.groups)[0], seed)
    return Halves(_part(task, np.flatnonzero(first)), _part(task, np.flatnonzero(~first)))


def search(ctx: Context, halves: Halves, propose: Proposer, vectors: str, alpha: float) -> Searched | str:
    """Find spurious regions in the learning half, and place the other half's; or why that cannot be done."""
    parts = []
    for half in (halves.learning, halves.held_out):
        boxes = [propose(case) for case in half.cases]
        part = seen(ctx, half, boxes, vectors=vectors, mode="ours", covariates=False) if any(boxes) else None
        if part is None:
            return "no part of any image is proposed that the model looks at"
        parts.append(part)
    found = discover(
        parts[0].regions,
        resamples=deals_for(alpha),
        alpha=alpha,
        min_count=ctx.min_n,
        seed=ctx.seed,
    )
    spurious = tuple(each for each in found.found if each.medoid is not None)
    return Searched(halves, parts[0], parts[1], found, spurious, _others(found, spurious))


def _others(found: Discovery, spurious: Sequence[Cluster]) -> tuple[Cluster, ...]:
    """For each cluster found, the one not singled out that is in about as many images."""
    free = [each for each in found.clusters if each.medoid is not None and not each.kept]
    plain = [each for each in free if each.test is not None and each.test.p_max_t > _UNSUSPECTED] or free
    chosen = []
    for cluster in spurious:
        if plain:
            best = min(plain, key=lambda each: abs(math.log(len(each.images) / len(cluster.images))))
            chosen.append(best)
            plain = [each for each in plain if each is not best]
    return tuple(chosen)


def _part(task: Task, at: Codes) -> Task:
    cases = tuple(task.cases[place] for place in at)
    return replace(task, cases=cases, labels=task.labels[at], scores=task.scores[at])
