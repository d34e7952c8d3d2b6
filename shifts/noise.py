"""Noise of the detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.library import REFERENCE, as_bytes, as_unit, functional, is_grey

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: Standard deviation by severity, as a share of the full range 0..255.
SD = (0.01, 0.03, 0.06, 0.10, 0.16)


@shift("gaussian_noise", family="noise", reference=REFERENCE)
def gaussian_noise(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Additive noise of low dose, high gain or a warm detector.

    ========  ====  ====  ====  ====  ====
    severity     1     2     3     4     5
    sd        0.01  0.03  0.06  0.10  0.16
    ========  ====  ====  ====  ====  ====

    Each pixel becomes ``clip(x + N(0, 255 sd), 0, 255)``, in floating point and rounded once. One field
    for all channels of a grey picture, one per channel of a coloured one.

    Declared moments: on an unsaturated mid-grey the change has mean 0 and standard deviation 255 sd.
    """
    channels = 1 if is_grey(pixels) else 3
    field = rng.standard_normal((*pixels.shape[:2], channels), dtype=np.float32) * np.float32(
        SD[severity - 1]
    )
    noise = np.ascontiguousarray(np.broadcast_to(field, pixels.shape))
    return as_bytes(functional("pixel").add_noise(as_unit(pixels), noise))
