"""Random bits, and normal noise on bytes by tables.

A byte x is whole, so that ``round(x + n)`` is ``x + round(n)``: noise may be rounded before it is added. A
normal variable is the sum of two independent ones. Each is drawn by a byte from a table of 256 quantiles, at
the middle of equal steps, rounded to whole grey values: 65,536 pairs, the largest beyond 4 standard
deviations.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from medaudit.shifts.library import looked_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Pixels

    Words = NDArray[np.uint16]

_STEPS = 256


def random_bytes(rng: np.random.Generator, shape: tuple[int, ...]) -> Pixels:
    """Independent even bytes, the same on machines of either byte order."""
    count = prod(shape)
    words = rng.integers(0, 1 << 64, -(-count // 8), dtype=np.uint64)
    return words.astype("<u8", copy=False).view(np.uint8)[:count].reshape(shape)


def random_words(rng: np.random.Generator, shape: tuple[int, ...]) -> Words:
    """Independent even numbers of 16 bits."""
    words = random_bytes(rng, (*shape, 2)).view("<u2").reshape(shape)
    return np.asarray(words, dtype=np.uint16)


@lru_cache(maxsize=1)
def _quantiles() -> NDArray[np.float64]:
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(_STEPS) + 0.5) / _STEPS), dtype=np.float64)


@lru_cache(maxsize=64)
def half_noise(sd: float) -> NDArray[np.int64]:
    """Table (256,) of whole numbers; the sum of two draws has the variance ``sd^2 + 1 / 12``.

    The twelfth is what rounding adds to the law itself. What the two roundings here add depends on where the
    quantiles fall, so that the scale is searched for: the spread is right within 0.2 % from sd 2 on.
    """
    quantiles = _quantiles()
    variance = (sd**2 + 1 / 12) / 2
    scales = np.sqrt(max(variance - 1 / 12, 0.0)) / quantiles.std() * np.linspace(0.97, 1.03, 241)
    tables = np.rint(scales[:, None] * quantiles)
    return np.asarray(tables[np.abs(tables.var(axis=1) - variance).argmin()].astype(np.int64))


@lru_cache(maxsize=64)
def _tables(sd: float, level: int) -> tuple[Pixels, Pixels, Pixels]:
    """What a byte adds (once above ``level``, once above 0), and what it takes away."""
    noise = half_noise(sd)
    rise, fall = np.clip(noise, 0, 255), np.clip(-noise, 0, 255)
    above = np.clip(rise + level, 0, 255)
    return above.astype(np.uint8), rise.astype(np.uint8), fall.astype(np.uint8)


def _sums(rng: np.random.Generator, shape: tuple[int, ...], sd: float, level: int) -> tuple[Pixels, Pixels]:
    """Fields of the shape: what is added and what is taken away, the latter not yet from the former."""
    import cv2

    above, rise, fall = _tables(sd, level)
    one, other = random_bytes(rng, (2, *shape))
    added = cv2.add(looked_up(one, above), looked_up(other, rise))
    taken = cv2.add(looked_up(one, fall), looked_up(other, fall))
    return np.asarray(added), np.asarray(taken)


def with_normal(picture: Pixels, sd: float, rng: np.random.Generator) -> Pixels:
    """``clip(x + N(0, sd), 0, 255)`` with an independent draw for each byte; sd in grey values, to 100."""
    import cv2

    added, taken = _sums(rng, picture.shape, sd, 0)
    # One of the two differences is 0 everywhere, so that saturation comes last, as in the law.
    up, down = cv2.subtract(added, taken), cv2.subtract(taken, added)
    return np.asarray(cv2.subtract(cv2.add(picture, up), down))


def times_normal(picture: Pixels, sd: float, rng: np.random.Generator) -> Pixels:
    """``clip(x N(1, sd), 0, 255)`` with an independent draw for each byte; sd to 0.7.

    The factor is a fixed-point number of 8 bits, its unit the 32nd to 128th part of 1.
    """
    import cv2

    one = next(unit for unit in (128, 64, 32) if unit * (1 + 4.2 * sd) <= 255)
    added, taken = _sums(rng, picture.shape, one * sd, one)
    return np.asarray(cv2.multiply(picture, cv2.subtract(added, taken), scale=1 / one))
