"""Where every element of a processed pixel tensor lies in the original image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medaudit.geometry.lens import Lens, Line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int32]


@dataclass(frozen=True)
class SourceMap:
    """The processor of one image size, inverted.

    ``view``, ``row`` and ``column`` broadcast to ``shape``, that of the pixel tensor: which of the
    ``lenses`` an element belongs to (-1: padding only) and its place in that processed plane.
    ``valid``: elements that show the image rather than padding. ``size``: height, width of the original.
    """

    size: tuple[int, int]
    shape: tuple[int, ...]
    lenses: tuple[Lens, ...]
    view: Integers
    row: Integers
    column: Integers
    valid: NDArray[np.bool_]

    @property
    def x(self) -> Floats:
        """Source x of every element's centre, original pixels; NaN for elements of no view."""
        return self._places(self.column, [lens.x for lens in self.lenses])

    @property
    def y(self) -> Floats:
        return self._places(self.row, [lens.y for lens in self.lenses])

    def scatter(self, values: Floats) -> Floats:
        """Spread values at processed pixels over the original ones that they show: (height, width).

        The sum is kept, but for what fell on padding. Every element's value is shared out over its
        rectangle in the original, in proportion to the overlap; channels and views add up.
        """
        height, width = self.size
        heat = np.zeros(self.size)
        view, row, column = (np.broadcast_to(part, self.shape) for part in (self.view, self.row, self.column))
        for number, lens in enumerate(self.lenses):
            chosen = (view == number) & self.valid
            plane = np.zeros(lens.shape)
            np.add.at(plane, (row[chosen], column[chosen]), np.asarray(values, dtype=np.float64)[chosen])
            heat += _shares(lens.y, lens.shape[0], height).T @ plane @ _shares(lens.x, lens.shape[1], width)
        return heat

    def _places(self, index: Integers, lines: list[Line]) -> Floats:
        scales = np.array([line.scale for line in lines] + [np.nan])
        offsets = np.array([line.offset for line in lines] + [np.nan])
        return np.broadcast_to(scales[self.view] * (index + 0.5) + offsets[self.view], self.shape)


def _shares(line: Line, processed: int, original: int) -> Floats:
    """Share of each processed row that falls on each original one, (processed, original); rows sum to 1."""
    edges = line.scale * np.arange(processed + 1) + line.offset
    low, high = np.minimum(edges[:-1], edges[1:]), np.maximum(edges[:-1], edges[1:])
    grid = np.arange(original)
    overlap = np.minimum(high[:, None], grid + 1) - np.maximum(low[:, None], grid)
    overlap = overlap.clip(min=0)
    shares: Floats = overlap / np.maximum(overlap.sum(axis=1, keepdims=True), 1e-12)
    return shares
