"""Boxes in pixels of the original image: x0, y0, x1, y1, half-open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Box = tuple[float, float, float, float]


def checked(box: Box) -> Box:
    """Return the box; raises UsageError where it is empty, reversed or not finite."""
    x0, y0, x1, y1 = (float(value) for value in box)
    if not (np.isfinite([x0, y0, x1, y1]).all() and x0 < x1 and y0 < y1):
        raise UsageError("A box is x0, y0, x1, y1 in pixels of the original image, with x0 < x1 and y0 < y1.")
    return x0, y0, x1, y1


def overlaps(cells: Floats, box: Box) -> NDArray[np.bool_]:
    """Which of the cells (n, 4) share area with the box; a cell of NaN shares none."""
    x0, y0, x1, y1 = box
    with np.errstate(invalid="ignore"):
        # A hair of tolerance: fitted frames end within rounding of the pixel border they stand for.
        wide = np.minimum(cells[:, 2], x1) - np.maximum(cells[:, 0], x0) > 1e-6 * (cells[:, 2] - cells[:, 0])
        high = np.minimum(cells[:, 3], y1) - np.maximum(cells[:, 1], y0) > 1e-6 * (cells[:, 3] - cells[:, 1])
    inside: NDArray[np.bool_] = wide & high
    return inside


def clipped(box: Box, size: tuple[int, int]) -> Box | None:
    """The part of a box inside an image of ``size`` (height, width), or None where there is none."""
    height, width = size
    x0, y0, x1, y1 = max(box[0], 0.0), max(box[1], 0.0), min(box[2], width), min(box[3], height)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
