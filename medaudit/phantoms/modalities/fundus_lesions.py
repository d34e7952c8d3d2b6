"""Findings of a fundus phantom: blood and pale deposits before the retina."""

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

_BLOOD, _RED, _YELLOW, _GREY = (
    (0.62, 1.25, 0.60),
    (0.10, 0.95, 0.30),
    (-0.16, -0.72, -0.70),
    (0.0, -0.42, -0.80),
)
#: Sites beside each other in either half; which finding takes which is drawn by patient.
_COLUMNS = (0.27, 0.50, 0.73)
_ROWS = {"superior": 0.275, "inferior": 0.725}
_KINDS = ("tuft", "exudate", "haemorrhage")


def layer(lesion: Lesion, patient: int, size: int) -> Field:
    """Change of density by one finding, (size, size, 3), zero outside it; shape and site drawn by patient."""
    order = keyed_rng("medaudit.fundus/1", "sites", patient, lesion.place).permutation(3).tolist()
    rng = keyed_rng("medaudit.fundus/1", patient, lesion.kind, lesion.place)
    x = _COLUMNS[order[_KINDS.index(lesion.kind)]] + rng.uniform(-0.012, 0.012)
    y = _ROWS[lesion.place] + rng.uniform(-0.012, 0.012)
    rows, columns, where = patch(size, (x, y), 0.115)
    wobble, paint = _SHAPES[lesion.kind]
    radius = rng.uniform(0.042, 0.046) + 0.042 * lesion.extent
    phases = (rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi))
    cover = soft(lump(rows, columns, (x, y), radius, wobble, phases), size)
    cover = cover * (cover >= np.float32(0.25))
    return framed(paint(cover, np.float32(rng.uniform(0, 2 * np.pi)), columns - x, rows - y), where, size)


def _haemorrhage(cover: Field, turn: np.float32, x: Field, y: Field) -> Field:
    """A dark red blot."""
    return stained((cover, _BLOOD))


def _exudate(cover: Field, turn: np.float32, x: Field, y: Field) -> Field:
    """Waxy yellow deposits that run together."""
    grains = np.cos(np.float32(110) * x + turn) * np.cos(np.float32(100) * y - turn)
    return stained((cover * (np.float32(1.0) + np.float32(0.35) * grains), _YELLOW))


def _tuft(cover: Field, turn: np.float32, x: Field, y: Field) -> Field:
    """New vessels: a lace of thin red loops on grey fibrous tissue."""
    across, down = x * np.float32(62), y * np.float32(62)
    lace = np.abs(np.sin(across + np.sin(down + turn)) * np.sin(down - np.sin(across - turn)))
    strands = cover * np.clip(np.float32(1.0) - np.float32(2.8) * lace, 0, 1)
    return stained((strands, _RED), (cover - strands, _GREY))


# How much each outline waves, and what lies in it.
_SHAPES: dict[str, tuple[float, Callable[[Field, np.float32, Field, Field], Field]]] = {
    "tuft": (0.009, _tuft),
    "exudate": (0.007, _exudate),
    "haemorrhage": (0.008, _haemorrhage),
}
