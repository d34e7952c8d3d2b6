"""Fundus photographs. Values are optical densities before a white eye: pigment, blood, and what hides them.

The disc lies towards the nose, at the left of the picture in half of the patients. Sex leaves no trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import blob, dab, ellipse, grid, soft
from medaudit.phantoms.modalities import fundus_lesions
from medaudit.phantoms.modalities.base import Modality
from medaudit.phantoms.modalities.colour import Look, developed, stained
from medaudit.phantoms.modalities.fundus_vessels import tree

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field, Point
    from medaudit.phantoms.picture import Lesion, Picture

PIGMENT, BLOOD, DISC, BLACK = (0.12, 0.72, 1.45), (0.30, 0.95, 0.55), (-0.10, -0.62, -0.95), (1.0, 1.0, 1.0)
_LOOKS = {
    "B": Look(gain=(0.86, 1.02, 1.30), gamma=0.90),
    "C": Look(gain=(0.70, 0.70, 0.62), gamma=0.80, floor=0.13),
}


@dataclass(frozen=True, slots=True)
class Eye:
    """Where things lie in one eye, in one view."""

    disc: Point
    macula: Point
    temporal: int
    pigment: float


@lru_cache(maxsize=256)
def eye(patient: int, view: str) -> Eye:
    """Places drawn for a patient; the view is the structure that lies in the middle of the picture."""
    rng = keyed_rng("medaudit.fundus/1", "eye", patient)
    temporal = 1 if rng.random() < 0.5 else -1
    dx, dy, tilt = rng.uniform(-0.015, 0.015, 3).tolist()
    across = 0.5 - (0.27 if view == "macula-centred" else 0.02) * temporal + dx
    disc = (across, 0.5 + dy)
    return Eye(disc, (across + 0.27 * temporal, 0.515 + dy + tilt), temporal, rng.uniform(0.80, 1.25))


@lru_cache(maxsize=8)
def _camera(size: int) -> Field:
    """Darkness of the picture: falling off towards the border of the retina, black beyond it."""
    rim = ellipse(size, (0.5, 0.5), (0.48, 0.48))
    fall: Field = np.float32(2.2) * np.clip(np.float32(0.30) - rim, 0, None) ** 2
    return fall + np.float32(6.0) * (1 - soft(rim, size))


@lru_cache(maxsize=16)
def _choroid(bank: int, size: int) -> Field:
    """Uneven pigment about zero, (size, size)."""
    rng = keyed_rng("medaudit.fundus/1", "choroid", bank)
    y, x = grid(size)
    uneven = np.zeros((size, size), dtype=np.float32)
    for _ in range(14):
        a, b = rng.normal(0.0, 24.0, 2).tolist()
        uneven += np.cos(np.float32(a) * x + np.float32(b) * y + np.float32(rng.uniform(0, 6.28)))
    return uneven * np.float32(0.2)


def background(picture: Picture) -> Field:
    """Density of a normal fundus, (size, size, 3); with age duller, narrower vessels, a larger cup."""
    size, shape = picture.size, eye(picture.patient, picture.view)
    spots = np.float32(0.10 + 0.0012 * picture.age) * _choroid(picture.patient % 16, size)
    pigment = np.float32(shape.pigment) + spots + np.float32(0.60) * blob(size, shape.macula, 0.075)
    disc, cup = np.zeros((size, size), dtype=np.float32), 0.018 + 0.00022 * picture.age
    dab(disc, shape.disc, (0.064, 0.072), 0.95)
    dab(disc, shape.disc, (cup, cup), 1.30)
    vessels = tree(picture.patient, shape.disc, shape.temporal, size)
    blood = vessels * np.float32(0.85 - 0.0025 * picture.age)
    hazy = _camera(size) + np.float32(0.0012 * max(picture.age - 40, 0))
    return stained((pigment, PIGMENT), (blood, BLOOD), (disc, DISC), (hazy, BLACK))


def layer(lesion: Lesion, picture: Picture) -> Field:
    """Change of density by one finding, (size, size, 3), zero outside it."""
    return fundus_lesions.layer(lesion, picture.patient, picture.size)


def tone(density: Field, picture: Picture) -> Field:
    """Camera A true; B bluish; C pale and faded."""
    return developed(density, picture, _LOOKS)


MODALITY = Modality(
    name="fundus",
    noun="fundus photograph",
    kinds=("tuft", "exudate", "haemorrhage"),
    places=("superior", "inferior"),
    views=("macula-centred", "disc-centred"),
    asks_place="In which half of the retina",
    background=background,
    layer=layer,
    tone=tone,
    grey=False,
)
