"""What a chest phantom shows when nothing is wrong: thorax, lungs, heart, ribs, and the marker.

Coordinates run from 0 to 1, x to the right of the picture, y downwards. Values are exposures: 0 is air
outside the patient, about 0.2 aerated lung, about 0.7 mediastinum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.float64]

# An L of 6 x 7 cells: readable as a letter at 64 pixels, where a cell is a pixel.
_GLYPH = np.array([[1, 1, 0, 0, 0, 0]] * 5 + [[1, 1, 1, 1, 1, 1]] * 2, dtype=bool)


@lru_cache(maxsize=8)
def grid(size: int) -> tuple[Field, Field]:
    """Pixel centres: y of shape (size, 1), x of shape (1, size)."""
    centres = (np.arange(size) + 0.5) / size
    centres.flags.writeable = False
    return centres[:, None], centres[None, :]


def soft(distance: Field, size: int) -> Field:
    """Coverage 0..1 of a shape whose signed distance (inside positive) is given, two pixels of edge."""
    return np.clip(distance * size / 2 + 0.5, 0.0, 1.0)


def ellipse(size: int, centre: tuple[float, float], radii: tuple[float, float]) -> Field:
    """Signed distance, approximate, to an ellipse with centre (x, y) and radii (x, y)."""
    y, x = grid(size)
    return (1.0 - np.hypot((x - centre[0]) / radii[0], (y - centre[1]) / radii[1])) * min(radii)


@dataclass(frozen=True, slots=True)
class Body:
    """Proportions of one patient, in one picture size."""

    size: int
    middle: float
    width: float
    apex: float
    base: float
    heart: float
    rib_phase: float

    def lung_centre(self, side: str) -> tuple[float, float]:
        """Centre (x, y) of a lung field: the patient's left lung lies at the right of the picture."""
        offset = 0.215 * self.width
        return self.middle + (offset if side == "left" else -offset), (self.apex + self.base) / 2

    @property
    def lung_radii(self) -> tuple[float, float]:
        return 0.16 * self.width, (self.base - self.apex) / 2

    def lung(self, side: str) -> Field:
        """Signed distance to a lung field: an ellipse cut from below by the dome of the diaphragm."""
        (cx, cy), (rx, ry) = self.lung_centre(side), self.lung_radii
        y, x = grid(self.size)
        dome = self.base - 0.05 + 1.2 * (x - cx) ** 2 - y
        return np.minimum(ellipse(self.size, (cx, cy + 0.05), (rx, ry + 0.05)), dome)


@lru_cache(maxsize=256)
def body(patient: int, sex: str, view: str, size: int) -> Body:
    """Proportions drawn for a patient; women's thoraces are narrower, an AP view magnifies the heart."""
    draw = keyed_rng("medaudit.chest/1", "body", patient).uniform(-1.0, 1.0, 6)
    narrow = 0.92 if sex == "F" else 1.04
    return Body(
        size=size,
        middle=0.5 + 0.015 * draw[0],
        width=narrow + 0.03 * draw[1],
        apex=0.17 + 0.015 * draw[2],
        base=(0.81 if sex == "F" else 0.84) + 0.02 * draw[3],
        heart=(1.0 + 0.08 * draw[4]) * (1.3 if view == "AP" else 1.0),
        rib_phase=0.5 * draw[5],
    )


def background(body: Body, sex: str, age: int) -> Field:
    """Exposure of a normal chest, (size, size)."""
    size, (y, x) = body.size, grid(body.size)
    thorax = soft(ellipse(size, (body.middle, 0.62), (0.44 * body.width, 0.58)), size)
    lungs = np.maximum(soft(body.lung("left"), size), soft(body.lung("right"), size))
    bone = 0.10 + 0.0012 * (85 - min(age, 85))  # bone thins with age
    exposure = thorax * (0.62 + 0.08 * y) - lungs * 0.42
    exposure = exposure + bone * _ribs(body) * thorax
    spine = np.exp(-(((x - body.middle) / 0.03) ** 2)) * (0.6 + 0.4 * np.cos(2 * np.pi * 14 * y))
    exposure = exposure + 1.1 * bone * spine * thorax
    exposure = np.maximum(exposure, 0.72 * heart(body))
    knob = ellipse(size, (body.middle + 0.055, 0.31), (0.02 + 0.0005 * age, 0.02 + 0.0005 * age))
    exposure = np.maximum(exposure, 0.70 * soft(knob, size))
    if sex == "F":
        exposure = exposure + 0.10 * (_breast(body, "left") + _breast(body, "right"))
    return exposure


def _ribs(body: Body) -> Field:
    y, x = grid(body.size)
    arch = y + 1.1 * (x - body.middle) ** 2
    wave = np.cos(2 * np.pi * (arch * 9.0 + body.rib_phase))
    return np.clip(wave - 0.35, 0.0, None) * (np.abs(x - body.middle) > 0.05)


def heart(body: Body) -> Field:
    """Coverage of the heart shadow, mostly left of the midline."""
    centre = (body.middle + 0.045 * body.heart, body.base - 0.15)
    return soft(ellipse(body.size, centre, (0.115 * body.heart, 0.135 * body.heart)), body.size)


def _breast(body: Body, side: str) -> Field:
    cx, _ = body.lung_centre(side)
    return soft(ellipse(body.size, (cx, body.base - 0.13), (0.13 * body.width, 0.12)), body.size)


@lru_cache(maxsize=16)
def marker_mask(left: bool, size: int) -> NDArray[np.bool_]:
    """Pixels of the marker in the upper left or upper right corner of the picture."""
    cell = max(1, size // 64)
    glyph = np.kron(_GLYPH, np.ones((cell, cell), dtype=bool))
    height, width = glyph.shape
    mask = np.zeros((size, size), dtype=bool)
    start = 3 * cell if left else size - 3 * cell - width
    mask[3 * cell : 3 * cell + height, start : start + width] = glyph
    mask.flags.writeable = False
    return mask
