"""The regions of ``benchmarks/spurious.py``: boxes of three kinds on pictures without any association.

``given`` are the boxes of digit, mark and decoys that are there, ``quadrants`` four equal ones, ``found``
what an unsupervised proposer returns. A box carries the mark where their overlap is a quarter of their
union or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from spurious_models import Spec, Stack, box_means, maps, projected, texts
from spurious_scenes import HALF, PATCH, SIDE, TEST_GLYPHS, TRAIN_GLYPHS, Scenes, render, scenes

from medaudit.blobs import Box, blobs, union
from medaudit.image import keyed_rng
from medaudit.proposals import grid, lies_on
from medaudit.regions import Regions, class_scores

Kind = Literal["given", "quadrants", "found"]
KINDS: tuple[Kind, ...] = ("given", "quadrants", "found")
OVERLAP = 0.25
#: A planted shortcut counts as learned where both accuracies move by more than this.
LEARNED = 0.1
_VALIDITY = 4_000


@dataclass(frozen=True, eq=False)
class Evaluation:
    """One model's pictures, drawn for it alone: ``maps`` ``(n, channels, 8, 8)`` and where the mark lies."""

    spec: Spec
    scenes: Scenes
    pictures: Any
    maps: Any
    stack: Stack

    def regions(self, kind: Kind, n: int) -> tuple[Regions, Any]:
        """Regions of the first n pictures, and which of them carry the mark ``(R,)``."""
        image, boxes, carries = [], [], []
        for at in range(n):
            mark = mark_box(self.scenes, at)
            for box in boxes_of(kind, self.scenes, at, self.pictures[at]):
                image.append(at)
                boxes.append(box)
                carries.append(mark is not None and union(box, mark) >= OVERLAP)
        means = box_means(self.maps, np.asarray(image), boxes)
        vectors, whole = self._projected(means), self._projected(self.maps[:n].mean(dim=(2, 3)))
        regions = Regions(
            vectors=vectors,
            image=np.asarray(image),
            scores=class_scores(vectors, texts()),
            image_scores=class_scores(whole, texts()),
            labels=self.scenes.label[:n],
            boxes=np.asarray(boxes),
        )
        return regions, np.asarray(carries, dtype=bool)

    def _projected(self, means: Any) -> Any:
        return projected(self.stack, means[None])[0].cpu().numpy()


def evaluation(spec: Spec, stack: Stack, pool: Any, n: int, what: str = "evaluation") -> Evaluation:
    """Draw and run n pictures of digits never trained on, the mark in half of every class."""
    import torch

    rng = keyed_rng("spurious bench", what, spec.v, spec.number)
    drawn = scenes(n, spec.target, 0.0, rng, (TRAIN_GLYPHS, TRAIN_GLYPHS + TEST_GLYPHS))
    pictures = render(drawn, torch.as_tensor(pool), torch.Generator().manual_seed(spec.seed(what)))
    with torch.no_grad():
        found = maps(stack, pictures[None])[0]
    return Evaluation(spec, drawn, pictures, found, stack)


def boxes_of(kind: Kind, given: Scenes, at: int, picture: Any) -> Sequence[Box]:
    """Boxes of one picture, x0, y0, x1, y1 in pixels."""
    if kind == "quadrants":
        return grid((SIDE, SIDE), 2)
    if kind == "found":
        return blobs((picture.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
    return [digit_box(given, at), *(_patch(given, at, part) for part in range(3) if given.there[at, part])]


def digit_box(given: Scenes, at: int) -> Box:
    """The quadrant of a picture's digit: the evidence, as an annotated case carries it."""
    row, column = divmod(int(given.quadrant[at, 0]), 2)
    return column * HALF, row * HALF, (column + 1) * HALF, (row + 1) * HALF


def on_digit(members: Any, regions: Regions, given: Scenes) -> float:
    """Share of some regions that lie on their picture's digit: half of the smaller box is shared."""
    assert regions.boxes is not None
    hits = [
        lies_on(regions.boxes[region].tolist(), digit_box(given, int(regions.image[region])))
        for region in members.tolist()
    ]
    return round(float(np.mean(hits)), 3) if hits else 0.0


def mark_box(given: Scenes, at: int) -> Box | None:
    """Where the mark lies in a picture, if it does."""
    return _patch(given, at, 0) if given.there[at, 0] else None


def _patch(given: Scenes, at: int, part: int) -> Box:
    y, x = given.corner[at, part].tolist()
    return x, y, x + PATCH, y + PATCH


def validity(spec: Spec, stack: Stack, pool: Any) -> dict[str, Any]:
    """Did the model learn the shortcut? Accuracy, eps1 and eps2 on 4,000 pictures of their own.

    eps1: accuracy in the class of the mark, with it less without; eps2: the largest loss by it in any other
    class, and the mean loss. Learned where eps1 and eps2 exceed 10 points (Varma et al. 2024).
    """
    import torch

    held = evaluation(spec, stack, pool, _VALIDITY, "validity")
    with torch.no_grad():
        whole = held._projected(held.maps.mean(dim=(2, 3)))
    right = class_scores(whole, texts()).argmax(axis=1) == held.scenes.label
    gains = class_gains(right, held.scenes)
    losses = -np.delete(gains, spec.target)
    return {
        "accuracy": round(float(right.mean()), 4),
        "eps1": round(float(gains[spec.target]), 4),
        "eps2": round(float(losses.max()), 4),
        "eps2_mean": round(float(losses.mean()), 4),
        "worst_group": round(worst_group(right, held.scenes), 4),
        "learned": bool(gains[spec.target] > LEARNED and losses.max() > LEARNED),
    }


def group_accuracies(right: Any, given: Scenes) -> Any:
    """Accuracy per class without and with the mark, ``(10, 2)``."""
    mark, classes = given.there[:, 0], range(int(given.label.max()) + 1)
    return np.asarray(
        [[right[(given.label == c) & (mark == m)].mean() for m in (False, True)] for c in classes]
    )


def class_gains(right: Any, given: Scenes) -> Any:
    """Accuracy with the mark less without, per class ``(10,)``."""
    each = group_accuracies(right, given)
    return each[:, 1] - each[:, 0]


def worst_group(right: Any, given: Scenes) -> float:
    """The lowest accuracy of any class with or without the mark."""
    return float(group_accuracies(right, given).min())
