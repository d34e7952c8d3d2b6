"""What shifts that lay something over a picture share: colours, covers, and smooth random fields."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from medaudit.shifts.library import is_grey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Pixels

    Field = NDArray[np.float32]
    Colour = tuple[float, float, float]

#: Weights of red, green and blue in luminance (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


def as_seen(colour: Colour, pixels: Pixels) -> Field:
    """The colour, or its luminance where the picture is grey: (3,) float32, 0..255."""
    if is_grey(pixels):
        return np.full(3, np.dot(colour, LUMA), dtype=np.float32)
    return np.asarray(colour, dtype=np.float32)


def blend(pixels: Pixels, colour: Field, cover: Field) -> Pixels:
    """``x + cover (colour - x)``, rounded once; ``cover`` (h, w), 0..1."""
    mixed = pixels.astype(np.float32)
    mixed += cover[..., None] * (colour - mixed)
    return _rounded(mixed)


def scaled(pixels: Pixels, factor: Field) -> Pixels:
    """``x factor``, rounded once; ``factor`` (h, w) or (h, w, 3), not negative."""
    by = factor if factor.ndim == 3 else factor[..., None]
    return _rounded(pixels * by)


def _rounded(values: Field) -> Pixels:
    np.rint(values, out=values)
    np.clip(values, 0, 255, out=values)
    return values.astype(np.uint8)


def texture(height: int, width: int, grain: float, rng: np.random.Generator) -> Field:
    """A smooth random field (h, w), of mean 0 and sd 1 over the picture, alike over ``grain`` pixels.

    Zero everywhere on a single pixel.
    """
    import cv2

    cell = max(1.0, grain)
    rows, columns = math.ceil(height / cell) + 2, math.ceil(width / cell) + 2
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    size = (max(width, round(columns * cell)), max(height, round(rows * cell)))
    field = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)[:height, :width]
    mean, sd = (float(each[0, 0]) for each in cv2.meanStdDev(field))
    return np.asarray((field - np.float32(mean)) / np.float32(sd or 1.0), dtype=np.float32)


def highest(field: Field, share: float, edge: float) -> Field:
    """Cover 0..1 of the ``share`` of pixels that lie highest in a field, rising from 0 within ``edge``.

    As many pixels as the share says are above 0, ties aside.
    """
    count = min(field.size - 1, round(share * field.size))
    place = field.size - 1 - count
    threshold = np.partition(field, place, axis=None)[place]
    return np.asarray(np.clip((field - threshold) / np.float32(edge), 0, 1), dtype=np.float32)
