"""Axial CT slices of the upper abdomen. Values are attenuations in thousands of HU: air -1, water 0.

Sides are the patient's: the patient's right, with the liver, lies at the left of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import dab, grid, soft
from medaudit.phantoms.modalities import ct_lesions
from medaudit.phantoms.modalities.base import Modality

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field, Point
    from medaudit.phantoms.picture import Lesion, Picture

FAT, MUSCLE, LIVER, SPLEEN, KIDNEY, VESSEL, GAS = -0.10, 0.06, 0.12, 0.14, 0.19, 0.18, -0.90
#: Thickness of the muscle under the fat.
_WALL = 0.028
#: Lower and upper end of each window.
_WINDOWS = {"soft-tissue": (-0.14, 0.26), "wide": (-0.45, 0.55)}


@dataclass(frozen=True, slots=True)
class Trunk:
    """Proportions of one patient, in one picture size."""

    size: int
    middle: float
    width: float
    depth: float
    fat: float
    bone: float
    calcified: float
    draw: tuple[float, ...]

    def at(self, side: str, across: float, down: float) -> Point:
        """A point beside the midline: the patient's left lies at the right of the picture."""
        offset = across * self.width
        return self.middle + (offset if side == "left" else -offset), 0.51 + (down - 0.51) * self.depth

    def kidney(self, side: str) -> tuple[Point, Point]:
        """Centre and radii."""
        down = 0.625 + 0.012 * self.draw[0] + (0.015 if side == "right" else 0.0)
        return self.at(side, 0.19 + 0.01 * self.draw[1], down), (0.070, 0.086)

    def parenchyma(self, side: str) -> tuple[Point, Point]:
        """Centre and radii of the liver's right lobe, or of the spleen."""
        if side == "right":
            return self.at("right", 0.215, 0.44), (0.19 * self.width, 0.215 * self.depth)
        return self.at("left", 0.295, 0.50), (0.105 * self.width, 0.165 * self.depth)

    def cavity(self, y: Field, x: Field) -> Field:
        """Signed distance to the inner side of the wall."""
        radii = (0.455 * self.width, 0.355 * self.depth)
        squares = ((x - self.middle) / radii[0]) ** 2 + ((y - 0.51) / radii[1]) ** 2
        return (1 - np.sqrt(squares)) * np.float32(min(radii)) - np.float32(self.fat + _WALL)


@lru_cache(maxsize=256)
def trunk(patient: int, sex: str, age: int, size: int) -> Trunk:
    """Proportions drawn for a patient; women carry more fat under the skin, age thins bone."""
    draw = tuple(keyed_rng("medaudit.ct/1", "trunk", patient).uniform(-1.0, 1.0, 12).tolist())
    return Trunk(
        size=size,
        middle=0.5 + 0.012 * draw[11],
        width=(0.94 if sex == "F" else 1.0) + 0.03 * draw[2],
        depth=(0.96 if sex == "F" else 1.02) + 0.03 * draw[3],
        fat=(0.044 if sex == "F" else 0.026) + 0.008 * draw[4],
        bone=0.46 - 0.003 * (min(max(age, 20), 90) - 20),
        calcified=0.016 * min(max(age - 50, 0), 40) / 40,
        draw=draw,
    )


def trunk_of(picture: Picture) -> Trunk:
    return trunk(picture.patient, picture.sex, picture.age, picture.size)


# A finding replaces tissue, so each one looks at the normal slice again.
@lru_cache(maxsize=4)
def normal(shape: Trunk) -> Field:
    """Attenuation of a normal slice, (size, size), read-only."""
    depth = shape.cavity(*grid(shape.size))
    cavity, muscle = soft(depth, shape.size), soft(depth + np.float32(_WALL), shape.size)
    slab = np.float32(-1.0) + soft(depth + np.float32(shape.fat + _WALL), shape.size) * np.float32(1 + FAT)
    slab += (muscle - cavity) * np.float32(MUSCLE - FAT)
    _couch(slab, shape)
    _organs(slab, shape, cavity)
    _bones(slab, shape, muscle)
    _vessels(slab, shape)
    slab.flags.writeable = False
    return slab


def _couch(slab: Field, shape: Trunk) -> None:
    """The table that the patient lies on: a thin bow below the trunk."""
    y, x = grid(shape.size)
    bow = np.abs(y - np.float32(0.955) + np.float32(0.30) * (x - np.float32(0.5)) ** 2)
    slab += np.float32(0.95) * soft(np.float32(0.014) - bow, shape.size) * (slab < np.float32(-0.9))


def _organs(slab: Field, shape: Trunk, cavity: Field) -> None:
    d = shape.draw
    dab(slab, *shape.parenchyma("right"), LIVER, cavity)
    dab(slab, shape.at("right", 0.05, 0.345 + 0.01 * d[5]), (0.16, 0.085), LIVER, cavity)
    dab(slab, shape.at("left", 0.135, 0.37), (0.115, 0.085), 0.04, cavity)  # stomach
    dab(slab, shape.at("left", 0.13 + 0.02 * d[6], 0.325), (0.065, 0.032), GAS)
    dab(slab, *shape.parenchyma("left"), SPLEEN, cavity)
    for side, across, down, i in (
        ("left", 0.10, 0.515, 7),
        ("right", 0.03, 0.475, 8),
        ("left", 0.02, 0.43, 9),
    ):
        dab(slab, shape.at(side, across + 0.015 * d[i], down), (0.055, 0.034), 0.05)
    dab(slab, shape.at("left", 0.10 + 0.015 * d[7], 0.508), (0.026, 0.013), GAS)
    for side in ("left", "right"):
        (cx, cy), radii = shape.kidney(side)
        medial = -0.026 if side == "left" else 0.026
        dab(slab, (cx, cy), radii, KIDNEY)
        dab(slab, (cx + medial, cy), (0.026, 0.036), FAT + 0.06)


def _bones(slab: Field, shape: Trunk, muscle: Field) -> None:
    for side in ("left", "right"):
        dab(slab, shape.at(side, 0.095, 0.775), (0.080, 0.056), MUSCLE, muscle)
        dab(slab, shape.at(side, 0.078, 0.695), (0.034, 0.042), MUSCLE)
        dab(slab, shape.at(side, 0.055, 0.755), (0.040, 0.014), shape.bone)
        for across, down, radii in ((0.395, 0.42, (0.012, 0.030)), (0.375, 0.61, (0.013, 0.030))):
            dab(slab, shape.at(side, across, down), radii, shape.bone, muscle)
    dab(slab, shape.at("left", 0.0, 0.800), (0.016, 0.040), shape.bone, muscle)
    dab(slab, shape.at("left", 0.0, 0.690), (0.064, 0.052), shape.bone - 0.10)
    dab(slab, shape.at("left", 0.0, 0.752), (0.026, 0.021), 0.03)  # spinal canal


def _vessels(slab: Field, shape: Trunk) -> None:
    dab(slab, shape.at("right", 0.055, 0.595), (0.032, 0.022), VESSEL - 0.03)
    centre = shape.at("left", 0.030, 0.600)
    dab(slab, centre, (0.030, 0.030), VESSEL)
    if shape.calcified > 0:
        dab(slab, (centre[0] + 0.020, centre[1] + 0.016), (shape.calcified, shape.calcified), 0.6)


def background(picture: Picture) -> Field:
    """Attenuation of a normal slice, (size, size)."""
    return normal(trunk_of(picture))


def layer(lesion: Lesion, picture: Picture) -> Field:
    """Change of attenuation by one finding, (size, size), zero outside it."""
    shape = trunk_of(picture)
    return ct_lesions.layer(lesion, picture.patient, shape, normal(shape))


def tone(attenuation: Field, picture: Picture) -> Field:
    """The view's window; B lifts the middle greys as a sharp kernel would, C is flat with raised blacks."""
    low, high = _WINDOWS[picture.view]
    curve: Field = np.clip((attenuation - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    if picture.vendor == "A" or picture.vendor_dose == 0:
        return curve
    if picture.vendor == "B":
        other = curve * (np.float32(1.55) - np.float32(0.55) * curve)
    else:
        other = np.float32(0.13) + np.float32(0.68) * curve
    return curve + np.float32(picture.vendor_dose) * (other - curve)


MODALITY = Modality(
    name="ct",
    noun="CT slice of the abdomen",
    kinds=("stone", "cyst", "mass"),
    places=("left", "right"),
    views=("soft-tissue", "wide"),
    asks_place="On which side of the patient",
    background=background,
    layer=layer,
    tone=tone,
)
