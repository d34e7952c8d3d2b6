"""Kernels of MedMNIST-C's blur: published at 224 pixels, stretched to the picture's size."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def bell(half: int, variance: float) -> NDArray[np.float64]:
    """A Gaussian cut to ``2 half + 1`` pixels whose variance, after the cut, is this."""
    sigma = variance**0.5
    at = np.arange(-half, half + 1)
    for _ in range(8):
        weights = gauss(2 * half + 1, sigma)
        sigma *= float((variance / (weights @ at**2)) ** 0.5)
    return weights


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
