"""Blur of a patient, a probe or a hand that moved."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.library import REFERENCE, by_plane, on_one_channel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Pixels

    Offset = tuple[int, int]
    Field = NDArray[Any]

#: Length of the path by severity, as a share of the shorter side.
LENGTH = (0.05, 0.08, 0.11, 0.15, 0.20)

#: So many bytes are summed in 16 bits.
_MOST = 257


def path_length(side: int, severity: int) -> int:
    """Odd number of pixels nearest to the severity's share of ``side``, from 3."""
    return max(3, 2 * round((LENGTH[severity - 1] * side - 1) / 2) + 1)


def path_in_parts(length: int, angle: float) -> tuple[list[Offset], list[Offset], list[Offset]]:
    """Offsets (down, right) of a straight path: of a short piece, of where it is laid, of single pixels left.

    ``length`` points, one pixel apart, at ``angle`` (radians, counter-clockwise) about 0. Pieces of the root
    of the length, each laid where it belongs, need twice the root of the length in additions. Every point is
    rounded twice, so it is within a pixel of the line in either direction.
    """
    down, right = -float(np.sin(angle)), float(np.cos(angle))
    piece, first = isqrt(length), -(length - 1) / 2

    def at(t: float) -> Offset:
        return round(t * down), round(t * right)

    joined = length // piece * piece
    inner = [at(t) for t in range(piece)]
    laid = [at(first + t) for t in range(0, joined, piece)]
    return inner, laid, [at(first + t) for t in range(joined, length)]


def mean_along(plane: Pixels, length: int, angle: float) -> Pixels:
    """Mean of a plane (h, w) over the path through each pixel, borders mirrored."""
    import cv2

    inner, laid, single = path_in_parts(length, angle)
    size, margin, reach = plane.shape, len(inner), length // 2 + 1
    edge = reach + margin
    padded = cv2.copyMakeBorder(plane, edge, edge, edge, edge, cv2.BORDER_REFLECT_101)
    wide = padded.astype(np.uint16 if length <= _MOST else np.float32)
    pieces = _sum(wide, inner, margin, (size[0] + 2 * reach, size[1] + 2 * reach))
    total = _sum(pieces, laid, reach, size)
    for offset in single:
        cv2.add(total, _moved(wide, offset, edge, size), dst=total)
    return np.asarray(cv2.convertScaleAbs(total, alpha=1 / length), np.uint8)


def _moved(field: Field, offset: Offset, margin: int, size: tuple[int, ...]) -> Field:
    top, left = margin + offset[0], margin + offset[1]
    return field[top : top + size[0], left : left + size[1]]


def _sum(field: Field, offsets: list[Offset], margin: int, size: tuple[int, ...]) -> Field:
    """Sum over the offsets of a field that is wider than ``size`` by ``margin`` on all sides."""
    import cv2

    total = _moved(field, offsets[0], margin, size).copy()
    for offset in offsets[1:]:
        cv2.add(total, _moved(field, offset, margin, size), dst=total)
    return total


@shift("motion_blur", family="blur", reference=REFERENCE, version="2")
def motion_blur(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Straight, even movement during the exposure, in a direction drawn per case.

    ===============  ====  ====  ====  ====  ====
    severity            1     2     3     4     5
    length, share    0.05  0.08  0.11  0.15  0.20
    ===============  ====  ====  ====  ====  ====

    Each pixel becomes the mean along a line through it, whose length is the share of the shorter side
    (odd, from 3 pixels) and whose angle is drawn uniformly from 0 to 180 degrees. Borders are mirrored.

    Declared moments: the mean moves by less than 2 of 255; an even picture stays as it is.
    """
    length = path_length(min(pixels.shape[:2]), severity)
    angle = float(np.radians(rng.uniform(0, 180)))
    return on_one_channel(pixels, lambda picture: by_plane(picture, lambda p: mean_along(p, length, angle)))
