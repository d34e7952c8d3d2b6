"""Gaussian smoothing whose cost does not grow with its width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.float32]

# A field smoothed by more is band-limited: a smaller grid carries it.
_WIDE = 6.0


def smoothed(field: Field, sigma: float) -> Field:
    """Gaussian mean of a field (h, w), sigma in pixels, borders mirrored."""
    import cv2

    height, width = field.shape
    step = int(sigma / (_WIDE / 2))
    if sigma <= _WIDE or min(height, width) < 4 * step:
        return _gaussian(field, sigma)
    size = (max(2, round(width / step)), max(2, round(height / step)))
    small = np.asarray(cv2.resize(field, size, interpolation=cv2.INTER_AREA), np.float32)
    mean = _gaussian(small, sigma / step)
    return np.asarray(cv2.resize(mean, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _gaussian(field: Field, sigma: float) -> Field:
    import cv2

    mean = cv2.GaussianBlur(field, (0, 0), max(sigma, 1e-3), borderType=cv2.BORDER_REFLECT)
    return np.asarray(mean, np.float32).reshape(field.shape)
