"""Wide blur on a smaller grid: means of k x k pixels are blurred and enlarged again.

What a wide kernel leaves of a picture is smooth, so that a coarse grid carries it. The means and the cubic
enlargement blur too; their variance is known and is taken from the kernel's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from medaudit.image import Pixels

#: Second moment of OpenCV's cubic interpolation, in squared pixels of the grid that is enlarged.
_CUBIC = -1 / 15


def step(width: float, least: float) -> int:
    """Largest power of 2, to 16, at which ``width`` is still ``least`` pixels of the coarse grid."""
    found = 1
    while found < 16 and width / (2 * found) >= least:
        found *= 2
    return found


def own_variance(k: int) -> float:
    """Variance along an axis, in squared pixels, that the way to the grid of step ``k`` and back adds."""
    return 0.0 if k == 1 else (k * k - 1) / 12 + _CUBIC * k * k


def on_means(picture: Pixels, k: int, blur: Callable[[Pixels], Pixels]) -> Pixels:
    """``blur`` of the picture's k x k means (k a power of 2), enlarged; borders mirrored."""
    import cv2

    if k == 1:
        return blur(picture)
    height, width = picture.shape[:2]
    # A coarse pixel more on each side, so that the enlargement never meets a border.
    down, right = (2 * k + -size % k for size in (height, width))
    small = cv2.copyMakeBorder(picture, k, down - k, k, right - k, cv2.BORDER_REFLECT)
    for _ in range(k.bit_length() - 1):  # halving is many times faster than other ratios
        size = (small.shape[1] // 2, small.shape[0] // 2)
        small = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
    blurred = blur(np.asarray(small))
    whole = cv2.resize(blurred, (width + right, height + down), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(whole[k : k + height, k : k + width])
