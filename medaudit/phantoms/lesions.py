"""Findings of a chest phantom: a layer of extra exposure that is exactly zero outside the finding."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.anatomy import Body, ellipse, grid, heart, soft

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.float64]

Kind = Literal["opacity", "effusion", "nodule"]
Side = Literal["left", "right"]
KINDS: tuple[Kind, ...] = ("opacity", "effusion", "nodule")
#: Of the patient, in the order in which the side questions offer them.
SIDES: tuple[Side, ...] = ("left", "right")
# Less would vanish in the rounding to 8 bits.
_FAINTEST = 0.02


def layer(kind: Kind, side: Side, patient: int, body: Body) -> Field:
    """Extra exposure of one finding, (size, size), zero outside it; shape and place drawn by patient."""
    rng = keyed_rng("medaudit.chest/1", patient, kind, side)
    drawn = _SHAPES[kind](side, rng, body)
    return np.where(drawn >= _FAINTEST, drawn, 0.0)


def _opacity(side: Side, rng: np.random.Generator, body: Body) -> Field:
    """Patchy consolidation: a few overlapping soft blobs in the upper two thirds of a lung."""
    (cx, cy), (rx, ry) = body.lung_centre(side), body.lung_radii
    lateral = 1 if side == "left" else -1
    y, x = grid(body.size)
    centre = np.array([cx + lateral * rng.uniform(-0.1, 0.3) * rx, cy + rng.uniform(-0.5, 0.15) * ry])
    patch = np.zeros((body.size, body.size))
    for bx, by in centre + rng.normal(0.0, 0.025, (4, 2)):
        reach = rng.uniform(0.045, 0.065)
        patch = patch + np.exp(-(((x - bx) ** 2 + (y - by) ** 2) / reach**2))
    return 0.30 * np.minimum(patch, 1.3) * soft(body.lung(side), body.size)


def _effusion(side: Side, rng: np.random.Generator, body: Body) -> Field:
    """Fluid at the base of a lung, its upper edge rising towards the chest wall: the meniscus."""
    (cx, _), (rx, ry) = body.lung_centre(side), body.lung_radii
    y, x = grid(body.size)
    lateral = (x - cx) / rx * (1 if side == "left" else -1)
    height = rng.uniform(0.32, 0.5) * ry
    surface = body.base - 0.05 - height - 0.09 * np.clip(lateral + 0.4, 0.0, None) ** 2
    free = 1.0 - heart(body)  # the heart's own shadow hides fluid behind it
    return 0.40 * soft(y - surface, body.size) * soft(body.lung(side), body.size) * free


def _nodule(side: Side, rng: np.random.Generator, body: Body) -> Field:
    """A small, dense, sharply bounded disc inside a lung."""
    (cx, cy), (rx, ry) = body.lung_centre(side), body.lung_radii
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.5)
    centre = (cx + reach * np.cos(angle) * rx, cy - 0.12 * ry + reach * np.sin(angle) * ry)
    radius = rng.uniform(0.030, 0.042)
    return 0.55 * soft(ellipse(body.size, centre, (radius, radius)), body.size)


_SHAPES: dict[Kind, Callable[[Side, np.random.Generator, Body], Field]] = {
    "opacity": _opacity,
    "effusion": _effusion,
    "nodule": _nodule,
}
