"""Pictures that were stored smaller than they were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.library import on_one_channel
from medaudit.shifts.severities import ladder

if TYPE_CHECKING:
    from medaudit.image import Pixels


@shift(
    "resampling",
    family="digital",
    reference="Sabottke & Spieler 2020, The effect of image resolution, Radiology: AI 2(1)",
    default=False,
    doses=ladder("resampling", low=1.0, high=10.0),
)
def resampling(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """A picture exported at a lower resolution and enlarged again smoothly.

    Reduced by area means to ``1 / dose`` of width and height (at least one pixel), enlarged by cubic
    interpolation. The share is of the picture's own size. Nothing is drawn at random.

    Dose: how many times smaller each side was, 1 (unchanged) to 10.

    Declared moments: the mean moves by less than 2 of 255; an even picture stays as it is.
    """
    import cv2

    height, width = pixels.shape[:2]
    small = (max(1, round(width / dose)), max(1, round(height / dose)))
    if small == (width, height):
        return pixels.copy()

    def stored_small(picture: Pixels) -> Pixels:
        reduced = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_CUBIC))

    return on_one_channel(pixels, stored_small)
