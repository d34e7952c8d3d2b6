"""Cheap fixed descriptions of pictures and questions, for telling two sets of cases apart. No model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.case import Case
    from medaudit.image import Image

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


def question_features(cases: Sequence[Case]) -> Floats:
    """One row per case: words of the question by how often they occur and how rare they are (TF-IDF)."""
    said = [Counter(re.findall(r"\w+", case.question.casefold())) for case in cases]
    spread = Counter(word for words in said for word in words)
    known = {word: number for number, word in enumerate(sorted(w for w, n in spread.items() if n > 1))}
    matrix = np.zeros((len(cases), max(1, len(known))))
    for row, words in zip(matrix, said, strict=True):
        for word, times in words.items():
            if word in known:
                row[known[word]] = times * np.log((1 + len(cases)) / (1 + spread[word]))
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(lengths > 0, lengths, 1.0)


def _scaled(block: Floats) -> Floats:
    spread = block.std(axis=0)
    centred = (block - block.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0)
    return np.asarray(centred / np.sqrt(block.shape[1]), dtype=np.float64)


@lru_cache(maxsize=4096)
def _described(named: _Named) -> tuple[Floats, ...]:
    from PIL import Image as Pillow

    pixels = named.image.pixels()
    grey: NDArray[np.float32] = (pixels @ np.asarray([0.299, 0.587, 0.114])).astype(np.float32)
    small = np.asarray(Pillow.fromarray(grey).resize((SIDE, SIDE), Pillow.Resampling.BOX), dtype=np.float64)
    cells = small.reshape(16, SIDE // 16, 16, SIDE // 16).mean(axis=(1, 3)).ravel()
    levels = np.histogram(small, bins=_LEVELS, range=(0, 256))[0] / small.size
    return cells, _orientations(small), levels.astype(np.float64), _texture(pixels, grey)


def _orientations(small: Floats) -> Floats:
    """Strength of gradients per cell and direction (opposite directions are one), of unit length."""
    down, across = np.gradient(small)
    strength = np.hypot(down, across)
    turned = np.mod(np.arctan2(down, across), np.pi) / np.pi * _BINS
    bins = np.minimum(turned.astype(np.int64), _BINS - 1)
    cell = np.arange(SIDE) * _CELLS // SIDE
    place = (cell[:, None] * _CELLS + cell[None, :]) * _BINS + bins
    found = np.bincount(place.ravel(), strength.ravel(), _CELLS * _CELLS * _BINS)
    return np.asarray(found / max(1e-9, float(np.linalg.norm(found))), dtype=np.float64)


def _texture(pixels: NDArray[np.uint8], grey: NDArray[np.float32]) -> Floats:
    colours = pixels[:: max(1, len(pixels) // SIDE), :: max(1, pixels.shape[1] // SIDE)].reshape(-1, 3)
    steps = [np.abs(np.diff(grey, axis=axis)) for axis in (0, 1)]
    neighbours = [np.log1p(float(each.mean())) if each.size else 0.0 for each in steps]
    coarse = np.abs(np.diff(grey[::2, ::2], axis=1))
    neighbours.append(np.log1p(float(coarse.mean())) if coarse.size else 0.0)
    return np.asarray([*colours.mean(axis=0), *colours.std(axis=0), *neighbours], dtype=np.float64)
