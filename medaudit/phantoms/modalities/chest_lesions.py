"""Findings of a chest phantom: a layer of extra exposure that is exactly zero outside the finding."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import blob, ellipse, grid, soft

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field
    from medaudit.phantoms.modalities.chest import Body
    from medaudit.phantoms.picture import Lesion

# Less would vanish in the rounding to 8 bits.
_FAINTEST = np.float32(0.02)


def layer(lesion: Lesion, patient: int, body: Body) -> Field:
    """Extra exposure of one finding, (size, size), zero outside it; shape and place drawn by patient."""
    rng = keyed_rng("medaudit.chest/1", patient, lesion.kind, lesion.place)
    drawn = _SHAPES[lesion.kind](lesion, rng, body)
    return drawn * (drawn >= _FAINTEST)


def _opacity(lesion: Lesion, rng: np.random.Generator, body: Body) -> Field:
    """Patchy consolidation: a few overlapping soft blobs in the upper two thirds of a lung."""
    (cx, cy), (rx, ry) = body.lung_centre(lesion.place), body.lung_radii
    lateral = 1 if lesion.place == "left" else -1
    centre = np.array([cx + lateral * rng.uniform(-0.1, 0.3) * rx, cy + rng.uniform(-0.5, 0.15) * ry])
    patch = np.zeros((body.size, body.size), dtype=np.float32)
    for bx, by in (centre + rng.normal(0.0, 0.025, (4, 2))).tolist():
        patch = patch + blob(body.size, (bx, by), rng.uniform(0.040, 0.050) + 0.03 * lesion.extent)
    return np.float32(0.30) * np.minimum(patch, np.float32(1.3)) * soft(body.lung(lesion.place), body.size)


def _effusion(lesion: Lesion, rng: np.random.Generator, body: Body) -> Field:
    """Fluid at the base of a lung, its upper edge rising towards the chest wall: the meniscus."""
    (cx, _), (rx, ry) = body.lung_centre(lesion.place), body.lung_radii
    y, x = grid(body.size)
    lateral = (x - cx) / rx * (1 if lesion.place == "left" else -1)
    height = (rng.uniform(0.28, 0.36) + 0.22 * lesion.extent) * ry
    surface = body.base - 0.05 - height - np.float32(0.09) * np.clip(lateral + np.float32(0.4), 0, None) ** 2
    free = 1 - body.heart_shadow()  # the heart's own shadow hides fluid behind it
    fluid = np.minimum((y - surface).astype(np.float32), body.lung(lesion.place))
    return np.float32(0.40) * soft(fluid, body.size) * free


def _nodule(lesion: Lesion, rng: np.random.Generator, body: Body) -> Field:
    """A dense, sharply bounded disc inside a lung."""
    (cx, cy), (rx, ry) = body.lung_centre(lesion.place), body.lung_radii
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.45)
    across, down = reach * math.cos(angle), reach * math.sin(angle)
    centre = (cx + across * rx, cy - 0.12 * ry + down * ry)
    radius = rng.uniform(0.036, 0.039) + 0.045 * lesion.extent
    return np.float32(0.55) * soft(ellipse(body.size, centre, (radius, radius)), body.size)


_SHAPES: dict[str, Callable[[Lesion, np.random.Generator, Body], Field]] = {
    "opacity": _opacity,
    "effusion": _effusion,
    "nodule": _nodule,
}
