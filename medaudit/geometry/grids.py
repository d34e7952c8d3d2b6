"""How many tokens, hence which grid: the merge factor falls out of the count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import gcd, isqrt
from typing import TYPE_CHECKING

import numpy as np

from medaudit.geometry.errors import NoGrid
from medaudit.geometry.views import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int32]

#: Largest side of the block that becomes one token: patches, or pixels of a convolutional tower.
LARGEST_MERGE = 64


def gridded(views: Sequence[View], tokens: int) -> tuple[View, ...]:
    """Views with the token grids that add up to ``tokens``, row by row, view after view.

    Blocks of m x m patches, one m for all views; else a grid of every view's aspect where all have as many
    tokens (pooling to a fixed number). Raises NoGrid where nothing adds up.
    """
    merged = merged_grids(views, tokens)
    if merged is not None:
        return merged
    share, rest = divmod(tokens, len(views))
    if rest == 0 and len({view.patches for view in views}) == 1:
        grid = _by_aspect(views[0].patches, share)
        if grid is not None:
            return tuple(replace(view, grid=grid) for view in views)
    raise NoGrid(f"{tokens} image tokens do not form a grid over {len(views)} views")


def merged_grids(views: Sequence[View], tokens: int) -> tuple[View, ...] | None:
    """Grids by merging m x m patches; the last block of a row may be cut short by the patch grid's end."""
    for merge in range(1, LARGEST_MERGE + 1):
        grids = [(-(-view.patches[0] // merge), -(-view.patches[1] // merge)) for view in views]
        if sum(rows * columns for rows, columns in grids) == tokens:
            return tuple(_stretched(view, grid, merge) for view, grid in zip(views, grids, strict=True))
    return None


def _stretched(view: View, grid: tuple[int, int], merge: int) -> View:
    """The frame of whole blocks, which ends beyond the patches where the last block is cut short."""
    x0, y0, x1, y1 = view.frame
    right = x0 + (x1 - x0) * grid[1] * merge / view.patches[1]
    bottom = y0 + (y1 - y0) * grid[0] * merge / view.patches[0]
    return replace(view, grid=grid, frame=(x0, y0, right, bottom))


def _by_aspect(patches: tuple[int, int], tokens: int) -> tuple[int, int] | None:
    rows, columns = patches
    common = gcd(rows, columns)
    unit = rows // common * (columns // common)
    scale = isqrt(tokens // unit) if tokens % unit == 0 else 0
    if scale == 0 or scale * scale * unit != tokens:
        return None
    return rows // common * scale, columns // common * scale


def row_major(views: Sequence[View]) -> Integers:
    """Places (n, 3) of all tokens of all views in reading order."""
    places = [
        np.stack([np.full(rows * columns, number), *np.divmod(np.arange(rows * columns), columns)], axis=1)
        for number, view in enumerate(views)
        for rows, columns in [view.grid or view.patches]
    ]
    return np.concatenate(places).astype(np.int32)
