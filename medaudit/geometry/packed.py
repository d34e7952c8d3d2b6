"""Processed images as rows of flattened patches: their grid is read off where their pixels came from."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.geometry.errors import NoGrid
from medaudit.geometry.lens import Lens
from medaudit.geometry.planes import lens_of
from medaudit.geometry.sources import SourceMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int32]


@dataclass(frozen=True)
class Segment:
    """The patches of one view: place of each on the grid (n, 2), -1 for padding; places inside a patch."""

    lens: Lens
    places: Integers
    row: Integers
    column: Integers


def segment_lengths(inputs: dict[str, Any], patches: int) -> list[int] | None:
    """How many patches each view has, from a table of grid sizes among the processor's outputs.

    Such a table, whatever its name, is an integer tensor (k, 2) or (k, 3) whose rows' products sum to the
    number of patches. None where there is no such table.
    """
    for value in inputs.values():
        if hasattr(value, "is_floating_point") and not value.is_floating_point() and value.dim() == 2:
            table = value.cpu().numpy().astype(np.int64)
            if table.shape[1] in (2, 3) and int(table.prod(axis=1).sum()) == patches:
                return [int(product) for product in table.prod(axis=1)]
    return None


def packed_sources(
    x: Floats, y: Floats, size: tuple[int, int], patch: int | None, lengths: list[int]
) -> tuple[SourceMap, Integers]:
    """Source map and patch places (n, 3) of rows of patches, x and y (n, elements of a patch).

    ``lengths`` cuts the rows into views. Padding rows have the place -1, -1, -1.
    """
    side = patch if patch and x.shape[1] % patch**2 == 0 else isqrt(max(x.shape[1] // 3, 1))
    view = np.full((len(x), 1), -1, dtype=np.int32)
    row, column = (np.zeros(x.shape, dtype=np.int32) for _ in range(2))
    places = np.full((len(x), 3), -1, dtype=np.int32)
    lenses: list[Lens] = []
    start = 0
    for length in lengths:
        part = slice(start, start + length)
        start += length
        if not np.isfinite(x[part]).any():
            continue
        found = _segment(x[part], y[part], size, side)
        known = found.places[:, 0] >= 0
        view[part][known] = len(lenses)
        places[part] = np.where(known[:, None], np.insert(found.places, 0, len(lenses), axis=1), -1)
        row[part] = found.places[:, :1] * side + found.row
        column[part] = found.places[:, 1:] * side + found.column
        lenses.append(found.lens)
    return SourceMap(size, x.shape, tuple(lenses), view, row, column, np.isfinite(x)), places


def _segment(x: Floats, y: Floats, size: tuple[int, int], side: int) -> Segment:
    column, patch_column = _axis(x, side)
    row, patch_row = _axis(y, side)
    known = (patch_row >= 0) & (patch_column >= 0)
    places = np.where(known[:, None], np.stack([patch_row, patch_column], axis=1), -1).astype(np.int32)
    shape = (int(patch_row.max() + 1) * side, int(patch_column.max() + 1) * side)
    across = _profile(x[known], places[known, 1], column, side)
    down = _profile(y[known], places[known, 0], row, side)
    return Segment(lens_of(across, down, size, shape), places, row, column)


def _axis(values: Floats, side: int) -> tuple[Integers, Integers]:
    """Along one axis: the index inside the patch of each element, and each patch's index on the grid."""
    shows = np.isfinite(values).any(axis=0)
    whole = np.isfinite(values[:, shows]).all(axis=1)
    if not whole.any():
        raise NoGrid("every patch mixes image and padding")
    centres = values[whole][:, shows].mean(axis=1, keepdims=True)
    offsets = np.zeros(values.shape[1])
    offsets[shows] = (values[whole][:, shows] - centres).mean(axis=0)
    reach = np.ptp(offsets[shows])
    inside = np.zeros(values.shape[1], dtype=np.int32)
    if reach > 0 and side > 1:
        inside[shows] = np.round((offsets[shows] - offsets[shows].min()) / reach * (side - 1))
    seen = np.isfinite(values).any(axis=1)
    grid = np.full(len(values), -1, dtype=np.int32)
    grid[seen] = _ranks(np.nanmean(values[seen] - offsets, axis=1), reach * side / max(side - 1, 1) / 2)
    return inside, grid


def _ranks(centres: Floats, apart: float) -> Integers:
    """Number the clusters of sorted centres; a gap above ``apart`` begins a new one."""
    order = np.argsort(centres, kind="stable")
    steps = np.concatenate([[0], np.diff(centres[order]) > max(apart, 1e-6)])
    ranks = np.empty(len(centres), dtype=np.int32)
    ranks[order] = np.cumsum(steps)
    return ranks


def _profile(values: Floats, patch: Integers, inside: Integers, side: int) -> tuple[Floats, Floats]:
    position = patch[:, None] * side + inside
    seen = np.isfinite(values)
    sums = np.bincount(position[seen], weights=values[seen])
    counts = np.bincount(position[seen])
    shown = counts > 0
    return np.flatnonzero(shown).astype(np.float64) + 0.5, sums[shown] / counts[shown]
