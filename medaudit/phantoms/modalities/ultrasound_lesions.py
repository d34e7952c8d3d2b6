"""Findings of an ultrasound phantom, with what they do to the beam below them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import ellipse, grid, lump, soft

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field, Point
    from medaudit.phantoms.modalities.ultrasound import Beam
    from medaudit.phantoms.picture import Lesion

_FAINTEST = np.float32(0.06)
#: Sites beside each other at either depth; which finding takes which is drawn by patient.
_LATERAL = (-0.66, 0.0, 0.66)
_DEPTH = {"near": 0.285, "far": 0.680}
_KINDS = ("stone", "mass", "cyst")


def layer(lesion: Lesion, patient: int, beam: Beam) -> Field:
    """Change of echo by one finding, (size, size), zero outside it; shape and site drawn by patient."""
    order = keyed_rng("medaudit.ultrasound/1", "sites", patient, lesion.place).permutation(3).tolist()
    rng = keyed_rng("medaudit.ultrasound/1", patient, lesion.kind, lesion.place)
    lateral = _LATERAL[order[_KINDS.index(lesion.kind)]] + rng.uniform(-0.03, 0.03)
    depth = _DEPTH[lesion.place] + rng.uniform(-0.015, 0.015)
    drawn = _SHAPES[lesion.kind](lesion, rng, beam, (depth, lateral))
    return drawn * ((np.abs(drawn) >= _FAINTEST) & beam.inside)


def _below(beam: Beam, site: Point, radius: float, length: float) -> Field:
    """The part of the beam behind something: 1 along its axis, fading to its sides and its end."""
    depth, lateral = site
    half = radius / beam.half_width(depth)
    edge = np.float32(beam.half_width(depth) * beam.size / 5)
    across: Field = np.clip(
        (np.float32(half) - np.abs(beam.lateral - lateral)) * edge + np.float32(0.5), 0, 1
    )
    behind = beam.depth - np.float32(depth)
    fading: Field = np.clip(np.float32(1.6) - behind * np.float32(1.6 / length), 0, 1)
    return across * fading * (behind > 0)


def _cyst(lesion: Lesion, rng: np.random.Generator, beam: Beam, site: Point) -> Field:
    """A silent, round, sharply bounded space; the beam behind it is brighter."""
    radius = rng.uniform(0.038, 0.041) + 0.031 * lesion.extent
    disc = soft(ellipse(beam.size, beam.point(*site), (radius, radius)), beam.size)
    bright = np.float32(0.27) * _below(beam, site, 0.85 * radius, 1.1 * radius + 0.13)
    return np.float32(-0.80) * disc + bright * (1 - disc)


def _mass(lesion: Lesion, rng: np.random.Generator, beam: Beam, site: Point) -> Field:
    """A dark, irregular, not quite silent lump with streaks of echo inside."""
    radius = rng.uniform(0.043, 0.047) + 0.028 * lesion.extent
    phases = (rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi))
    outline = lump(*grid(beam.size), beam.point(*site), radius, 0.013, phases)
    streaks = np.cos(np.float32(90) * beam.depth + np.float32(9) * beam.lateral + np.float32(phases[0]))
    return (np.float32(-0.23) + np.float32(0.06) * streaks) * soft(outline, beam.size)


def _stone(lesion: Lesion, rng: np.random.Generator, beam: Beam, site: Point) -> Field:
    """A bright cap, and the silent shadow that it throws."""
    radius = rng.uniform(0.028, 0.031) + 0.026 * lesion.extent
    cap = soft(ellipse(beam.size, beam.point(*site), (radius, 0.62 * radius)), beam.size)
    shadow = np.float32(-0.60) * _below(beam, site, 0.9 * radius, 0.200 + 0.030 * lesion.extent)
    return np.float32(0.62) * cap + shadow * (1 - cap)


_SHAPES: dict[str, Callable[[Lesion, np.random.Generator, Beam, Point], Field]] = {
    "stone": _stone,
    "mass": _mass,
    "cyst": _cyst,
}
