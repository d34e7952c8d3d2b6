"""Findings of a dermoscopy phantom: pigment that is added to the skin."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import framed, lump, patch, soft
from medaudit.phantoms.modalities.colour import stained

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field
    from medaudit.phantoms.picture import Lesion

_BROWN, _HORN, _VEIL = (0.36, 0.64, 0.95), (0.16, 0.40, 0.95), (0.95, 0.62, 0.18)
#: Sites beside each other in either half; which finding takes which is drawn by patient.
_COLUMNS = (0.22, 0.50, 0.78)
_ROWS = {"upper": 0.315, "lower": 0.685}
_KINDS = ("keratosis", "melanoma", "naevus")


def layer(lesion: Lesion, patient: int, size: int) -> Field:
    """Density that one finding adds, (size, size, 3), zero outside it; shape and site drawn by patient."""
    order = keyed_rng("medaudit.dermoscopy/1", "sites", patient, lesion.place).permutation(3).tolist()
    rng = keyed_rng("medaudit.dermoscopy/1", patient, lesion.kind, lesion.place)
    x = _COLUMNS[order[_KINDS.index(lesion.kind)]] + rng.uniform(-0.012, 0.012)
    y = _ROWS[lesion.place] + rng.uniform(-0.012, 0.012)
    rows, columns, where = patch(size, (x, y), 0.145)
    wobble, paint = _SHAPES[lesion.kind]
    radius = rng.uniform(0.052, 0.056) + 0.055 * lesion.extent
    phases = (rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi))
    distance = lump(rows, columns, (x, y), radius, wobble, phases)
    cover = soft(distance, size)
    cover = cover * (cover >= np.float32(0.25))
    return framed(paint(cover, distance, rng.uniform(0, 2 * np.pi), columns - x, rows - y), where, size)


def _naevus(cover: Field, distance: Field, turn: float, x: Field, y: Field) -> Field:
    """Round, evenly brown, with a regular network that thins towards the edge."""
    net = np.cos(np.float32(125) * x) * np.cos(np.float32(125) * y)
    depth = np.float32(1.05) + np.clip(distance, 0, None) * np.float32(4.0) + np.float32(0.22) * net
    return stained((cover * depth, _BROWN))


def _melanoma(cover: Field, distance: Field, turn: float, x: Field, y: Field) -> Field:
    """Jagged, lopsided, of several colours: brown to black, with a blue-white veil."""
    slope = x * float(np.cos(turn)) + y * float(np.sin(turn))
    clots = np.sin(np.float32(70) * x + np.float32(turn)) * np.sin(np.float32(60) * y)
    depth = np.float32(1.9) + np.float32(9.0) * slope + np.float32(0.4) * clots
    aside = y * float(np.cos(turn)) - x * float(np.sin(turn))
    veil = cover * np.exp(-(aside * aside + (slope + np.float32(0.03)) ** 2) * np.float32(625))
    return stained((cover * np.clip(depth, 0.7, 3.2), _BROWN), (veil, _VEIL))


def _keratosis(cover: Field, distance: Field, turn: float, x: Field, y: Field) -> Field:
    """Waxy yellow-brown, stuck on with a sharp edge, with dark plugs and pale horn cysts."""
    pattern = np.sin(np.float32(95) * x + np.float32(turn)) * np.sin(np.float32(95) * y - np.float32(turn))
    plugs, pearls = (
        np.clip(pattern - np.float32(0.35), 0, None),
        np.clip(-pattern - np.float32(0.45), 0, None),
    )
    horn = np.float32(0.95) - np.float32(1.2) * pearls
    return stained((cover * horn, _HORN), (cover * (np.float32(0.15) + np.float32(1.8) * plugs), _BROWN))


# How much each outline waves, and what lies in it.
_SHAPES: dict[str, tuple[float, Callable[[Field, Field, float, Field, Field], Field]]] = {
    "keratosis": (0.008, _keratosis),
    "melanoma": (0.014, _melanoma),
    "naevus": (0.004, _naevus),
}
