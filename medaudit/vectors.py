"""Unit vectors as short text: what an embedding is in the store and in memory.

Rows are float32, little-endian, in base64 behind their width: 5.4 characters a number, and cosines are
right within 1e-6. Half precision would take half the room and keep raw cosines within 1e-3, but embeddings
of one model point nearly one way: once the mean of a pool is taken off, as searching does, its rounding
moved cosines by 0.006 on ``phantom:clean``.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Vectors = NDArray[np.float32]

#: A vector this short has no direction.
SHORTEST = 1e-12


def packed(rows: ArrayLike, *, unseen: bool = False) -> str:
    """The text of vectors (rows, d), each divided by its length.

    With ``unseen`` a whole row of NaN stays one: a box that no token looks at. Raises ValueError where
    ``rows`` are not two-dimensional, or a row is all zeros or not finite.
    """
    vectors = np.asarray(rows, dtype=np.float64)
    if vectors.ndim != 2 or 0 in vectors.shape:
        raise ValueError(f"vectors are (rows, d), these are {vectors.shape}")
    known = vectors[~np.isnan(vectors).all(axis=1)] if unseen else vectors
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(known).all() or (lengths < SHORTEST).any():
        raise ValueError("a vector has no direction: all zeros, or not finite")
    unit = (vectors / lengths).astype("<f4")
    return f"{vectors.shape[1]}:{base64.b64encode(unit.tobytes()).decode('ascii')}"


def unpacked(text: str) -> Vectors:
    """Unit vectors (rows, d) float32 of a packed text. Raises ValueError for a text that is none."""
    width, _, data = text.partition(":")
    numbers = np.frombuffer(base64.b64decode(data, validate=True), dtype="<f4")
    return numbers.reshape(-1, int(width)).astype(np.float32)
