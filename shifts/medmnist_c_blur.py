"""Blur of MedMNIST-C: published kernels, stretched to the picture's size.

All take a picture, (h, w) for grey or (h, w, 3), its scale (shorter side / 224) and a generator.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.shifts.coarse import on_means, own_variance, step
from medaudit.shifts.library import by_plane
from medaudit.shifts.medmnist_c_disc import mean_over_disc
from medaudit.shifts.medmnist_c_kernels import bell, disc, gauss, path, stretch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Pixels

    Kernel = NDArray[np.float32]

#: A disc of fewer pixels is a kernel of weights: whole pixels are too coarse for its rim.
_SMALL_DISC = 2.5

#: Fewest pixels in the spread of a Gaussian on a coarse grid.
_LEAST_SPREAD = 1.4

#: Cells of a kernel that OpenCV sums one by one; larger ones go through Fourier space, whatever is 0 in them.
_CELLS = 129

#: From so many cells that are not 0, Fourier space is the faster way.
_CROWDED = 150


def _filtered(picture: Pixels, kernel: Kernel, anchor: tuple[int, int]) -> Pixels:
    """Correlation with a kernel, anchor (x, y), in floating point, rounded once; borders mirrored."""
    return by_plane(picture, lambda plane: _filtered_plane(plane, kernel, anchor))


def _filtered_plane(plane: Pixels, kernel: Kernel, anchor: tuple[int, int]) -> Pixels:
    import cv2

    if kernel.size <= _CELLS or np.count_nonzero(kernel) > _CROWDED:
        blurred: Any = cv2.filter2D(plane.astype(np.float32), -1, kernel, anchor=anchor)
        return np.asarray(cv2.convertScaleAbs(blurred))
    (rows, columns), (x, y) = kernel.shape, anchor
    edges = (y, rows - 1 - y, x, columns - 1 - x)
    padded = cv2.copyMakeBorder(plane, *edges, cv2.BORDER_REFLECT_101).astype(np.float32)
    total = np.zeros(plane.shape, np.float32)
    for top, left, part in _parts(kernel):
        high, wide = plane.shape[0] + part.shape[0] - 1, plane.shape[1] + part.shape[1] - 1
        given = padded[top : top + high, left : left + wide]
        summed = cv2.filter2D(given, -1, part, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
        cv2.add(total, summed[: plane.shape[0], : plane.shape[1]], dst=total)
    return np.asarray(cv2.convertScaleAbs(total))


def _parts(kernel: Kernel) -> list[tuple[int, int, Kernel]]:
    """A thin kernel as (top, left, part): bands of rows, each without the zeros beside it."""
    rows = max(1, _CELLS // kernel.shape[1])
    while rows < len(kernel) and all(part.size <= _CELLS for _, _, part in _bands(kernel, rows + 1)):
        rows += 1
    return _bands(kernel, rows)


def _bands(kernel: Kernel, rows: int) -> list[tuple[int, int, Kernel]]:
    found = []
    for top in range(0, len(kernel), rows):
        band = kernel[top : top + rows]
        used = np.flatnonzero(band.any(axis=0))
        if used.size:
            found.append((top, int(used[0]), np.ascontiguousarray(band[:, used[0] : used[-1] + 1])))
    return found


def defocus_blur(
    picture: Pixels, scale: float, rng: np.random.Generator, radius: float, alias: float
) -> Pixels:
    """A lens out of focus.

    Each pixel becomes the mean over a disc of ``radius`` pixels, whose rim is smoothed by a Gaussian of
    sd ``alias``. Borders are mirrored. A disc of more than 9 pixels is laid on means of 2 x 2 pixels or
    more. Nothing is drawn at random.

    Declared moments: an even picture stays as it is; the mean moves by less than 2 of 255.
    """
    if radius * scale < _SMALL_DISC:
        return _filtered(picture, disc(radius, alias, scale), (-1, -1))
    return mean_over_disc(picture, radius * scale, alias, scale)


def motion_blur(
    picture: Pixels, scale: float, rng: np.random.Generator, radius: float, sigma: float
) -> Pixels:
    """Movement of the stage, the probe or the patient during the exposure.

    Each pixel becomes the mean along a straight path of length ``2 radius`` pixels, its weight falling
    from one end as a Gaussian of sd ``sigma``; the angle is drawn uniformly from -45 to 45 degrees. Borders
    are mirrored. Published pictures were made by ImageMagick, which steps from whole pixel to whole pixel
    and displaces the picture; here the path is laid between pixels about its centre of mass, so results
    are close to the published ones and not comparable digit by digit.

    Declared moments: an even picture stays as it is; the mean moves by less than 2 of 255.
    """
    kernel, anchor = path(radius, sigma, float(np.radians(rng.uniform(-45, 45))), scale)
    return _filtered(picture, kernel, anchor)


def gaussian_blur(picture: Pixels, scale: float, rng: np.random.Generator, length: int) -> Pixels:
    """A soft detector, a thick slice or a smooth kernel.

    Convolved with a Gaussian that is cut to ``length`` pixels, its sd ``0.3 ((length - 1) / 2 - 1) + 0.8``.
    Borders are mirrored. Where the sd is 2.8 pixels or more, means of 2 x 2 to 16 x 16 pixels are convolved
    and enlarged. Nothing is drawn at random.

    Declared moments: an even picture stays as it is; the mean moves by less than 2 of 255.
    """
    k, weights = _gaussian(length, scale)

    def blurred(means: Pixels) -> Pixels:
        import cv2

        return np.asarray(cv2.sepFilter2D(means, -1, weights, weights), dtype=np.uint8)

    return on_means(picture, k, blurred)


@lru_cache(maxsize=64)
def _gaussian(length: int, scale: float) -> tuple[int, Kernel]:
    """Step of the grid, and the weights on it: of the variance that grid and enlargement leave to do."""
    weights = stretch(length, scale) @ gauss(length, 0.3 * ((length - 1) / 2 - 1) + 0.8)
    half = len(weights) // 2
    variance = float(weights @ np.arange(-half, half + 1) ** 2)
    k = step(variance**0.5, _LEAST_SPREAD)
    if k > 1:
        weights = bell(-(-half // k), (variance - own_variance(k)) / k**2)
    return k, weights.astype(np.float32)  # in doubles the filter is five times slower


def zoom_blur(picture: Pixels, scale: float, rng: np.random.Generator, largest: float, step: float) -> Pixels:
    """A camera that moves towards the skin during the exposure.

    Mean of the picture and its enlargements about the centre by 1, 1 + ``step``, ... to ``largest``, each
    from a centre of whole pixels. Two neighbours are enlarged as one, the mean of the picture and of itself
    enlarged by a middle step. Nothing is drawn at random.

    Declared moments: an even picture stays as it is.
    """
    import cv2

    factors = 1 + step * np.arange(round((largest - 1) / step) + 1)
    middle = (len(factors) - 1) // 4 * 2  # of the first members of all pairs
    ratio = 1 + step / float(factors[middle])
    pair = cv2.addWeighted(picture, 0.5, _enlarged(picture, ratio), 0.5, 0)
    total = picture.astype(np.float32)
    for first in factors[: len(factors) // 2 * 2 : 2]:
        cv2.accumulate(_enlarged(np.asarray(pair), float(first)), total)
    total *= 2
    total -= picture  # the picture itself was doubled with the pairs
    if len(factors) % 2:
        cv2.accumulate(_enlarged(picture, float(factors[-1])), total)
    return np.asarray(cv2.convertScaleAbs(total, alpha=1 / (len(factors) + 1)))


def _enlarged(picture: Pixels, factor: float) -> Pixels:
    """The middle of a picture, ``1 / factor`` of its width and height, in its place."""
    import cv2

    height, width = picture.shape[:2]
    top, left = (round(side * (1 - 1 / factor) / 2) for side in (height, width))
    if not (top or left):
        return picture
    return np.asarray(cv2.resize(picture[top : height - top, left : width - left], (width, height)))
