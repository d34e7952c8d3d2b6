"""Chest radiographs. Values are exposures: 0 is air outside the patient, 0.2 lung, 0.7 mediastinum.

Sides are the patient's: the patient's right lies at the left of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import ellipse, grid, soft
from medaudit.phantoms.modalities import chest_lesions
from medaudit.phantoms.modalities.base import Modality

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field, Point
    from medaudit.phantoms.picture import Lesion, Picture


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

    def lung_centre(self, side: str) -> Point:
        """Centre (x, y) of a lung field: the patient's left lung lies at the right of the picture."""
        offset = 0.215 * self.width
        return self.middle + (offset if side == "left" else -offset), (self.apex + self.base) / 2

    @property
    def lung_radii(self) -> Point:
        return 0.16 * self.width, (self.base - self.apex) / 2

    def lung(self, side: str) -> Field:
        """Signed distance to a lung field: an ellipse cut from below by the dome of the diaphragm."""
        (cx, cy), (rx, ry) = self.lung_centre(side), self.lung_radii
        y, x = grid(self.size)
        dome = np.float32(self.base - 0.05) + np.float32(1.2) * (x - cx) ** 2 - y
        cut: Field = np.minimum(ellipse(self.size, (cx, cy + 0.05), (rx, ry + 0.05)), dome)
        return cut

    def heart_shadow(self) -> Field:
        """Coverage of the heart shadow, mostly left of the midline."""
        centre = (self.middle + 0.045 * self.heart, self.base - 0.15)
        return soft(ellipse(self.size, centre, (0.115 * self.heart, 0.135 * self.heart)), self.size)


@lru_cache(maxsize=256)
def body(patient: int, sex: str, view: str, size: int) -> Body:
    """Proportions drawn for a patient; women's thoraces are narrower, an AP view magnifies the heart."""
    draw = keyed_rng("medaudit.chest/1", "body", patient).uniform(-1.0, 1.0, 6).tolist()
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


def _body_of(picture: Picture) -> Body:
    return body(picture.patient, picture.sex, picture.view, picture.size)


def background(picture: Picture) -> Field:
    """Exposure of a normal chest, (size, size)."""
    shape = _body_of(picture)
    size, (y, x) = shape.size, grid(shape.size)
    thorax = soft(ellipse(size, (shape.middle, 0.62), (0.44 * shape.width, 0.58)), size)
    lungs = soft(np.maximum(shape.lung("left"), shape.lung("right")), size)
    bone = np.float32(0.10 + 0.0012 * (85 - min(picture.age, 85)))  # bone thins with age
    spine = np.exp(-(((x - shape.middle) / 0.03) ** 2)) * (0.66 + 0.44 * np.cos(2 * np.pi * 14 * y))
    skeleton = bone * (_ribs(shape) + spine)
    exposure: Field = thorax * (np.float32(0.62) + np.float32(0.08) * y + skeleton) - lungs * np.float32(0.42)
    exposure = np.maximum(exposure, np.float32(0.72) * shape.heart_shadow())
    reach = 0.02 + 0.0005 * picture.age
    knob = ellipse(size, (shape.middle + 0.055, 0.31), (reach, reach))
    exposure = np.maximum(exposure, np.float32(0.70) * soft(knob, size))
    if picture.sex == "F":
        breasts = np.maximum(_breast(shape, "left"), _breast(shape, "right"))
        exposure = exposure + np.float32(0.10) * soft(breasts, size)
    return exposure


def _ribs(shape: Body) -> Field:
    y, x = grid(shape.size)
    across = x - shape.middle
    arch = y + np.float32(1.1) * across**2
    wave = np.cos(np.float32(2 * np.pi) * (arch * np.float32(9.0) + np.float32(shape.rib_phase)))
    ribs: Field = np.clip(wave - np.float32(0.35), 0, None) * (np.abs(across) > 0.05)
    return ribs


def _breast(shape: Body, side: str) -> Field:
    cx, _ = shape.lung_centre(side)
    return ellipse(shape.size, (cx, shape.base - 0.13), (0.13 * shape.width, 0.12))


def layer(lesion: Lesion, picture: Picture) -> Field:
    """Extra exposure of one finding, (size, size), zero outside it."""
    return chest_lesions.layer(lesion, picture.patient, _body_of(picture))


def tone(exposure: Field, picture: Picture) -> Field:
    """Vendor A nearly linear; B steep in the dark, compressed in the bright; C soft, with raised blacks."""
    level = np.clip(exposure, 0, None)
    curve: Field = np.float32(0.97) * np.tanh(np.float32(0.95) * level)
    if picture.vendor == "A" or picture.vendor_dose == 0:
        return curve
    if picture.vendor == "B":
        other = np.float32(0.06) + np.float32(0.88) * np.tanh(np.float32(1.15) * level) ** np.float32(0.85)
    else:
        other = np.float32(0.14) + np.float32(0.62) * np.tanh(np.float32(1.05) * level)
    mixed: Field = curve + np.float32(picture.vendor_dose) * (other - curve)
    return mixed


MODALITY = Modality(
    name="chest",
    noun="chest radiograph",
    kinds=("opacity", "effusion", "nodule"),
    places=("left", "right"),
    views=("PA", "AP"),
    asks_place="On which side of the patient",
    background=background,
    layer=layer,
    tone=tone,
)
