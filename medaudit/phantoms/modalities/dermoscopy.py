"""Dermoscopy. Values are optical densities of melanin, blood and dirt in skin, in red, green and blue."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import blob, ellipse, grid, soft
from medaudit.phantoms.modalities import dermoscopy_lesions
from medaudit.phantoms.modalities.base import Modality
from medaudit.phantoms.modalities.colour import Look, developed, stained

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field
    from medaudit.phantoms.picture import Lesion, Picture

MELANIN, BLOOD, BLACK = (0.36, 0.64, 0.95), (0.08, 0.60, 0.46), (1.0, 1.0, 1.0)
_LOOKS = {
    "B": Look(gain=(0.90, 1.01, 1.12), gamma=1.35),
    "C": Look(gain=(0.78, 0.66, 0.54), gamma=0.90, floor=0.15),
}
_BANKS = 16


@lru_cache(maxsize=2 * _BANKS)
def _relief(bank: int, size: int) -> Field:
    """Mottling, skin lines and pores about zero, (size, size), without seams: shifted for each patient."""
    rng = keyed_rng("medaudit.dermoscopy/1", "relief", bank)
    y, x = grid(size)
    turn = np.float32(2 * np.pi)
    relief = np.zeros((size, size), dtype=np.float32)
    for _ in range(12):
        a, b = rng.integers(-3, 4, 2).tolist()
        relief += np.float32(0.14) * np.cos(turn * (a * x + b * y + np.float32(rng.uniform())))
    bend = np.float32(0.5) * np.sin(turn * (x + y))
    lines = np.cos(turn * (9 * x + 5 * y) + bend) * np.cos(turn * (-6 * x + 10 * y) - bend)
    relief += np.float32(0.22) * lines
    for px, py in rng.uniform(0.0, 1.0, (28, 2)).tolist():
        relief += np.float32(0.7) * blob(size, (px, py), 0.011)
    return relief


@lru_cache(maxsize=8)
def _optics(view: str, size: int) -> Field:
    """Darkness of the instrument: a soft vignette, and in contact a sharp black rim and two reflections."""
    rim = ellipse(size, (0.5, 0.5), (0.66, 0.66))
    dark: Field = np.clip(np.float32(0.22) - rim, 0, None) * np.float32(0.9)
    if view == "contact":
        dark = dark + np.float32(3.0) * soft(np.float32(0.02) - rim, size)
        for centre in ((0.30, 0.10), (0.62, 0.945)):
            dark = dark - np.float32(0.5) * blob(size, centre, 0.035)
    return dark


def background(picture: Picture) -> Field:
    """Density of normal skin, (size, size, 3): spottier with age, hairier in men."""
    size = picture.size
    rng = keyed_rng("medaudit.dermoscopy/1", "skin", picture.patient)
    tan, flush = rng.uniform(0.10, 0.75), rng.uniform(0.22, 0.42)
    bank, down, along = (int(i) for i in rng.integers(0, (_BANKS, size, size)))
    relief = np.roll(_relief(bank, size), (down, along), axis=(0, 1))
    spots = np.float32(0.05 + 0.0016 * picture.age)
    melanin = np.float32(tan) + spots * relief
    blood = np.float32(flush * (1.35 if picture.view == "polarised" else 1.0)) - np.float32(0.06) * relief.T
    dark = _optics(picture.view, size) + _hairs(picture, rng)
    return stained((melanin, MELANIN), (blood, BLOOD), (dark, BLACK))


def _hairs(picture: Picture, rng: np.random.Generator) -> Field:
    """Darkness of a few thin bows across the picture."""
    y, x = grid(picture.size)
    bows = rng.uniform(-1.0, 1.0, (5, 3)).tolist()
    width = np.float32(max(0.006, 0.6 / picture.size))
    hairs = np.full((picture.size, picture.size), -1, dtype=np.float32)
    for a, b, c in bows[: 2 if picture.sex == "F" else 5]:
        along, across = (y, x) if c > 0 else (x, y)
        bow = np.float32(0.5 + 0.45 * a) + np.float32(0.7 * b) * (along - np.float32(0.5))
        bow = bow + np.float32(0.5 * c) * (along - np.float32(0.5)) ** 2
        hairs = np.maximum(hairs, width - np.abs(across - bow))
    return np.float32(0.8) * soft(hairs, picture.size)


def layer(lesion: Lesion, picture: Picture) -> Field:
    """Density that one finding adds, (size, size, 3), zero outside it."""
    return dermoscopy_lesions.layer(lesion, picture.patient, picture.size)


def tone(density: Field, picture: Picture) -> Field:
    """Vendor A true; B cold and contrasty; C warm and faded."""
    return developed(density, picture, _LOOKS)


MODALITY = Modality(
    name="dermoscopy",
    noun="dermoscopic picture",
    kinds=("keratosis", "melanoma", "naevus"),
    places=("upper", "lower"),
    views=("polarised", "contact"),
    asks_place="In which half of the picture",
    background=background,
    layer=layer,
    tone=tone,
    grey=False,
)
