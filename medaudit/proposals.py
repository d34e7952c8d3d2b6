"""Which parts of an image are looked at: an equal grid, the boxes that cases carry, or what stands out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from medaudit.blobs import blobs
from medaudit.errors import UsageError

if TYPE_CHECKING:
    from medaudit.case import Case

Box: TypeAlias = tuple[int, int, int, int]
Proposer: TypeAlias = "Callable[[Case], tuple[Box, ...]]"

#: What `proposer` takes; another number may stand behind ``grid:``.
LEGAL = ("grid:4", "quadrants", "given", "found")
FINEST_GRID = 32
# Pixels. Smaller boxes hold nothing that a model could see.
_SMALLEST = 2


def proposer(regions: str) -> Proposer:
    """From the name of a proposal to a function that gives the boxes of a case's first image.

    ``grid:G`` cuts the image into G x G equal boxes, ``quadrants`` into four; ``given`` takes the boxes that
    the case carries, ``found`` those of `blobs`. Boxes are x0, y0, x1, y1 in pixels, half-open, within the
    image, each once. UsageError for any other name.
    """
    match = re.fullmatch(r"grid:(\d{1,3})", regions)
    if match and 1 <= int(match.group(1)) <= FINEST_GRID:
        return _gridded(int(match.group(1)))
    if match:
        raise UsageError(
            f"regions = {regions!r} given; a grid has 1 to {FINEST_GRID} boxes a side: 'grid:4'."
        )
    known: dict[str, Proposer] = {"quadrants": _gridded(2), "given": _given, "found": _found}
    if regions not in known:
        raise UsageError.unknown("regions", regions, LEGAL)
    return known[regions]


def grid(size: tuple[int, int], side: int) -> tuple[Box, ...]:
    """``side`` x ``side`` boxes that cover an image of ``(height, width)`` without overlap, row by row.

    Sides differ by at most a pixel. An image of fewer pixels a side than boxes gets as many as it has pixels.
    """
    rows, columns = _cuts(size[0], side), _cuts(size[1], side)
    return tuple((x0, y0, x1, y1) for y0, y1 in pairwise(rows) for x0, x1 in pairwise(columns))


def within(box: Box, size: tuple[int, int]) -> Box | None:
    """The part of a box that lies in an image of ``(height, width)``; None under 2 pixels a side."""
    x0, y0, x1, y1 = max(box[0], 0), max(box[1], 0), min(box[2], size[1]), min(box[3], size[0])
    return (x0, y0, x1, y1) if min(x1 - x0, y1 - y0) >= _SMALLEST else None


def lies_on(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether two boxes share half of the smaller one's area."""
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return across > 0 and down > 0 and 2 * across * down >= smaller


def _cuts(length: int, side: int) -> list[int]:
    return sorted({round(length * step / side) for step in range(side + 1)})


def _gridded(side: int) -> Proposer:
    return lambda case: grid(case.images[0].size, side)


def _given(case: Case) -> tuple[Box, ...]:
    size = case.images[0].size
    kept = (within(region.box, size) for region in case.regions)
    return tuple(dict.fromkeys(box for box in kept if box is not None))


def _found(case: Case) -> tuple[Box, ...]:
    return blobs(case.images[0].pixels())
