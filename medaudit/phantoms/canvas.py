"""Shapes on a square canvas whose coordinates run from 0 to 1, x to the right, y downwards."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field: TypeAlias = NDArray[np.float32]
    Mask: TypeAlias = NDArray[np.bool_]

Point: TypeAlias = tuple[float, float]


@lru_cache(maxsize=8)
def grid(size: int) -> tuple[Field, Field]:
    """Pixel centres: y of shape (size, 1), x of shape (1, size)."""
    centres = ((np.arange(size) + 0.5) / size).astype(np.float32)
    centres.flags.writeable = False
    return centres[:, None], centres[None, :]


def soft(distance: Field, size: int) -> Field:
    """Coverage 0..1 of a shape whose signed distance (inside positive) is given, two pixels of edge."""
    covered: Field = np.clip(distance * np.float32(size / 2) + np.float32(0.5), 0, 1)
    return covered


def ellipse(size: int, centre: Point, radii: Point) -> Field:
    """Signed distance, approximate, to an ellipse with centre (x, y) and radii (x, y)."""
    y, x = grid(size)
    squares = ((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2
    return (1 - np.sqrt(squares)) * np.float32(min(radii))


def blob(size: int, centre: Point, reach: float) -> Field:
    """A bell of height 1 about a centre."""
    y, x = grid(size)
    across = np.exp(-(((x - centre[0]) / reach) ** 2))
    down = np.exp(-(((y - centre[1]) / reach) ** 2))
    bell: Field = across * down  # a bell of two dimensions is the product of two
    return bell


def segment(size: int, start: Point, end: Point, width: float) -> Field:
    """Signed distance to a straight stroke of the given width."""
    y, x = grid(size)
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    gap = np.hypot(x - start[0] - along * np.float32(dx), y - start[1] - along * np.float32(dy))
    return np.float32(width / 2) - gap


def tight_box(mask: Mask) -> tuple[int, int, int, int]:
    """Smallest half-open box x0, y0, x1, y1 around a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


Where: TypeAlias = tuple[slice, slice]


def patch(size: int, centre: Point, reach: float) -> tuple[Field, Field, Where]:
    """The grid around a centre: y of shape (h, 1), x of shape (1, w), and which rows and columns they are."""
    rows, columns = slice(*_span(centre[1], reach, size)), slice(*_span(centre[0], reach, size))
    y, x = grid(size)
    return y[rows], x[:, columns], (rows, columns)


def framed(part: Field, where: Where, size: int) -> Field:
    """A patch, (h, w) or (h, w, 3), on a canvas of zeros; colour is kept plane by plane in memory."""
    canvas = np.zeros((*part.shape[2:], size, size), dtype=np.float32)
    if part.ndim == 3:
        canvas = canvas.transpose(1, 2, 0)
    canvas[where] = part
    return canvas


def lump(y: Field, x: Field, centre: Point, radius: float, wobble: float, phases: Point) -> Field:
    """Signed distance, approximate, to a disc whose outline waves; discs of larger radius contain it.

    ``wobble`` is the height of the waves; both axes are bent by a sine of the other one.
    """
    across, down = x - centre[0], y - centre[1]
    bent_x = across + np.float32(wobble) * np.sin(down * np.float32(45.0) + np.float32(phases[0]))
    bent_y = down + np.float32(wobble) * np.sin(across * np.float32(38.0) + np.float32(phases[1]))
    distance: Field = np.float32(radius) - np.sqrt(bent_x * bent_x + bent_y * bent_y)
    return distance


def dab(field: Field, centre: Point, radii: Point, value: float, within: Field | None = None) -> None:
    """Paint an ellipse of one value into a field, in place, touching its surroundings only.

    ``within`` is a coverage of the whole canvas that the ellipse does not leave.
    """
    size = field.shape[0]
    stretch = 1.0 + 1.5 / (size * min(radii))  # the soft edge reaches beyond the radii
    left, right = _span(centre[0], radii[0] * stretch, size)
    top, bottom = _span(centre[1], radii[1] * stretch, size)
    y, x = grid(size)
    across = (x[:, left:right] - centre[0]) / radii[0]
    down = (y[top:bottom] - centre[1]) / radii[1]
    edge = min(radii) * size / 2
    cover = across * across + down * down
    np.sqrt(cover, out=cover)  # in place from here on: small arrays cost calls, not elements
    np.multiply(cover, np.float32(-edge), out=cover)
    np.add(cover, np.float32(edge + 0.5), out=cover)
    np.maximum(cover, 0, out=cover)
    np.minimum(cover, 1, out=cover)
    if within is not None:
        np.multiply(cover, within[top:bottom, left:right], out=cover)
    part = field[top:bottom, left:right]
    cover *= np.float32(value) - part
    part += cover


def _span(centre: float, reach: float, size: int) -> tuple[int, int]:
    first = max(0, int((centre - reach) * size))
    return first, max(first, min(size, int((centre + reach) * size) + 1))


def stamp(under: Field, target: Field | np.float32, cover: Field, faintest: float) -> Field:
    """What has to be added to ``under`` to show ``target`` where something covers it.

    Exactly zero below a quarter of coverage, at least ``faintest`` in size elsewhere.
    """
    change = cover * (target - under)
    change = np.where(np.abs(change) < np.float32(faintest), np.float32(-faintest), change)
    return change * (cover >= np.float32(0.25))
