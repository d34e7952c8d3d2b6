"""A chest-like picture with known content, and SSIM written from its paper (Wang et al. 2004)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def chest(side: int, seed: int = 0) -> Pixels:
    """Mediastinum, heart, two lungs, ribs and a fine grain, (side, side, 3) uint8, grey."""
    y, x = np.mgrid[0:side, 0:side] / side
    grey = 40 + 70 * np.exp(-(((x - 0.5) / 0.28) ** 2))
    for centre in (0.3, 0.7):
        grey -= 55 * np.exp(-((((x - centre) / 0.13) ** 2 + ((y - 0.5) / 0.28) ** 2) ** 2))
    for rib in range(7):
        course = (y - 0.2 - 0.09 * rib - 0.25 * (x - 0.5) ** 2) / 0.012
        grey += 22 * np.exp(-(course**2)) * (np.abs(x - 0.5) > 0.06)
    grey += 80 * np.exp(-(((x - 0.5) / 0.05) ** 2))
    grey += 60 * np.exp(-((((x - 0.57) / 0.12) ** 2 + ((y - 0.68) / 0.13) ** 2) ** 2))
    grain = np.random.default_rng(seed).normal(0, 1, (side, side))
    grey += 6 * gaussian_filter(grain, side / 100)
    return np.repeat(np.clip(np.rint(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def ssim(first: Pixels, second: Pixels) -> float:
    """Mean structural similarity of two pictures: Gaussian window of sd 1.5, K1 0.01, K2 0.03."""
    a, b = (picture.astype(np.float64).mean(axis=2) for picture in (first, second))

    def local(values: Any) -> Any:
        return gaussian_filter(values, 1.5, truncate=3.5)

    mean_a, mean_b = local(a), local(b)
    var_a, var_b = local(a * a) - mean_a**2, local(b * b) - mean_b**2
    covariance = local(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return float((above / below).mean())


@pytest.fixture(scope="session")
def chest_picture() -> Callable[..., Pixels]:
    return chest


@pytest.fixture(scope="session")
def similarity() -> Callable[[Pixels, Pixels], float]:
    return ssim
