"""From a task's images to regions: boxes, what the model makes of each, and what is known of whole images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medaudit.crops import cropped
from medaudit.errors import NotApplicableError
from medaudit.models.class_vectors import class_vectors
from medaudit.probes.attributes import usable
from medaudit.probes.spurious_tasks import choosing, chosen
from medaudit.proposals import grid
from medaudit.regions import Regions, class_scores
from medaudit.repainting import kept_alone

if TYPE_CHECKING:
    from medaudit.context import Context
    from medaudit.probes.arms import Floats
    from medaudit.probes.spurious_tasks import Codes, Task
    from medaudit.proposals import Box
    from medaudit.regions.distances import Vectors
    from medaudit.regions.outputs import Mode

# A vector shorter than this is all of its image: nothing of its own is left.
_NOTHING = 1e-3
# Sides of the grid that an image's own ground is read from.
_GROUND = 4


@dataclass(frozen=True, eq=False)
class Seen:
    """A task's regions, and how they came about: ``vectors`` and ``scores`` in words, regions left out."""

    regions: Regions
    vectors: str
    scores: str
    asked: int
    unseen: int

    def boxes_of(self, image: int, members: Sequence[int] | None = None) -> list[Box]:
        """Boxes of an image, of some of its regions alone where ``members`` are given."""
        at = np.flatnonzero(self.regions.image == image)
        kept = at if members is None else at[np.isin(at, members)]
        return [self.box(int(region)) for region in kept]

    def box(self, region: int) -> Box:
        assert self.regions.boxes is not None
        x0, y0, x1, y1 = self.regions.boxes[region].tolist()
        return x0, y0, x1, y1


def seen(
    ctx: Context,
    task: Task,
    boxes: Sequence[Sequence[Box]],
    *,
    vectors: str,
    mode: Mode,
    covariates: bool,
) -> Seen | None:
    """Embed and score the regions of a task; None where the model looks at none of them.

    In mode ``ours`` a region's vector is freed of its image's: see `_local`. Scores are needed for the votes
    of wrong answers alone, so only the regions of wrongly answered images are asked; the others are even.
    """
    image = np.repeat(np.arange(len(task.cases)), [len(several) for several in boxes])
    flat = np.asarray([box for several in boxes for box in several], dtype=np.int64)
    rows, said = _vectors(ctx, task, boxes, vectors, mode)
    lengths = np.linalg.norm(rows, axis=1)
    kept = np.flatnonzero(np.isfinite(lengths) & (lengths > _NOTHING))
    if not len(kept):
        return None
    unseen = len(rows) - len(kept)
    rows, image, flat = rows[kept], image[kept], flat[kept]
    scores, how, asked = _scores(ctx, task, image, flat, vectors, rows if mode == "faithful" else None)
    regions = Regions(
        vectors=rows,
        image=image,
        scores=scores,
        image_scores=task.scores,
        labels=task.labels,
        groups=task.groups,
        boxes=flat,
        covariates=_covariates(ctx, task) if covariates else {},
        class_names=task.options,
    )
    return Seen(regions, said, how, asked, unseen)


def _vectors(
    ctx: Context, task: Task, boxes: Sequence[Sequence[Box]], vectors: str, mode: Mode
) -> tuple[Vectors, str]:
    if vectors == "grid":
        # RaVL clusters in the space of the texts; the tower's own space says more of what is seen.
        for where in ("", "tower") if mode == "faithful" else ("tower", ""):
            try:
                rows = _on_grid(ctx, task, boxes, where, local=mode == "ours")
            except NotApplicableError as error:
                reason = str(error)
                continue
            if np.isfinite(rows).any():
                place = "the vision tower" if where else "the model's own embedding"
                freed = ", less the image's median" if mode == "ours" else ""
                return rows, f"mean tokens of each box at {place}{freed}"
            reason = "no box of any image could be read off the vision grid"
        return _of_crops(ctx, task, boxes), f"crops, because {reason}"
    return _of_crops(ctx, task, boxes), "crops"


def _on_grid(ctx: Context, task: Task, boxes: Sequence[Sequence[Box]], where: str, *, local: bool) -> Vectors:
    ground = [grid(image.size, _GROUND) if local else () for image in task.images]
    asked = [[*own, *several] for own, several in zip(ground, boxes, strict=True)]
    found = ctx.embed(task.images, where=where, boxes=asked)
    if local:
        found = [_local(rows[len(own) :], rows[: len(own)]) for own, rows in zip(ground, found, strict=True)]
    width = max(rows.shape[1] for rows in found)
    known = [rows if rows.shape[1] == width else np.full((len(rows), width), np.nan) for rows in found]
    return np.asarray(np.concatenate(known), dtype=np.float32)


def _local(rows: Vectors, ground: Vectors) -> Vectors:
    """What a region has of its own: ``v - median over a 4 x 4 grid of the same image``, by coordinate.

    Attention has given every token a share of the whole picture. With it clusters are kinds of images, and a
    small mark is lost in them. A median, not a mean: what lies in one part is not taken off all the others,
    which would then tell of it as well.
    """
    known = ground[np.isfinite(ground).all(axis=1)]
    return rows - np.median(known, axis=0).astype(np.float32) if len(known) else rows


def _of_crops(ctx: Context, task: Task, boxes: Sequence[Sequence[Box]]) -> Vectors:
    return ctx.embed(
        [cropped(image, box) for image, several in zip(task.images, boxes, strict=True) for box in several]
    )


def _scores(
    ctx: Context, task: Task, image: Codes, boxes: Codes, vectors: str, joint: Vectors | None
) -> tuple[Floats, str, int]:
    """Class scores ``(R, Y)``, how they were made, and how many regions were asked."""
    scores = np.full((len(image), len(task.options)), 1 / len(task.options))
    wrong = np.flatnonzero(~task.correct[image])
    if not len(wrong):
        return scores, "no wrong answer", 0
    if ctx.model.kind == "contrastive":
        rows = _joint(ctx, task, image, boxes, vectors, wrong) if joint is None else joint[wrong]
        texts = class_vectors(ctx, _prompt(ctx, task), task.options)
        known = np.isfinite(rows).all(axis=1)
        scores[wrong[known]] = class_scores(rows[known], texts)
        return scores, "softmax of the cosine with each option's text, over 0.07", len(wrong)
    shown = [kept_alone(task.images[image[at]], tuple(boxes[at].tolist())) for at in wrong]
    rows = np.stack(chosen(ctx, [task.cases[image[at]] for at in wrong], shown))
    said = np.isfinite(rows).all(axis=1) & (rows.sum(axis=1) > 0)
    scores[wrong[said]] = rows[said]
    return scores, "the model's answer to the region alone, on the image's mean colour", len(wrong)


def _joint(ctx: Context, task: Task, image: Codes, boxes: Codes, vectors: str, wrong: Codes) -> Vectors:
    """Vectors of the wrong images' regions in the space of the texts."""
    by_image: dict[int, list[Box]] = defaultdict(list)
    for at in wrong:
        by_image[int(image[at])].append(tuple(boxes[at].tolist()))
    images, several = [task.images[at] for at in by_image], list(by_image.values())
    if vectors == "grid":
        try:
            return np.concatenate(ctx.embed(images, boxes=several))
        except NotApplicableError:
            pass  # crops stand in, as they do for the vectors
    return ctx.embed([cropped(one, box) for one, own in zip(images, several, strict=True) for box in own])


def _prompt(ctx: Context, task: Task) -> str:
    return choosing(ctx).request(task.cases[0]).prompt


def _covariates(ctx: Context, task: Task) -> dict[str, list[Hashable | None]]:
    """Brightness, size, and the metadata columns that have values to compare."""
    columns: dict[str, list[Hashable | None]] = {
        "brightness": [float(image.pixels().mean()) for image in task.images],
        "image size": [image.size[0] * image.size[1] for image in task.images],
    }
    for attribute in usable(task.cases, (), ctx.min_n):
        columns[attribute.name] = list(attribute.labels)
    return {name: column for name, column in columns.items() if len(set(column) - {None}) > 1}
