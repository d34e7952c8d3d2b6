"""Blur of a patient, a probe or a hand that moved."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.library import REFERENCE, as_bytes, as_unit, functional

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: Length of the path by severity, as a share of the shorter side.
LENGTH = (0.05, 0.08, 0.11, 0.15, 0.20)


def path_length(side: int, severity: int) -> int:
    """Odd number of pixels nearest to the severity's share of ``side``, from 3."""
    return max(3, 2 * round((LENGTH[severity - 1] * side - 1) / 2) + 1)


@shift("motion_blur", family="blur", reference=REFERENCE)
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
    angle = float(rng.uniform(0, 180))
    blur = functional("blur")
    # The generator is a required argument that is unused as long as the path is not shifted.
    kernel = blur.create_motion_kernel(length, angle, 0.0, allow_shifted=False, random_state=Random(0))
    kernel = kernel / kernel.sum()
    return as_bytes(functional("pixel").convolve(as_unit(pixels), kernel=kernel.astype(np.float32)))
