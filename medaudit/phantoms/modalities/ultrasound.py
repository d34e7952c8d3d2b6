"""Ultrasound of the abdomen. Values are log-compressed echoes: 0 is silent, 0.45 parenchyma, 1 a bright wall.

Places are depths: near the probe, which is at the top, or far from it. Effects add up, as decibels do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import grid
from medaudit.phantoms.modalities import ultrasound_lesions
from medaudit.phantoms.modalities.base import Modality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.phantoms.canvas import Field, Mask, Point
    from medaudit.phantoms.picture import Lesion, Picture

_BANKS = 16
# The convex probe: a sector about a virtual apex above the picture, half an opening angle to each side.
_APEX, _NEAREST, _REACH, _OPENING = -0.42, 0.47, 0.88, 0.41
# The linear probe: an upright rectangle.
_TOP, _HALF_WIDTH, _HEIGHT = 0.05, 0.38, 0.90


@dataclass(frozen=True, slots=True)
class Beam:
    """Where each pixel lies in the beam: depth 0..1 from the probe, lateral -1..1; all (size, size)."""

    view: str
    size: int
    depth: Field
    lateral: Field
    inside: Mask
    row: NDArray[np.int64]
    cell: NDArray[np.int64]

    def point(self, depth: float, lateral: float) -> Point:
        """Picture coordinates (x, y) of a place in the beam."""
        if self.view == "linear":
            return 0.5 + lateral * _HALF_WIDTH, _TOP + depth * _HEIGHT
        radius, angle = _NEAREST + depth * _REACH, lateral * _OPENING
        return 0.5 + radius * float(np.sin(angle)), _APEX + radius * float(np.cos(angle))

    def half_width(self, depth: float) -> float:
        """Half the width of the beam at a depth, in picture widths."""
        return self.point(depth, 1.0)[0] - 0.5


@lru_cache(maxsize=8)
def beam(view: str, size: int) -> Beam:
    """The geometry of a probe, the same for everybody."""
    y, x = grid(size)
    if view == "linear":
        depth = np.broadcast_to((y - np.float32(_TOP)) / np.float32(_HEIGHT), (size, size))
        lateral = np.broadcast_to((x - np.float32(0.5)) / np.float32(_HALF_WIDTH), (size, size))
    else:
        radius = np.hypot(x - np.float32(0.5), y - np.float32(_APEX))
        depth = (radius - np.float32(_NEAREST)) / np.float32(_REACH)
        lateral = np.arctan2(x - np.float32(0.5), y - np.float32(_APEX)) / np.float32(_OPENING)
    inside = (depth >= 0) & (depth <= 1) & (np.abs(lateral) <= 1)
    row = np.clip(depth * size, 0, size - 1).astype(np.int64)
    columns = _columns(size)
    column = np.clip((lateral + 1) / 2 * columns, 0, columns - 1).astype(np.int64)
    return Beam(view, size, depth, lateral, inside, row, row * columns + column)


def _columns(size: int) -> int:
    return size // 2  # speckle is wider than deep


@lru_cache(maxsize=2 * _BANKS)
def _speckle(bank: int, size: int) -> Field:
    """Logarithm of Rayleigh noise about its mean, (size, columns): one of a few, shifted for each patient."""
    rng = keyed_rng("medaudit.ultrasound/1", "speckle", bank, size)
    parts: Any = rng.standard_normal((2, size, _columns(size)), dtype=np.float32)
    parts = parts + np.float32(0.6) * np.roll(parts, 1, axis=1)  # a pulse is longer than a pixel
    noise: Field = np.log(np.hypot(parts[0], parts[1]) + np.float32(0.15)).astype(np.float32)
    return noise - np.float32(noise.mean())


def background(picture: Picture) -> Field:
    """Echoes of a normal picture, (size, size), zero outside the beam."""
    geometry = beam(picture.view, picture.size)
    rng = keyed_rng("medaudit.ultrasound/1", "tissue", picture.patient)
    draw = rng.uniform(-1.0, 1.0, 6).tolist()
    bank, down, along = (int(i) for i in rng.integers(0, (_BANKS, picture.size, _columns(picture.size))))
    speckle = np.roll(_speckle(bank, picture.size), (down, along), axis=(0, 1)).ravel()
    echo = np.float32(0.115) * speckle[geometry.cell]
    echo += _layers(picture, draw)[geometry.row]
    echo += _vessel(geometry, draw)
    seen: Field = np.maximum(echo, 0) * geometry.inside
    return seen


def _layers(picture: Picture, draw: list[float]) -> Field:
    """Echo by depth, (size,): skin, fat (thicker in women) between fasciae, organ (brighter with age)."""
    depth = (np.arange(picture.size) + 0.5) / picture.size
    fat = (0.105 if picture.sex == "F" else 0.070) + 0.012 * draw[0]
    organ = 0.42 + 0.0012 * (picture.age - 50) + 0.025 * draw[1]
    level = np.where(depth < fat, 0.30, np.where(depth < fat + 0.06, 0.36, organ + 0.04 - 0.17 * depth))
    for line, height, width in ((0.012, 0.45, 0.014), (fat, 0.36, 0.012), (fat + 0.06, 0.40, 0.014)):
        level = level + height * np.exp(-(((depth - line) / width) ** 2))
    return level.astype(np.float32)


def _vessel(geometry: Beam, draw: list[float]) -> Field:
    """A dark tube between bright walls half way down, and the diaphragm near the lower end."""
    wave = np.float32(0.025) * np.sin(np.float32(2.5) * geometry.lateral + np.float32(3 * draw[2]))
    off = np.abs(geometry.depth - wave - np.float32(0.535 + 0.008 * draw[3]))
    ends = np.abs(geometry.lateral - np.float32(0.45 * draw[5])) < np.float32(0.5)
    tube = np.float32(-0.36) * (off < 0.020) + np.float32(0.16) * ((off >= 0.020) & (off < 0.031))
    tube = tube * ends
    bow = geometry.depth + np.float32(0.03) * (geometry.lateral - np.float32(0.3 * draw[4])) ** 2
    found: Field = tube + np.float32(0.38) * (np.abs(bow - np.float32(0.972)) < np.float32(0.012))
    return found


def layer(lesion: Lesion, picture: Picture) -> Field:
    """Change of echo by one finding, (size, size), zero outside it."""
    return ultrasound_lesions.layer(lesion, picture.patient, beam(picture.view, picture.size))


def tone(echo: Field, picture: Picture) -> Field:
    """Vendor A linear; B of high contrast, with dark greys pressed down; C flat, with raised blacks."""
    curve: Field = np.clip(echo, 0, 1)
    if picture.vendor == "A" or picture.vendor_dose == 0:
        return curve
    if picture.vendor == "B":
        other = curve * curve * (np.float32(2.6) - np.float32(1.6) * curve)
    else:
        other = np.float32(0.10) + np.float32(0.72) * np.sqrt(curve)
    return curve + np.float32(picture.vendor_dose) * (other - curve)


MODALITY = Modality(
    name="ultrasound",
    noun="ultrasound picture",
    kinds=("stone", "mass", "cyst"),
    places=("near", "far"),
    views=("convex", "linear"),
    asks_place="At which depth",
    background=background,
    layer=layer,
    tone=tone,
)
