"""The line from processed pixels back to original ones, fitted to what a processor did to ramps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medaudit.geometry.boxes import Box
from medaudit.geometry.errors import NoGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Fewer measured columns than this say where a sliver of image lies, and too little about its scale.
ENOUGH = 4


@dataclass(frozen=True)
class Line:
    """``source = scale * processed + offset``, both as coordinates of edges (pixel k spans k to k + 1)."""

    scale: float
    offset: float

    def __call__(self, position: float) -> float:
        return self.scale * position + self.offset


@dataclass(frozen=True)
class Lens:
    """How one processed plane of ``shape`` (rows, columns) looks at the original image."""

    x: Line
    y: Line
    shape: tuple[int, int]

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """The original box of a processed one; a mirrored axis comes out in order."""
        x0, x1 = sorted((self.x(left), self.x(right)))
        y0, y1 = sorted((self.y(top), self.y(bottom)))
        return x0, y0, x1, y1

    @property
    def frame(self) -> Box:
        rows, columns = self.shape
        return self.box(0, 0, columns, rows)


def fit_line(positions: Floats, measured: Floats, extent: int, *, scale: float | None = None) -> Line:
    """Least squares of measured source positions on processed ones.

    Interpolation bends a ramp within a few pixels of the image's border, so those are left out while
    enough remain. A ``scale`` given from elsewhere leaves the offset alone to be fitted. Raises NoGrid
    where the positions do not lie on a line.
    """
    kept = _interior(positions, measured, extent)
    u, x = positions[kept], measured[kept]
    if scale is None:
        centred = u - u.mean()
        scale = float(centred @ x / (centred @ centred)) if len(np.unique(u)) > 1 else 1.0
    line = Line(scale, float(x.mean() - scale * u.mean()))
    off = float(np.sqrt(np.mean((x - scale * u - line.offset) ** 2)))
    # Ramps have 256 greys: a step of extent / 255 in the source, coarser where processing rounds again.
    if off > max(1.5, 2 * extent / 255, abs(scale)):
        raise NoGrid("the processor bends or turns the image, so its pixels lie on no straight grid")
    return _snapped(line, float(positions.min()) - 0.5, float(positions.max()) + 0.5, extent)


def _snapped(line: Line, first: float, last: float, extent: int) -> Line:
    """The exact line where the measured one shows the whole extent but for rounding."""
    close = max(0.15, extent / 1000, 0.3 * abs(line.scale))
    for start, stop in ((0.0, float(extent)), (float(extent), 0.0)):
        if abs(line(first) - start) < close and abs(line(last) - stop) < close:
            scale = (stop - start) / (last - first)
            return Line(scale, start - scale * first)
    return line


def _interior(positions: Floats, measured: Floats, extent: int) -> NDArray[np.bool_]:
    steps = len(np.unique(positions))
    step = np.ptp(measured) / max(steps - 1, 1)
    margin = max(2.0, 1.5 * step)
    inner = (measured > margin) & (measured < extent - margin)
    enough = len(np.unique(positions[inner])) >= ENOUGH
    chosen: NDArray[np.bool_] = inner if enough else np.ones(len(positions), dtype=bool)
    return chosen
