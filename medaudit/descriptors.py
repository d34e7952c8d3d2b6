"""Cheap fixed descriptions of pictures. No model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.case import Case
    from medaudit.image import Image, Pixels

    Floats = NDArray[np.float64]

SIDE = 64
_CELLS, _BINS, _LEVELS = 4, 8, 16


@dataclass(frozen=True)
class _Named:
    """A picture that equals another where their content does."""

    digest: str
    image: Image = field(compare=False)


def picture_features(cases: Sequence[Case]) -> Floats:
    """One row per case, of its first picture, ``(n, 409)``: every block of features weighs the same.

    Blocks: 16 x 16 luminance; orientation of gradients in 4 x 4 cells; histogram of grey values; mean and
    spread of the colours, and of differences between neighbouring pixels at full size (sharpness, noise).
    """
    named = [_Named(case.images[0].digest, case.images[0]) for case in cases]
    blocks = zip(*(_described(each) for each in named), strict=True)
    return np.hstack([_scaled(np.stack(block)) for block in blocks])


def small_grey(pixels: Pixels) -> Floats:
    """Luminance of a picture (h, w, 3) from 0 to 255, shrunk to 64 x 64 by area."""
    return _shrunk(_luminance(pixels))


def orientations(small: Floats) -> Floats:
    """Strength of gradients per cell and direction, ``(128,)``, of unit length. Opposite ones are one."""
    down, across = np.gradient(small)
    strength = np.hypot(down, across)
    turned = np.mod(np.arctan2(down, across), np.pi) / np.pi * _BINS
    bins = np.minimum(turned.astype(np.int64), _BINS - 1)
    cell = np.arange(SIDE) * _CELLS // SIDE
    place = (cell[:, None] * _CELLS + cell[None, :]) * _BINS + bins
    found = np.bincount(place.ravel(), strength.ravel(), _CELLS * _CELLS * _BINS)
    return np.asarray(found / max(1e-9, float(np.linalg.norm(found))), dtype=np.float64)


def _luminance(pixels: Pixels) -> NDArray[np.float32]:
    return np.asarray(pixels @ np.asarray([0.299, 0.587, 0.114]), dtype=np.float32)


def _shrunk(grey: NDArray[np.float32]) -> Floats:
    from PIL import Image as Pillow

    return np.asarray(Pillow.fromarray(grey).resize((SIDE, SIDE), Pillow.Resampling.BOX), dtype=np.float64)


def _scaled(block: Floats) -> Floats:
    spread = block.std(axis=0)
    centred = (block - block.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    return np.asarray(centred / np.sqrt(block.shape[1]), dtype=np.float64)


@lru_cache(maxsize=4096)
def _described(named: _Named) -> tuple[Floats, ...]:
    pixels = named.image.pixels()
    grey = _luminance(pixels)
    small = _shrunk(grey)
    cells = small.reshape(16, SIDE // 16, 16, SIDE // 16).mean(axis=(1, 3)).ravel()
    levels = np.histogram(small, bins=_LEVELS, range=(0, 256))[0] / small.size
    return cells, orientations(small), levels.astype(np.float64), _texture(pixels, grey)


def _texture(pixels: Pixels, grey: NDArray[np.float32]) -> Floats:
    colours = pixels[:: max(1, len(pixels) // SIDE), :: max(1, pixels.shape[1] // SIDE)].reshape(-1, 3)
    steps = [np.abs(np.diff(grey, axis=axis)) for axis in (0, 1)]
    neighbours = [np.log1p(float(each.mean())) if each.size else 0.0 for each in steps]
    coarse = np.abs(np.diff(grey[::2, ::2], axis=1))
    neighbours.append(np.log1p(float(coarse.mean())) if coarse.size else 0.0)
    return np.asarray([*colours.mean(axis=0), *colours.std(axis=0), *neighbours], dtype=np.float64)
