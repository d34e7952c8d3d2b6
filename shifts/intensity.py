"""Changes of exposure, window and display."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.library import REFERENCE, as_bytes, as_unit, functional

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: Contrast that is left, by severity.
FACTOR = (0.75, 0.55, 0.40, 0.25, 0.12)


@shift("contrast", family="intensity", reference=REFERENCE)
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
    return as_bytes(functional("pixel").adjust_contrast_torchvision(as_unit(pixels), FACTOR[severity - 1]))
