"""Losses on the way from the scanner to the model: compression and resolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.library import REFERENCE, functional

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: JPEG quality by severity.
QUALITY = (50, 30, 18, 10, 5)

#: Width and height kept by severity, as a share of the picture's own.
KEPT = (0.70, 0.50, 0.35, 0.25, 0.15)


@shift("jpeg", family="digital", reference=REFERENCE)
def jpeg(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Lossy JPEG of a teleradiology link, a messenger or a slide.

    ========  ===  ===  ===  ===  ===
    severity    1    2    3    4    5
    quality    50   30   18   10    5
    ========  ===  ===  ===  ===  ===

    Encoded and decoded at the quality, chroma subsampled 4:2:0. Nothing is drawn at random.

    Declared moments: the mean moves by less than 2 of 255.
    """
    # The encoder takes blue first; without the turn, luma weights would fall on the wrong channels.
    blue_first = np.ascontiguousarray(pixels[..., ::-1])
    decoded = functional("pixel").image_compression(blue_first, QUALITY[severity - 1], ".jpg")
    return np.ascontiguousarray(decoded[..., ::-1], dtype=np.uint8)


@shift("pixelate", family="digital", reference=REFERENCE)
def pixelate(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """A picture that was stored small and enlarged again without smoothing.

    ============  ====  ====  ====  ====  ====
    severity         1     2     3     4     5
    share kept    0.70  0.50  0.35  0.25  0.15
    ============  ====  ====  ====  ====  ====

    Reduced by area means to that share of width and height (at least one pixel), enlarged by nearest
    neighbour. The share is of the picture's own size: a large picture keeps more detail than a small one.
    Nothing is drawn at random.

    Declared moments: the mean moves by less than 2 of 255; the picture holds at most as many distinct
    blocks as the reduced one has pixels.
    """
    import cv2

    height, width = pixels.shape[:2]
    share = KEPT[severity - 1]
    small = (max(1, round(height * share)), max(1, round(width * share)))
    resize = functional("geometric").resize
    reduced = resize(pixels, small, cv2.INTER_AREA)
    return np.array(resize(reduced, (height, width), cv2.INTER_NEAREST_EXACT), dtype=np.uint8)
