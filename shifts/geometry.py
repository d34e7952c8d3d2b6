"""Changes of position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.library import REFERENCE, functional

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: Smallest and largest angle by severity, degrees.
DEGREES = ((1.0, 3.0), (3.0, 6.0), (6.0, 10.0), (10.0, 15.0), (15.0, 20.0))


@shift("rotation", family="geometry", reference=REFERENCE)
def rotation(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """A patient or a film that lay askew: small enough that left stays left.

    ================  ====  ====  =====  ======  ======
    severity             1     2      3       4       5
    angle, degrees     1-3   3-6   6-10   10-15   15-20
    ================  ====  ====  =====  ======  ======

    Turned about the centre by an angle drawn uniformly from the range, clockwise or not with equal
    chance, bilinear. The size stays, corners that come into view are black. Boxes of regions are not
    turned: at 20 degrees a point at the edge of the picture moves by up to 17 % of its side.

    Declared moments: angles lie in the range with mean sign 0; the centre stays where it was.
    """
    import cv2

    low, high = DEGREES[severity - 1]
    angle = float(rng.uniform(low, high)) * (1 if rng.random() < 0.5 else -1)
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    turned = functional("geometric").warp_affine(
        pixels, np.vstack([matrix, [0, 0, 1]]), cv2.INTER_LINEAR, 0, cv2.BORDER_CONSTANT, (height, width)
    )
    return np.array(turned, dtype=np.uint8).reshape(pixels.shape)
