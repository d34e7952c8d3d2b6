"""Noise of MedMNIST-C.

All take a picture, (h, w) for grey or (h, w, 3), its scale (shorter side / 224), which noise does not use,
and a generator. A grey picture has one channel and so one noise field. Laws are drawn from tables of their
quantiles, at the middle of equal steps: this is a few times faster, and the standard deviation is that of the
law within half a percent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.shifts.medmnist_c_pixels import to_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Pixels

    Field = NDArray[np.float32]

#: Steps of the normal law, and of the Poisson law of each grey level.
STEPS, LEVEL_STEPS = 65536, 4096


@lru_cache(maxsize=1)
def _quantiles() -> Field:
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(STEPS) + 0.5) / STEPS), dtype=np.float32)


def _normal(rng: np.random.Generator, shape: tuple[int, ...], mean: float, sd: float) -> Field:
    """A field of independent normal values, none beyond 4.3 ``sd``."""
    table = np.float32(mean) + np.float32(sd) * _quantiles()
    return np.asarray(table.take(rng.integers(0, STEPS, shape, dtype=np.uint16)))


def gaussian_noise(picture: Pixels, scale: float, rng: np.random.Generator, sd: float) -> Pixels:
    """Electronic noise of a detector or an amplifier.

    Each value becomes ``x + N(0, 255 sd)``, clipped; one field for grey, one per channel for colour.

    Declared moments: on an unsaturated mid-grey the change has mean 0 and standard deviation ``255 sd``.
    """
    import cv2

    return np.asarray(cv2.add(picture, _normal(rng, picture.shape, 0, 255 * sd), dtype=cv2.CV_8U))


def speckle_noise(picture: Pixels, scale: float, rng: np.random.Generator, sd: float) -> Pixels:
    """Speckle of coherent waves: noise that grows with the signal.

    Each value becomes ``x (1 + N(0, sd))``, clipped; one field for grey, one per channel for colour.

    Declared moments: on an unsaturated grey x the change has mean 0 and standard deviation ``x sd``; black
    stays black.
    """
    import cv2

    return np.asarray(cv2.multiply(picture, _normal(rng, picture.shape, 1, sd), dtype=cv2.CV_8U))


def impulse_noise(picture: Pixels, scale: float, rng: np.random.Generator, share: float) -> Pixels:
    """Dead and hot pixels of a detector, or errors of a transfer.

    Each value is replaced with probability ``share``: by 0 or by 255, both alike; the channels of a
    coloured picture independently.

    Declared moments: the share of values drawn is ``share``, half of them black.
    """
    drawn = rng.random(picture.shape, dtype=np.float32)
    noisy = picture.copy()
    noisy[drawn < share / 2] = 0
    noisy[drawn >= 1 - share / 2] = 255
    return noisy


@lru_cache(maxsize=16)
def _shot_table(photons: float) -> Pixels:
    """Value after shot noise by (grey level, quantile), flat: 256 x LEVEL_STEPS."""
    counts = np.arange(int(photons + 8 * np.sqrt(photons)) + 12)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(counts[1:]))])
    steps = (np.arange(LEVEL_STEPS) + 0.5) / LEVEL_STEPS
    rows = [np.zeros(LEVEL_STEPS)]
    for level in range(1, 256):
        expected = photons * level / 255
        law = np.cumsum(np.exp(counts * np.log(expected) - expected - log_factorial))
        rows.append(np.searchsorted(law, steps).astype(np.float64))
    return to_bytes(np.stack(rows) * (255 / photons)).ravel()


def shot_noise(picture: Pixels, scale: float, rng: np.random.Generator, photons: float) -> Pixels:
    """Few photons: a low dose or a short exposure.

    Each value becomes ``255 Poisson(photons x / 255) / photons``, clipped; one field for grey, one per
    channel for colour. The Poisson law is drawn from its quantiles in 4,096 equal steps.

    Declared moments: on an unsaturated grey x the change has mean 0 and standard deviation
    ``255 sqrt(x / (255 photons))``; black stays black.
    """
    drawn = rng.integers(0, LEVEL_STEPS, picture.shape, dtype=np.uint16)
    at = picture.astype(np.int32)
    at *= LEVEL_STEPS
    at += drawn
    return np.asarray(_shot_table(photons).take(at))
