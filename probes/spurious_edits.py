"""Is a cluster of regions the cause? Taken out, beside edits that should not matter; how edits are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.image import keyed_rng
from medaudit.probes.sheet import Sheet, complete
from medaudit.probes.spurious_tasks import chosen
from medaudit.repainting import KINDS, elsewhere, removed

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.image import Image
    from medaudit.probes.arms import Floats
    from medaudit.probes.spurious_regions import Seen
    from medaudit.probes.spurious_tasks import Codes, Mask, Task
    from medaudit.proposals import Box
    from medaudit.regions import Cluster

#: Images edited in each direction, at most.
MOST_EDITED = 200


@dataclass(frozen=True, eq=False)
class Effect:
    """One edit on m images: 1 where the answer changed as the cluster predicts, NaN where none came.

    ``target`` and ``control`` ``(m,)``: the edit of the cluster's region, and of an equal area elsewhere.
    """

    kind: str
    target: Floats
    control: Floats
    estimate: stats.Estimate
    p_value: float
    test: str
    only_target: int
    only_control: int

    @property
    def rates(self) -> tuple[float | None, float | None]:
        """Share changed by the edit, and by its control, over images answered under both."""
        both = complete((self.target, self.control))
        if not both.any():
            return None, None
        return float(self.target[both].mean()), float(self.control[both].mean())


@dataclass(frozen=True, eq=False)
class Trial:
    """One direction. ``effects`` holds one per edit; empty, with the ``reason``, where none could be made."""

    direction: str
    cases: tuple[Case, ...] = ()
    effects: tuple[Effect, ...] = ()
    reason: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def weakest(self) -> Effect | None:
        """The edit with the smallest effect, the least significant of equals."""
        return min(self.effects, key=lambda one: (one.estimate.estimate or 0.0, -one.p_value), default=None)

    @property
    def p_value(self) -> float | None:
        """The largest p of all edits: the claim is that each of them has an effect."""
        known = [one.p_value for one in self.effects]
        if not known or any((one.estimate.estimate or 0.0) <= 0 for one in self.effects):
            return 1.0 if known else None
        return max(known)


def removal(ctx: Context, task: Task, found: Seen, cluster: Cluster, tested: Mask) -> Trial:
    """Do images that the cluster misleads lose the wrong answer when its regions are painted over?

    Images of other classes that hold the cluster and are answered with the class that it helps: by what is
    right they hold no evidence of it, so what removal changes is not the finding's own doing. Each edit is
    compared with the same edit of boxes of the same sides elsewhere in the same image.
    """
    helped = cluster.helped
    misled = others(task, tested, cluster, inside=True) & (task.predicted == helped)
    at = drawn(ctx, task, np.flatnonzero(misled))
    regions = {image: found.boxes_of(image, cluster.members.tolist()) for image in at}
    beside = {image: _beside(ctx, task, image, boxes) for image, boxes in regions.items()}
    placed = [image for image in at if beside[image] is not None]
    facts = {"candidates": int(misled.sum()), "edited": len(placed), "no_room": len(at) - len(placed)}
    if len(placed) < ctx.min_n:
        return Trial(
            "removal", reason=few(len(placed), ctx.min_n, "images that it misleads", facts), facts=facts
        )
    images: dict[tuple[str, bool], list[Image]] = {
        (kind, control): [
            removed(task.images[image], (beside[image] or ()) if control else regions[image], kind)
            for image in placed
        ]
        for kind in KINDS
        for control in (False, True)
    }
    return tried(ctx, task, "removal", placed, images, helped, towards=False, facts=facts)


def others(task: Task, tested: Mask, cluster: Cluster, *, inside: bool) -> Mask:
    """Tested images of other classes that hold the cluster, or that lack it."""
    held = np.isin(np.arange(len(task.cases)), cluster.images)
    return np.asarray(tested & (held == inside) & (task.labels != cluster.helped), dtype=np.bool_)


def drawn(ctx: Context, task: Task, at: Codes) -> list[int]:
    """The images to edit, as many as may be, in an order that owes nothing to that of the cases."""
    return sorted(shuffled(ctx, task, at)[:MOST_EDITED], key=lambda image: task.cases[image].id)


def shuffled(ctx: Context, task: Task, at: Codes) -> list[int]:
    """The images, dealt anew."""
    order = sorted(at.tolist(), key=lambda image: task.cases[image].id)
    rng = keyed_rng(ctx.seed, "spurious edits", task.question, *task.options)
    return [order[place] for place in rng.permutation(len(order)).tolist()]


def _beside(ctx: Context, task: Task, image: int, boxes: list[Box]) -> tuple[Box, ...] | None:
    rng = keyed_rng(ctx.seed, "elsewhere", task.cases[image].id, boxes)
    return elsewhere(task.images[image].size, boxes, boxes, rng)


def tried(
    ctx: Context,
    task: Task,
    direction: str,
    placed: Sequence[int],
    images: dict[tuple[str, bool], list[Image]],
    helped: int | None,
    *,
    towards: bool,
    facts: dict[str, Any],
) -> Trial:
    """Ask every edited image in one go, and compare each edit with its control."""
    cases = tuple(task.cases[image] for image in placed)
    shown = [image for several in images.values() for image in several]
    rows = iter(chosen(ctx, list(cases) * len(images), shown))
    flips = {}
    for key in images:
        answers = np.stack([next(rows) for _ in cases])
        known = ~np.isnan(answers).any(axis=1)
        # An answer that chooses nothing is not the class that the cluster helps.
        is_helped = (answers.argmax(axis=1) == helped) & (answers.sum(axis=1) > 0)
        flips[key] = np.where(known, (is_helped == towards).astype(np.float64), np.nan)
    sheet = Sheet(ctx, "spurious", cases)
    kinds = dict.fromkeys(kind for kind, _ in images)
    effects = tuple(_effect(sheet, kind, flips[kind, False], flips[kind, True]) for kind in kinds)
    return Trial(direction, cases, effects, facts=facts)


def _effect(sheet: Sheet, kind: str, target: Floats, control: Floats) -> Effect:
    both = complete((target, control))
    estimate = sheet.difference(target, control)
    b = int(((target > control) & both).sum())
    c = int(((target < control) & both).sum())
    alone = estimate.groups == estimate.n
    p_value = stats.mcnemar(b, c) if alone or estimate.p_value is None else estimate.p_value
    test = "exact McNemar" if alone else "permutation of signs by group"
    return Effect(kind, target, control, estimate, p_value, test, b, c)


def few(n: int, least: int, what: str, facts: dict[str, Any]) -> str:
    room = f", {facts['no_room']} more without room for the control" if facts.get("no_room") else ""
    return f"{n} {what} could be edited{room}; {least} are needed"
