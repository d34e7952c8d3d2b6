"""Storage and colour of MedMNIST-C.

All take a picture, (h, w) for grey or (h, w, 3), its scale (shorter side / 224) and a generator. Sizes are
shares here, so none uses the scale.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.shifts.intensity import luminance
from medaudit.shifts.library import looked_up, to_bytes, words_looked_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Pixels


@lru_cache(maxsize=512)
def _line(factor: float, offset: float) -> Pixels:
    """Table of ``factor x + offset``, rounded once and clipped."""
    return to_bytes(factor * np.arange(256) + offset)


@lru_cache(maxsize=64)
def _power(exponent: float) -> Pixels:
    return to_bytes(255 * (np.arange(256) / 255) ** exponent)


def pixelate(picture: Pixels, scale: float, rng: np.random.Generator, share: float) -> Pixels:
    """A picture stored small and enlarged again without smoothing.

    Reduced by area means to ``share`` of width and height (rounded down, at least a pixel), enlarged by
    nearest neighbour. Nothing is drawn at random.

    Declared moments: the mean moves by less than 2 of 255.
    """
    import cv2

    height, width = picture.shape[:2]
    small = (max(1, int(width * share)), max(1, int(height * share)))
    reduced = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_NEAREST_EXACT))


def jpeg(picture: Pixels, scale: float, rng: np.random.Generator, quality: float) -> Pixels:
    """Lossy JPEG of an archive or a messenger.

    Encoded and decoded at the quality, chroma subsampled 4:2:0. Nothing is drawn at random.

    Declared moments: the mean moves by less than 2 of 255.
    """
    import cv2

    grey = picture.ndim == 2
    # The encoder takes blue first; without the turn, luma weights would fall on the wrong channels.
    given = picture if grey else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, stream = cv2.imencode(".jpg", given, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    decoded: Any = cv2.imdecode(stream, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
    return np.asarray(decoded if grey else cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))


def brightness(picture: Pixels, scale: float, rng: np.random.Generator, factor: float) -> Pixels:
    """Light, gain or exposure set too high or too low.

    Each value becomes ``factor x``, clipped. Nothing is drawn at random.

    Declared moments: the mean is multiplied by the factor where nothing is clipped; black stays black.
    """
    return looked_up(picture, _line(factor, 0.0))


def contrast(picture: Pixels, scale: float, rng: np.random.Generator, factor: float) -> Pixels:
    """A window too narrow or too wide, or a display set so.

    Each value becomes ``m + factor (x - m)``, m the mean luminance, a whole number. Nothing is drawn at
    random.

    Declared moments: where nothing is clipped, the mean of a grey picture stays within 1 of 255 and its
    standard deviation is multiplied by the factor.
    """
    mean = int(luminance(picture) + 0.5)
    return looked_up(picture, _line(factor, mean * (1 - factor)))


def gamma(picture: Pixels, scale: float, rng: np.random.Generator, exponent: float) -> Pixels:
    """Another tone curve of the workstation or the printer.

    Each value becomes ``255 (x / 255) ** exponent``: above 1 darker, below 1 brighter. Nothing is drawn at
    random.

    Declared moments: black and white stay; 64 becomes ``255 (64 / 255) ** exponent``.
    """
    return looked_up(picture, _power(exponent))


def saturate(picture: Pixels, scale: float, rng: np.random.Generator, amount: float) -> Pixels:
    """A stain too strong or a camera that makes colours lively.

    Saturation (HSV) becomes ``min(1, S + amount)``, hue and value stay. A pixel without colour has no hue
    and stays grey; published pictures turn it red. Nothing is drawn at random.

    Declared moments: the largest channel of each pixel stays; grey pictures stay as they are.
    """
    import cv2

    if picture.ndim == 2:
        return picture.copy()
    channels = cv2.split(picture)
    red, green, blue = channels
    value = cv2.max(cv2.max(red, green), blue)
    chroma = cv2.subtract(value, cv2.min(cv2.min(red, green), blue))
    pair = cv2.merge([chroma, value]).view("<u2").reshape(value.shape)
    gain = words_looked_up(pair, _gain(amount))
    livelier = []
    for channel in channels:
        short = cv2.multiply(cv2.subtract(value, channel), gain, dtype=cv2.CV_8U)
        livelier.append(cv2.subtract(value, short))
    return np.asarray(cv2.merge(livelier))


@lru_cache(maxsize=16)
def _gain(amount: float) -> NDArray[np.float32]:
    """How much further channels lie below the largest one, by (value, chroma): 65,536 numbers."""
    value, chroma = np.mgrid[0:256, 0:256]
    relative = value / np.maximum(chroma, 1)
    gain = np.minimum(relative, 1 + amount * relative) * (chroma > 0)
    return np.asarray(gain.ravel(), dtype=np.float32)


#: One table for all channels: on a grey picture these cost less than to look whether it is grey.
POINTWISE = (brightness, contrast, gamma)
