"""Is a cluster of regions the cause? Put into images that lack it, beside the same place of other images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from medaudit.probes.spurious_edits import Trial, drawn, few, others, shuffled, tried
from medaudit.repainting import inserted, rescaled

if TYPE_CHECKING:
    from medaudit.context import Context
    from medaudit.image import Image
    from medaudit.probes.spurious_regions import Seen
    from medaudit.probes.spurious_tasks import Mask, Task
    from medaudit.regions import Cluster

#: Images that lend a patch, one a patient: members nearest to the medoid, and as many for each control.
LENDERS = 5
#: What each control puts in: the same place of an image without the cluster, of a class other than the one
#: that the cluster helps, and of that class.
CONTROLS = ("beside other classes", "beside its own class")
NO_DONOR = (
    "no member of the cluster lies in an image of another class: what would be put in could be the finding "
    "itself"
)

#: An image and one of its regions; -1 where the image lends the place of another's.
Lender: TypeAlias = tuple[int, int]


def insertion(ctx: Context, task: Task, found: Seen, cluster: Cluster, tested: Mask) -> Trial:
    """Do images of other classes get the wrong answer when a region of the cluster is put into them?

    Into images that lack the cluster and are not answered with the class h that it helps, at the place where
    it lay in the donor. Donors are the members nearest to the medoid in images that are not of h either: what
    is put in is no finding. Controls put in the same place of an image that lacks the cluster, as a patch
    from anywhere else can be a mark itself (lung, in a corner). Of other classes: that place differs by the
    cluster. Of h: it covers the same evidence of the image's own class, and holds none of it either.
    """
    lacking = others(task, tested, cluster, inside=False)
    without = tested & ~np.isin(np.arange(len(task.cases)), cluster.images)
    lenders = [_donors(task, found, cluster)] + [
        _of_patients(task, [(image, -1) for image in shuffled(ctx, task, np.flatnonzero(pool))])
        for pool in (lacking, without & (task.labels == cluster.helped))
    ]
    open_to = np.flatnonzero(lacking & (task.predicted != cluster.helped))
    lent = {
        image: [_not_own(task, several, image, turn) for several in lenders]
        for turn, image in enumerate(drawn(ctx, task, open_to))
    }
    placed = {image: [one for one in own if one] for image, own in lent.items() if all(own)}
    facts = {
        "candidates": len(open_to),
        "edited": len(placed),
        "donors": [{"case": task.cases[image].id, "box": list(found.box(at))} for image, at in lenders[0]],
    }
    if not lenders[0]:
        return Trial("insertion", reason=NO_DONOR, facts=facts)
    if len(placed) < ctx.min_n:
        reason = few(len(placed), ctx.min_n, "images that lack it", facts)
        return Trial("insertion", reason=reason, facts=facts)
    images = _edited(task, found, placed)
    return tried(ctx, task, "insertion", list(placed), images, cluster.helped, towards=True, facts=facts)


def _edited(task: Task, found: Seen, placed: dict[int, list[Lender]]) -> dict[tuple[str, bool], list[Image]]:
    """By control and whether it is the control: the image of every case."""
    images: dict[tuple[str, bool], list[Image]] = {
        (kind, control): [] for kind in CONTROLS for control in (False, True)
    }
    for image, (donor, *controls) in placed.items():
        source, box = task.images[donor[0]], found.box(donor[1])
        target = task.images[image]
        place = rescaled(box, source.size, target.size)
        for kind, (other, _) in zip(CONTROLS, controls, strict=True):
            plain = task.images[other]
            there = rescaled(box, source.size, plain.size)
            images[kind, False].append(inserted(target, place, source, box))
            images[kind, True].append(inserted(target, place, plain, there))
    return images


def _donors(task: Task, found: Seen, cluster: Cluster) -> list[Lender]:
    """Members of the cluster, nearest to the medoid first, in images of other classes."""
    of = found.regions.image
    members = [(int(of[region]), region) for region in cluster.members.tolist()]
    return _of_patients(task, [each for each in members if task.labels[each[0]] != cluster.helped])


def _of_patients(task: Task, lenders: Sequence[Lender]) -> list[Lender]:
    """The first few, of one patient each."""
    first: dict[str, Lender] = {}
    for lender in lenders:
        first.setdefault(task.groups[lender[0]], lender)
    return list(first.values())[:LENDERS]


def _not_own(task: Task, lenders: Sequence[Lender], image: int, turn: int) -> Lender | None:
    """Lenders in turn, none of the image's own patient."""
    foreign = [lender for lender in lenders if task.groups[lender[0]] != task.groups[image]]
    return foreign[turn % len(foreign)] if foreign else None
