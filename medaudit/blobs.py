"""What stands out in an image: bright and dark blobs of any size, without having learnt anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Pixels

    Plane = NDArray[np.float32]

Box: TypeAlias = tuple[int, int, int, int]

MOST = 20
#: Share of the overlap in the union from which the weaker of two boxes is dropped.
OVERLAP = 0.3
#: Least contrast of a blob with its surround, of the full range of grey.
FAINTEST = 0.02
# Pixels of the longer side at which blobs are sought: finer grain is noise, and cost grows with its square.
_WORKING = 256
_SMALLEST_SIGMA, _STEP, _SCALES = 1.5, 1.6, 8
# Of a blob's sigma: half the side of its box. At 3 a Gaussian blob has fallen to a hundredth; with less, a
# letter keeps a part of itself when its box is painted over.
_REACH = 3.0


def blobs(pixels: Pixels, most: int = MOST) -> tuple[Box, ...]:
    """Which parts of a picture differ from what lies around them? Boxes, strongest first.

    Maxima over place and scale of the difference of Gaussians of the grey picture, at 8 sigmas from 1.5
    pixels by steps of 1.6, the longer side brought to 256 pixels or left where smaller::

        D(x, s) = |G(1.6 s) * I - G(s) * I|          kept where D >= 0.02 of full range

    A box reaches 3 sigma to each side, cut at the edges; of two whose overlap is over 0.3 of their union the
    weaker is dropped; at most ``most`` stay. The same boxes for the same pixels; none for a flat picture.
    ``pixels`` (h, w, 3) uint8; boxes x0, y0, x1, y1 in its pixels, half-open.

    Lindeberg 1998, IJCV 30; Lowe 2004, IJCV 60 (scale space); no class, no training.
    """
    height, width = pixels.shape[:2]
    plane, scale = _working(pixels)
    strength, sigma, y, x = _maxima(_differences(plane))
    boxes: list[Box] = []
    for at in np.argsort(-strength, kind="stable"):
        reach = _REACH * sigma[at]
        sides = (x[at] + 0.5 - reach, y[at] + 0.5 - reach, x[at] + 0.5 + reach, y[at] + 0.5 + reach)
        x0, y0, x1, y1 = (round(float(side) * scale) for side in sides)
        box = (max(x0, 0), max(y0, 0), min(x1, width), min(y1, height))
        if min(box[2] - box[0], box[3] - box[1]) >= 2 and all(union(box, each) <= OVERLAP for each in boxes):
            boxes.append(box)
        if len(boxes) == most:
            break
    return tuple(boxes)


def union(a: Box, b: Box) -> float:
    """Overlap of two boxes over their union, 0 to 1."""
    shared = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (areas - shared)


def _working(pixels: Pixels) -> tuple[Plane, float]:
    """Grey 0..1 at the working size, and how many pixels of the original one of it is."""
    import cv2

    grey = pixels.mean(axis=2, dtype=np.float32) / np.float32(255)
    scale = max(1.0, max(grey.shape) / _WORKING)
    if scale > 1:
        size = (max(1, round(grey.shape[1] / scale)), max(1, round(grey.shape[0] / scale)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    return grey, scale


def _differences(plane: Plane) -> list[tuple[float, Plane]]:
    """Scales that fit into the plane, with |D| of each."""
    import cv2

    found = []
    sigma = _SMALLEST_SIGMA
    below = cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    for _ in range(_SCALES):
        above = cv2.GaussianBlur(plane, (0, 0), sigma * _STEP, borderType=cv2.BORDER_REPLICATE)
        found.append((sigma, np.abs(np.asarray(above - below, dtype=np.float32))))
        below, sigma = above, sigma * _STEP
        if 2 * _REACH * sigma > max(plane.shape):
            break
    return found


def _maxima(differences: list[tuple[float, Plane]]) -> tuple[Plane, Plane, Plane, Plane]:
    """Strength, sigma, row and column of maxima among the 26 neighbours in place and scale."""
    import cv2

    stack = np.stack([plane for _, plane in differences])
    near = np.stack([np.asarray(cv2.dilate(plane, np.ones((3, 3), np.uint8))) for plane in stack])
    around = near.copy()
    around[1:] = np.maximum(around[1:], near[:-1])
    around[:-1] = np.maximum(around[:-1], near[1:])
    layer, y, x = np.nonzero((stack >= around) & (stack >= FAINTEST))
    sigmas = np.asarray([sigma for sigma, _ in differences], dtype=np.float32)
    return stack[layer, y, x], sigmas[layer], y.astype(np.float32), x.astype(np.float32)
