"""Vectors of pictures as cosines see them: the pool's mean subtracted, then of length one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from medaudit.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.mining.pool import Ints

Floats: TypeAlias = "NDArray[np.float64]"
Units: TypeAlias = "NDArray[np.float32]"
#: Similarities are rounded to this many decimals, so that a tie is a tie on any machine.
DECIMALS = 6
_ROWS = 4096
#: Few enough that their float64 copies stay in the processor's cache.
_PAIRS = 128


def unit_vectors(vectors: Any, rows: Ints, name: str = "vectors") -> Units:
    """Rows ``rows`` of an array-like ``(n, d)``, less their mean, each of length one: ``(len(rows), d)``.

    Centring undoes the cone that embeddings lie in, where any two pictures have a cosine near one. Reads
    4,096 rows at a time, so a memory map stays on disk; the result is one float32 copy. A row that equals
    the mean is left zero and is similar to nothing. DataError for another shape, fewer rows than pictures,
    and values that are not finite.
    """
    if getattr(vectors, "ndim", 0) != 2 or vectors.shape[1] < 1:
        raise DataError(f"{name}: an array (pictures, dimensions) is needed; got {_shape(vectors)}.")
    if len(rows) and len(vectors) <= int(rows.max()):
        raise DataError(
            f"{name}: {len(vectors)} rows for {int(rows.max()) + 1} distinct pictures; give one row for each "
            "of medaudit.mining.images_of(cases), in that order."
        )
    total = np.zeros(vectors.shape[1])
    for part in _parts(rows):
        chunk = np.asarray(vectors[part], dtype=np.float64)
        if not np.isfinite(chunk).all():
            bad = int(part[~np.isfinite(chunk).all(axis=1)][0])
            raise DataError(f"{name}: row {bad} holds a value that is not finite; embed that picture again.")
        total += chunk.sum(axis=0)
    mean = total / max(1, len(rows))
    found = np.empty((len(rows), vectors.shape[1]), dtype=np.float32)
    for start in range(0, len(rows), _ROWS):
        chunk = np.asarray(vectors[rows[start : start + _ROWS]], dtype=np.float64) - mean
        lengths = np.linalg.norm(chunk, axis=1, keepdims=True)
        # What rounding leaves of a row that is the mean is no direction.
        small = lengths <= 1e-9 * (1.0 + float(np.linalg.norm(mean)))
        found[start : start + _ROWS] = np.where(small, 0.0, chunk / np.where(small, 1.0, lengths))
    return found


def cosines(units: Units, first: Ints, second: Ints) -> Floats:
    """Similarity of each pair, in [-1, 1], rounded; the same whatever other pairs are computed with it."""
    found = np.empty(len(first))
    for start in range(0, len(first), _PAIRS):
        a, b = first[start : start + _PAIRS], second[start : start + _PAIRS]
        low, high = np.minimum(a, b), np.maximum(a, b)
        found[start : start + _PAIRS] = np.einsum(
            "ij,ij->i", units[low].astype(np.float64), units[high].astype(np.float64)
        )
    return np.clip(np.round(found, DECIMALS) + 0.0, -1.0, 1.0)


def _parts(rows: Ints) -> Iterator[Ints]:
    for start in range(0, len(rows), _ROWS):
        yield rows[start : start + _ROWS]


def _shape(vectors: Any) -> str:
    shape = getattr(vectors, "shape", None)
    return f"shape {tuple(shape)}" if shape is not None else f"a {type(vectors).__name__}"
