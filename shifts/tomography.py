"""Parallel-beam projections of a slice, and what an error in them looks like after reconstruction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.float32]
    Size = tuple[int, int]

#: A scanner reconstructs 512 pixels; larger pictures are enlarged ones.
MATRIX = 512
#: Views over half a turn: per column of the matrix, fewest and most.
VIEWS = (0.7, 16, 240)
#: Paths through the body are smooth: they are summed on a coarse grid.
_COARSE = 64


def matrix_of(shape: tuple[int, ...]) -> Size:
    """Height and width of the grid on which a picture is reconstructed."""
    scale = min(1.0, MATRIX / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def angles_of(size: Size) -> Field:
    """Directions of the views, radians from 0 to below pi."""
    share, fewest, most = VIEWS
    count = min(max(round(share * max(size)), fewest), most)
    return (np.arange(count, dtype=np.float32) * np.float32(np.pi)) / np.float32(count)


def bins_of(size: Size) -> int:
    """Detector bins, a pixel wide, that see the whole matrix from any side."""
    return int(np.ceil(np.hypot(*size))) + 2


def offsets_of(size: Size) -> Field:
    """Signed distance of each detector bin from the centre, pixels of the matrix."""
    bins = bins_of(size)
    return np.arange(bins, dtype=np.float32) - np.float32((bins - 1) / 2)


def project(attenuation: Field, size: Size) -> Field:
    """Line integrals (views, bins) of a picture; its longer side has the length 1."""
    import cv2

    scale = min(1.0, _COARSE / max(size))
    height, width = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    small = cv2.resize(attenuation, (width, height), interpolation=cv2.INTER_AREA)
    bins = bins_of((height, width))
    middle = (bins - 1) / 2
    sums = []
    for angle in angles_of(size):
        c, s = float(np.cos(angle)), float(np.sin(angle))
        x, y = (width - 1) / 2 - middle * (c - s), (height - 1) / 2 - middle * (s + c)
        turn = np.array([[c, -s, x], [s, c, y]])
        sums.append(cv2.warpAffine(small, turn, (bins, bins), flags=_mapping()).sum(axis=0))
    paths = np.stack(sums) / np.float32(max(height, width))
    wide = bins_of(size)
    step = max(height, width) / max(size)
    spread = np.array([[step, 0.0, middle - step * (wide - 1) / 2], [0.0, 1.0, 0.0]])
    return np.asarray(cv2.warpAffine(paths, spread, (wide, len(sums)), flags=_mapping()))


def _mapping() -> int:
    import cv2

    return int(cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def reconstruct(errors: Field, size: Size, shape: tuple[int, ...]) -> Field:
    """Filtered back-projection of errors (views, bins), enlarged to ``shape``.

    Ramp filter under a Hann window. Scaled so that independent errors of standard deviation 1 become noise of
    standard deviation 1 before the enlargement. Kak & Slaney 1988, Principles of Computerized Tomographic
    Imaging, chapter 3.
    """
    import cv2

    filtered = _filtered(errors)
    middle, (height, width) = (errors.shape[1] - 1) / 2, size
    total = np.zeros(size, np.float32)
    for row, angle in zip(filtered, angles_of(size), strict=True):
        c, s = float(np.cos(angle)), float(np.sin(angle))
        along = np.array([[c, s, middle - c * (width - 1) / 2 - s * (height - 1) / 2], [0.0, 0.0, 0.0]])
        total += cv2.warpAffine(row[None], along, (width, height), flags=_mapping()).reshape(size)
    total /= np.float32(np.sqrt(len(filtered)))
    if size == shape:
        return total
    return np.asarray(cv2.resize(total, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))


def _filtered(errors: Field) -> Field:
    """Ramp-filtered rows, scaled to unit gain for white noise that is read between bins."""
    from scipy.fft import irfft, next_fast_len, rfft

    bins = errors.shape[1]
    length = next_fast_len(2 * bins, real=True)
    frequency = np.arange(length // 2 + 1) / length
    response = frequency * (0.5 + 0.5 * np.cos(2 * np.pi * frequency))
    # Reading at a point between two bins averages to 2/3 of the variance and 1/3 of the next covariance.
    kept = response**2 * (2 / 3 + np.cos(2 * np.pi * frequency) / 3)
    gain = np.sqrt(2 * kept.sum() / length)
    changed = irfft(rfft(errors, length, axis=1) * (response / gain).astype(np.float32), length, axis=1)
    return np.ascontiguousarray(changed[:, :bins], dtype=np.float32)
