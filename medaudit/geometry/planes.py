"""Processed images that are pictures themselves: (..., channels, rows, columns), one plane per view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.geometry.errors import NoGrid
from medaudit.geometry.lens import ENOUGH, Lens, Line, fit_line
from medaudit.geometry.sources import SourceMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def plane_sources(x: Floats, y: Floats, size: tuple[int, int]) -> SourceMap:
    """Source map of a tensor of planes from the measured places of its elements.

    Planes that hold padding alone belong to no view.
    """
    rows, columns = x.shape[-2:]
    flat_x, flat_y = (part.reshape(-1, x.shape[-3], rows, columns) for part in (x, y))
    lenses: list[Lens] = []
    view = np.full(len(flat_x), -1, dtype=np.int32)
    for number, (plane_x, plane_y) in enumerate(zip(flat_x, flat_y, strict=True)):
        if np.isfinite(plane_x).any():
            view[number] = len(lenses)
            lenses.append(plane_lens(plane_x, plane_y, size))
    lead = len(x.shape) - 3
    return SourceMap(
        size=size,
        shape=x.shape,
        lenses=tuple(lenses),
        view=view.reshape(*x.shape[:lead], 1, 1, 1),
        row=np.arange(rows, dtype=np.int32)[:, None],
        column=np.arange(columns, dtype=np.int32),
        valid=np.isfinite(x),
    )


def plane_lens(x: Floats, y: Floats, size: tuple[int, int]) -> Lens:
    """The lens of one plane, from x and y of its elements, (channels, rows, columns)."""
    across, down = _profile(x, size[1]), _profile(np.swapaxes(y, -1, -2), size[0])
    return lens_of(across, down, size, (x.shape[-2], x.shape[-1]))


def lens_of(
    across: tuple[Floats, Floats], down: tuple[Floats, Floats], size: tuple[int, int], shape: tuple[int, int]
) -> Lens:
    """Fit both axes; an axis seen in a sliver only takes the other one's scale.

    Padding comes from keeping the aspect, so where there is little image along one axis, both scales
    are equal.
    """
    narrow_x, narrow_y = len(across[0]) < ENOUGH, len(down[0]) < ENOUGH
    x = None if narrow_x and not narrow_y else fit_line(*across, size[1])
    y = None if narrow_y and not narrow_x else fit_line(*down, size[0])
    x = x or fit_line(*across, size[1], scale=_known(y).scale)
    y = y or fit_line(*down, size[0], scale=x.scale)
    return Lens(x, y, shape)


def _known(line: Line | None) -> Line:
    if line is None:
        raise NoGrid("a view shows too little of the image to be placed")
    return line


def _profile(values: Floats, extent: int) -> tuple[Floats, Floats]:
    """Centres of the columns that show image, and the mean source place of each."""
    flat = values.reshape(-1, values.shape[-1])
    seen = np.isfinite(flat).any(axis=0)
    flat = flat[:, seen]
    means = np.nanmean(flat, axis=0)
    if float(np.nanmean(np.abs(flat - means))) > max(2.0, 2 * extent / 255):
        raise NoGrid("the processor bends or turns the image, so its pixels lie on no straight grid")
    return np.flatnonzero(seen).astype(np.float64) + 0.5, means
