"""How far apart two vectors point."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from medaudit.errors import DataError

Vectors: TypeAlias = npt.NDArray[np.float32]


def unit_rows(vectors: Any) -> Vectors:
    """Rows of length 1, ``(R, d) float32``. DataError for another shape, NaN, infinity or a row of 0s."""
    table = np.asarray(vectors, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise DataError(f"vectors: a table of finite numbers is needed; shape {table.shape} given.")
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise DataError(f"vectors: row {int(lengths.argmin())} is all 0; it points nowhere, so drop it.")
    return np.asarray(table / lengths, dtype=np.float32)


def cosine_distances(a: Vectors, b: Vectors, ceiling: float = 1.0) -> Vectors:
    """``1 - cosine`` of every pair of unit rows, ``(len(a), len(b))``, cut to ``[0, ceiling]``.

    With ``ceiling=1`` all vectors at a right angle or beyond are equally far, as in RaVL; 2 cuts nothing.
    """
    return np.asarray(np.clip(1 - a @ b.T, 0, ceiling), dtype=np.float32)
