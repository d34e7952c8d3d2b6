"""A description of pictures that owes nothing to the model under audit: the reference for *looks different*.

Fixed, offline, deterministic. It sees what a first glance sees (brightness by place, edges by place and
direction, coarse shape) and has learnt nothing, so it has no blind spot that training put into the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.descriptors import SIDE, orientations, small_grey

if TYPE_CHECKING:
    from medaudit.image import Image
    from medaudit.mining.vectors import Floats, Units

_GRIDS = (1, 2, 4)
#: Cosine terms u, v with u + v below this, without the constant one.
_DIAGONAL = 12
WIDTH = 2 * sum(grid * grid for grid in _GRIDS) + 128 + _DIAGONAL * (_DIAGONAL + 1) // 2 - 1


def reference_vectors(images: Sequence[Image]) -> Units:
    """One row per picture, ``(n, 247) float32``, from its grey values shrunk to 64 x 64 by area.

    Blocks, each of length one at most, so that they weigh the same: mean and spread of grey on grids of 1, 2
    and 4 cells a side, in units of full scale (42); strength of gradients by direction in 4 x 4 cells (128,
    after Dalal and Triggs 2005); low cosine terms (77). A row depends on its own picture alone. Pictures of
    equal digest are described once. One core takes 0.6 s for 1,000 pictures of 64 pixels a side, 3 s at 512,
    beyond decoding (``benchmarks/mining.py``). Vectors of a self-supervised encoder, where one
    is at hand, may be used in their place.
    """
    pictures, places = distinct(images)
    found = np.zeros((len(pictures), WIDTH), dtype=np.float32)
    for place, image in enumerate(pictures):
        found[place] = described(small_grey(image.pixels()))
    return found[places]


def distinct(images: Sequence[Image]) -> tuple[list[Image], list[int]]:
    """Pictures of different digests, in order of their first coming, and the place of each image's there."""
    known: dict[str, Image] = {}
    for image in images:
        known.setdefault(image.digest, image)
    place = {digest: number for number, digest in enumerate(known)}
    return list(known.values()), [place[image.digest] for image in images]


def described(small: Floats) -> Floats:
    """The blocks of one picture of ``(64, 64)`` grey values from 0 to 255."""
    return np.concatenate([_grey(small), orientations(small), _waves(small)])


def low_frequencies(small: Floats, terms: int) -> Floats:
    """Two-dimensional cosine transform (type II, orthonormal) of a square picture: ``(terms, terms)``."""
    rows = _cosines(len(small), terms)
    return np.asarray(rows @ small @ rows.T, dtype=np.float64)


def _grey(small: Floats) -> Floats:
    parts: list[Floats] = []
    for grid in _GRIDS:
        cells = small.reshape(grid, SIDE // grid, grid, SIDE // grid) / 255.0
        parts += [cells.mean(axis=(1, 3)).ravel(), cells.std(axis=(1, 3)).ravel()]
    values = np.concatenate(parts)
    return np.asarray(values / np.sqrt(len(values)), dtype=np.float64)


def _waves(small: Floats) -> Floats:
    terms = low_frequencies(small, _DIAGONAL)
    u, v = np.indices(terms.shape)
    kept = terms[(u + v < _DIAGONAL) & (u + v > 0)]
    # Large terms are few: the root lets the many small ones be heard.
    kept = np.sign(kept) * np.sqrt(np.abs(kept))
    return np.asarray(kept / max(1e-9, float(np.linalg.norm(kept))), dtype=np.float64)


@cache
def _cosines(side: int, terms: int) -> Floats:
    place, wave = np.arange(side) + 0.5, np.arange(terms)[:, None]
    table = np.cos(np.pi * wave * place / side) * np.sqrt(2.0 / side)
    table[0] /= np.sqrt(2.0)
    table.flags.writeable = False
    return np.asarray(table, dtype=np.float64)
