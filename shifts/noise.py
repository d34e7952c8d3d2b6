"""Noise of the detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaudit.registry import shift
from medaudit.shifts.draws import with_normal
from medaudit.shifts.library import REFERENCE, on_one_channel

if TYPE_CHECKING:
    import numpy as np

    from medaudit.image import Pixels

#: Standard deviation by severity, as a share of the full range 0..255.
SD = (0.01, 0.03, 0.06, 0.10, 0.16)


@shift("gaussian_noise", family="noise", reference=REFERENCE, version="2")
def gaussian_noise(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Additive noise of low dose, high gain or a warm detector.

    ========  ====  ====  ====  ====  ====
    severity     1     2     3     4     5
    sd        0.01  0.03  0.06  0.10  0.16
    ========  ====  ====  ====  ====  ====

    Each pixel becomes ``clip(x + N(0, 255 sd), 0, 255)``, rounded to whole grey values. One field for all
    channels of a grey picture, one per channel of a coloured one. The normal law is drawn from tables, to
    four standard deviations.

    Declared moments: on an unsaturated mid-grey the change has mean 0 and standard deviation 255 sd.
    """
    return on_one_channel(pixels, lambda picture: with_normal(picture, 255 * SD[severity - 1], rng))
