"""Blur of MedMNIST-C: published kernels, stretched to the picture's size.

All take a picture, (h, w) for grey or (h, w, 3), its scale (shorter side / 224) and a generator.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Pixels

    Kernel = NDArray[np.float32]

#: Radius of the square that published discs are drawn on.
_DISC_REACH = 8


@lru_cache(maxsize=256)
def stretch(length: int, scale: float) -> NDArray[np.float64]:
    """Matrix (new, length) that spreads ``length`` (odd) weights, ``scale`` pixels apart, over pixels.

    Linear interpolation about the centre: columns sum to 1, scale 1 is the identity, and a kernel on a
    small picture turns into a weak one, not into none.
    """
    half, width = length // 2, max(1.0, scale)
    reach = int(np.floor(half * scale + width - 1e-9))
    at = np.arange(-reach, reach + 1)[:, None]
    weights = np.clip(1 - np.abs(at - scale * np.arange(-half, half + 1)) / width, 0, None)
    return np.asarray(weights / weights.sum(axis=0))


def gauss(length: int, sigma: float) -> NDArray[np.float64]:
    """Weights of a normal law at ``length`` pixels about 0, summing to 1."""
    at = np.arange(length) - length // 2
    weights = np.exp(-(at**2) / (2 * sigma**2))
    return np.asarray(weights / weights.sum())


@lru_cache(maxsize=256)
def disc(radius: float, alias: float, scale: float) -> Kernel:
    """Pixels within ``radius``, smoothed by a 3 x 3 Gaussian of sd ``alias``, stretched by ``scale``."""
    import cv2

    at = np.arange(-_DISC_REACH - 1, _DISC_REACH + 2) ** 2
    hard = (at[:, None] + at <= radius**2).astype(np.float64)
    edge = gauss(3, alias)
    soft = cv2.sepFilter2D(hard / hard.sum(), -1, edge, edge, borderType=cv2.BORDER_CONSTANT)
    matrix = stretch(len(at), scale)
    return _trimmed(matrix @ soft @ matrix.T)


def _trimmed(kernel: NDArray[np.float64]) -> Kernel:
    """A symmetric kernel without its margin of zeros."""
    used = np.flatnonzero(kernel.max(axis=0) > 1e-9)
    margin = min(int(used[0]), len(kernel) - 1 - int(used[-1]))
    inner = kernel[margin : len(kernel) - margin, margin : len(kernel) - margin]
    return np.asarray(inner / inner.sum(), dtype=np.float32)


def path(radius: float, sigma: float, angle: float, scale: float) -> tuple[Kernel, tuple[int, int]]:
    """Kernel of a straight path and its anchor (x, y): the path's centre of mass, so that nothing moves.

    The path is ``2 radius`` long, its weight falls as ``exp(-t^2 / (2 sigma^2))`` from one end; it is
    laid between pixels, half a pixel at a time.
    """
    t = np.linspace(0, 2 * radius, max(2, int(np.ceil(4 * radius * max(1.0, scale))) + 1))
    weights = np.exp(-(t**2) / (2 * sigma**2))
    weights /= weights.sum()
    t = scale * (t - weights @ t)
    x, y = t * np.cos(angle), t * np.sin(angle)
    left, top = int(np.floor(x.min())), int(np.floor(y.min()))
    kernel = np.zeros((int(np.floor(y.max())) - top + 2, int(np.floor(x.max())) - left + 2))
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    for down in (0, 1):
        for right in (0, 1):
            share = (1 - np.abs(y - row - down)) * (1 - np.abs(x - column - right))
            np.add.at(kernel, (row - top + down, column - left + right), weights * share)
    return kernel.astype(np.float32), (-left, -top)


def _filtered(picture: Pixels, kernel: Kernel, anchor: tuple[int, int] = (-1, -1)) -> Pixels:
    import cv2

    # In floating point the filter takes half the time that it takes on bytes; it is rounded here, once.
    blurred: Any = cv2.filter2D(picture.astype(np.float32), -1, kernel, anchor=anchor)
    return np.asarray(cv2.convertScaleAbs(blurred))


def defocus_blur(
    picture: Pixels, scale: float, rng: np.random.Generator, radius: float, alias: float
) -> Pixels:
    """A lens out of focus.

    Each pixel becomes the mean over a disc of ``radius`` pixels, whose rim is smoothed by a Gaussian of
    sd ``alias``. Borders are mirrored. Nothing is drawn at random.

    Declared moments: an even picture stays as it is; the mean moves by less than 2 of 255.
    """
    return _filtered(picture, disc(radius, alias, scale))


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
    Borders are mirrored. Nothing is drawn at random.

    Declared moments: an even picture stays as it is; the mean moves by less than 2 of 255.
    """
    import cv2

    weights = stretch(length, scale) @ gauss(length, 0.3 * ((length - 1) / 2 - 1) + 0.8)
    weights = weights.astype(np.float32)  # in doubles the filter is five times slower
    blurred: Any = cv2.sepFilter2D(picture, -1, weights, weights)
    return np.asarray(blurred, dtype=np.uint8)


def zoom_blur(picture: Pixels, scale: float, rng: np.random.Generator, largest: float, step: float) -> Pixels:
    """A camera that moves towards the skin during the exposure.

    Mean of the picture and its enlargements about the centre by 1, 1 + ``step``, ... to ``largest``.
    Nothing is drawn at random.

    Declared moments: an even picture stays as it is.
    """
    import cv2

    factors = 1 + step * np.arange(round((largest - 1) / step) + 1)
    height, width = picture.shape[:2]
    total = source = picture.astype(np.float32)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for factor in factors:
        kept = 1 / float(factor)
        turn = np.array([[kept, 0, (width - 1) / 2 * (1 - kept)], [0, kept, (height - 1) / 2 * (1 - kept)]])
        enlarged: Any = cv2.warpAffine(
            source, turn, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE
        )
        total = total + enlarged
    return np.clip(np.rint(total / (len(factors) + 1)), 0, 255).astype(np.uint8)
