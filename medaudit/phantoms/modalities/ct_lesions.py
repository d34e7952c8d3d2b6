"""Findings of a CT phantom: each replaces tissue, so its layer is the difference to the normal slice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import framed, lump, patch, soft, stamp

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field, Where
    from medaudit.phantoms.modalities.ct import Trunk
    from medaudit.phantoms.picture import Lesion

    # What the tissue becomes, where it is covered 0..1, and the rows and columns of that patch.
    Shape: TypeAlias = tuple[Field | np.float32, Field, Where]

# A grey level of the wide window is 0.004.
_FAINTEST = 0.035
# How far a mass may grow out of its organ.
_BULGE = 0.03


def layer(lesion: Lesion, patient: int, trunk: Trunk, normal: Field) -> Field:
    """Change of attenuation by one finding, (size, size), zero outside it; shape drawn by patient."""
    rng = keyed_rng("medaudit.ct/1", patient, lesion.kind, lesion.place)
    value, cover, where = _SHAPES[lesion.kind](lesion, rng, trunk)
    return framed(stamp(normal[where], value, cover, _FAINTEST), where, trunk.size)


def _mass(lesion: Lesion, rng: np.random.Generator, trunk: Trunk) -> Shape:
    """An irregular mass, darker in its core: in the liver (right) or the spleen (left)."""
    (cx, cy), radii = trunk.parenchyma(lesion.place)
    lateral = 1 if lesion.place == "left" else -1
    centre = (cx + lateral * rng.uniform(-0.012, 0.0), cy - rng.uniform(0.080, 0.095))
    radius = rng.uniform(0.040, 0.042) + 0.038 * lesion.extent
    phases = (rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi))
    y, x, where = patch(trunk.size, centre, radius + 0.03)
    outline = lump(y, x, centre, radius, 0.007, phases)
    value = np.float32(0.040) - np.clip(outline, 0, None) * np.float32(0.9)
    organ = (1 - np.sqrt(((x - cx) / radii[0]) ** 2 + ((y - cy) / radii[1]) ** 2)) * np.float32(min(radii))
    inside = np.minimum(organ + np.float32(_BULGE), trunk.cavity(y, x))
    return value, soft(np.minimum(outline, inside), trunk.size), where


def _cyst(lesion: Lesion, rng: np.random.Generator, trunk: Trunk) -> Shape:
    """A sharp disc of water at the outer border of a kidney."""
    (cx, cy), (rx, ry) = trunk.kidney(lesion.place)
    lateral = 1 if lesion.place == "left" else -1
    centre = (cx + lateral * rng.uniform(0.50, 0.65) * rx, cy - rng.uniform(0.55, 0.70) * ry)
    radius = rng.uniform(0.030, 0.033) + 0.020 * lesion.extent
    y, x, where = patch(trunk.size, centre, radius + 0.03)
    return np.float32(0.005), soft(lump(y, x, centre, radius, 0.0, (0.0, 0.0)), trunk.size), where


def _stone(lesion: Lesion, rng: np.random.Generator, trunk: Trunk) -> Shape:
    """A calcified, angular stone in the renal pelvis."""
    (cx, cy), (rx, ry) = trunk.kidney(lesion.place)
    medial = -1 if lesion.place == "left" else 1
    centre = (cx + medial * rng.uniform(0.25, 0.40) * rx, cy + rng.uniform(0.35, 0.50) * ry)
    radius = rng.uniform(0.016, 0.018) + 0.013 * lesion.extent
    y, x, where = patch(trunk.size, centre, radius + 0.03)
    across, down = np.abs(x - centre[0]), np.abs(y - centre[1])
    corners = np.float32(radius) - np.maximum(across, down)
    cut = np.float32(1.3 * radius) - across - down
    return np.float32(0.85), soft(np.minimum(corners, cut), trunk.size), where


_SHAPES: dict[str, Callable[[Lesion, np.random.Generator, Trunk], Shape]] = {
    "stone": _stone,
    "cyst": _cyst,
    "mass": _mass,
}
