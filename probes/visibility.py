"""How much of the picture a shift leaves, measured on the pictures of this run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.shifting import shifted_images

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.case import Case
    from medaudit.image import Pixels
    from medaudit.registry import Shift

#: Pictures measured per shift and severity, and the side to which larger ones are reduced.
PICTURES = 3
SIDE = 256


def visibility(cases: Sequence[Case], shift: Shift, severity: int, seed: int) -> dict[str, Any]:
    """Median SSIM between the first images of these cases and their shifted selves.

    A severity is a parameter, not a promise: the same noise hides more in a picture of fine detail or low
    resolution, so what it did here is printed beside what it cost.
    """
    if shift.stage == "case" or not cases:
        return {"ssim": None, "pictures": 0}
    values = [
        ssim(case.images[0].pixels(), shifted_images(case, shift, severity, seed)[0].pixels())
        for case in cases
    ]
    return {"ssim": round(float(np.median(values)), 3), "pictures": len(values)}


def ssim(first: Pixels, second: Pixels) -> float:
    """Mean structural similarity of two pictures of one size, 1 for equal ones.

    Luminance, Gaussian window of sd 1.5, K1 = 0.01, K2 = 0.03. Wang et al. 2004, IEEE TIP 13(4).
    """
    from scipy.ndimage import gaussian_filter

    def local(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter(values, 1.5, truncate=3.5))

    a, b = _luminance(first), _luminance(second)
    mean_a, mean_b = local(a), local(b)
    spread = local(a * a) - mean_a**2 + local(b * b) - mean_b**2
    together = local(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mean_a * mean_b + c1) * (2 * together + c2)
    return float((above / ((mean_a**2 + mean_b**2 + c1) * (spread + c2))).mean())


def _luminance(pixels: Pixels) -> NDArray[np.float64]:
    """Mean of the channels, block means of whole steps where the picture is larger than ``SIDE``."""
    grey = np.asarray(pixels, dtype=np.float64).mean(axis=2)
    step = max(1, -(-min(grey.shape) // SIDE))
    height, width = (length // step * step for length in grey.shape)
    blocks = grey[:height, :width].reshape(height // step, step, width // step, step)
    return np.asarray(blocks.mean(axis=(1, 3)))
