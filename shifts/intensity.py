"""Changes of exposure, window and display."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.library import REFERENCE, looked_up, to_bytes

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: Contrast that is left, by severity.
FACTOR = (0.75, 0.55, 0.40, 0.25, 0.12)

#: Share of red, green and blue in the luminance, ITU-R BT.601.
_LUMA = (0.299, 0.587, 0.114)


def luminance(picture: Pixels) -> float:
    """Mean luminance, 0 to 255, of a picture (h, w) or (h, w, 3)."""
    import cv2

    means = cv2.mean(picture)
    return float(means[0] if picture.ndim == 2 else np.dot(_LUMA, means[:3]))


@shift("contrast", family="intensity", reference=REFERENCE, version="2")
def contrast(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """A wide window, scatter or a faded film: less contrast, equal mean.

    ========  ====  ====  ====  ====  ====
    severity     1     2     3     4     5
    factor    0.75  0.55  0.40  0.25  0.12
    ========  ====  ====  ====  ====  ====

    Each pixel becomes ``m + factor (x - m)``, m the mean luminance of the picture. Nothing is drawn at
    random.

    Declared moments: on a grey picture the mean stays within 1 of 255 and the standard deviation is
    multiplied by the factor.
    """
    pixels, factor = np.ascontiguousarray(pixels), FACTOR[severity - 1]
    mean = luminance(pixels)
    return looked_up(pixels, to_bytes(mean + factor * (np.arange(256) - mean)))
