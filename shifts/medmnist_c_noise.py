"""Noise of MedMNIST-C.

All take a picture, (h, w) for grey or (h, w, 3), its scale (shorter side / 224), which noise does not use,
and a generator. A grey picture has one channel and so one noise field. Laws are drawn from tables of their
quantiles, at the middle of equal steps: this is many times faster, and the standard deviation is that of the
law within half a percent.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.shifts.draws import random_words, times_normal, with_normal
from medaudit.shifts.library import to_bytes

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: Steps of the Poisson law of each grey level.
LEVEL_STEPS = 4096


def gaussian_noise(picture: Pixels, scale: float, rng: np.random.Generator, sd: float) -> Pixels:
    """Electronic noise of a detector or an amplifier.

    Each value becomes ``x + N(0, 255 sd)``, clipped; one field for grey, one per channel for colour.

    Declared moments: on an unsaturated mid-grey the change has mean 0 and standard deviation ``255 sd``.
    """
    return with_normal(picture, 255 * sd, rng)


def speckle_noise(picture: Pixels, scale: float, rng: np.random.Generator, sd: float) -> Pixels:
    """Speckle of coherent waves: noise that grows with the signal.

    Each value becomes ``x (1 + N(0, sd))``, clipped; one field for grey, one per channel for colour.

    Declared moments: on an unsaturated grey x the change has mean 0 and standard deviation ``x sd``; black
    stays black.
    """
    return times_normal(picture, sd, rng)


def impulse_noise(picture: Pixels, scale: float, rng: np.random.Generator, share: float) -> Pixels:
    """Dead and hot pixels of a detector, or errors of a transfer.

    Each value is replaced with probability ``share``: by 0 or by 255, both alike; the channels of a
    coloured picture independently. Draws have 16 bits.

    Declared moments: the share of values drawn is ``share``, half of them black.
    """
    import cv2

    drawn, half = random_words(rng, picture.shape), np.uint16(round(share * 32768))
    white = (drawn < half).view(np.uint8) * np.uint8(255)
    black = (drawn >= 65536 - int(half)).view(np.uint8) * np.uint8(255)
    return np.asarray(cv2.subtract(cv2.bitwise_or(picture, white), black))


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
    drawn = random_words(rng, picture.shape) % np.uint16(LEVEL_STEPS)
    at = picture.astype(np.int32)
    at *= LEVEL_STEPS
    at += drawn
    return np.asarray(_shot_table(photons).take(at))
