"""Tissue without seams, in a few variants that are shifted and mirrored for each patient."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import dab, grid

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field, Point

    Stains: TypeAlias = tuple[Field, Field]

BANKS = 8
_MAGNIFICATION = {"20x": 1.0, "40x": 1.6}


@lru_cache(maxsize=16 * BANKS)  # two sizes, all views
def bank(tissue: str, variant: int, view: str, size: int) -> Stains:
    """Haematoxylin and eosin of one tissue, without seams.

    Each is (size, size) for normal tissue, and a tile that covers any finding for the others.
    """
    rng = keyed_rng("medaudit.histology/1", tissue, variant)
    side = size if tissue == "tissue" else int(0.3 * size) + 3
    haematoxylin, eosin = (np.zeros((side, side), dtype=np.float32) for _ in range(2))
    _TISSUES[tissue](haematoxylin, eosin, rng, _MAGNIFICATION[view] * size / side)
    return haematoxylin, eosin


def _wrapped(field: Field, centre: Point, radii: Point, value: float) -> None:
    """An ellipse on a canvas whose opposite borders touch."""
    shifts_x = [shift for shift in (-1, 0, 1) if -2 * radii[0] < centre[0] + shift < 1 + 2 * radii[0]]
    shifts_y = [shift for shift in (-1, 0, 1) if -2 * radii[1] < centre[1] + shift < 1 + 2 * radii[1]]
    for right in shifts_x:
        for down in shifts_y:
            dab(field, (centre[0] + right, centre[1] + down), radii, value)


def _scattered(rng: np.random.Generator, a_side: int, jitter: float) -> list[list[float]]:
    """Points that keep some distance: a grid of ``a_side`` squared, shaken."""
    steps = (np.arange(a_side) + 0.5) / a_side
    points = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    shaken: list[list[float]] = (points + rng.uniform(-jitter, jitter, points.shape) / a_side).tolist()
    return shaken


def _fibres(eosin: Field, rng: np.random.Generator, least: float) -> None:
    """Wavy bundles of collagen."""
    y, x = grid(eosin.shape[0])
    turn = np.float32(2 * np.pi)
    a, b = int(rng.integers(4, 8)), int(rng.integers(-4, 5))
    wave = np.float32(0.9) * np.sin(turn * (x + 2 * y)) + np.float32(0.7) * np.sin(turn * (3 * x - y))
    bundles = np.cos(turn * (a * y + b * x) + wave) + np.float32(0.5) * np.cos(turn * (5 * y - 7 * x) - wave)
    eosin += np.float32(least) + np.float32(0.11) * bundles


def _tissue(haematoxylin: Field, eosin: Field, rng: np.random.Generator, zoom: float) -> None:
    """Stroma with slim nuclei, and three glands."""
    _fibres(eosin, rng, 0.42)
    haematoxylin += np.float32(0.06)
    for x, y in _scattered(rng, round(8 / zoom), 0.45):
        flat = rng.uniform(0.35, 0.7)
        long, short = 0.020 * zoom, 0.020 * zoom * flat
        _wrapped(haematoxylin, (x, y), (long, short) if rng.random() < 0.6 else (short, long), 1.15)
    for x, y in _scattered(rng, 2, 0.20)[: 3 if zoom < 1.5 else 2]:
        _gland(haematoxylin, eosin, (x, y), rng.uniform(0.105, 0.125) * zoom**0.5, zoom)


def _gland(haematoxylin: Field, eosin: Field, centre: Point, radius: float, zoom: float) -> None:
    """A ring of columnar cells, nuclei at their outer end, about a white lumen."""
    wide = (radius * 1.1, radius)
    _wrapped(haematoxylin, centre, wide, 0.16)
    _wrapped(eosin, centre, wide, 0.34)
    nuclei = round(15 / zoom**0.5)
    for angle in (2 * np.pi * np.arange(nuclei) / nuclei).tolist():
        x = centre[0] + 0.84 * wide[0] * float(np.cos(angle))
        y = centre[1] + 0.84 * wide[1] * float(np.sin(angle))
        _wrapped(haematoxylin, (x, y), (0.0155 * zoom, 0.0155 * zoom), 1.25)
    lumen = (0.48 * wide[0], 0.48 * wide[1])
    _wrapped(haematoxylin, centre, lumen, 0.02)
    _wrapped(eosin, centre, lumen, 0.03)


def _tumour(haematoxylin: Field, eosin: Field, rng: np.random.Generator, zoom: float) -> None:
    """Crowded, large, dark nuclei, no two alike."""
    haematoxylin += np.float32(0.50)
    eosin += np.float32(0.30)
    for x, y in _scattered(rng, round(17 / zoom), 0.30):
        wide, high = (rng.uniform(0.020, 0.034, 2) * zoom).tolist()
        _wrapped(haematoxylin, (x, y), (wide, high), rng.uniform(1.2, 2.1))


def _necrosis(haematoxylin: Field, eosin: Field, rng: np.random.Generator, zoom: float) -> None:
    """Ghosts of cells: smudged, washed-out eosin, no nuclei but their dust."""
    eosin += np.float32(0.34)
    haematoxylin += np.float32(0.02)
    for x, y in _scattered(rng, round(13 / zoom), 0.45):
        _wrapped(eosin, (x, y), (0.030 * zoom, 0.026 * zoom), rng.uniform(0.08, 0.30))
    for x, y in _scattered(rng, round(15 / zoom), 0.5):
        _wrapped(haematoxylin, (x, y), (0.0075 * zoom, 0.0075 * zoom), rng.uniform(0.3, 1.1))


def _infiltrate(haematoxylin: Field, eosin: Field, rng: np.random.Generator, zoom: float) -> None:
    """Lymphocytes: small, round, very dark dots, close together, on little between them."""
    haematoxylin += np.float32(0.24)
    eosin += np.float32(0.12)
    for x, y in _scattered(rng, round(23 / zoom), 0.36):
        _wrapped(haematoxylin, (x, y), (0.0145 * zoom, 0.0145 * zoom), 1.75)


_TISSUES: dict[str, Callable[[Field, Field, np.random.Generator, float], None]] = {
    "tissue": _tissue,
    "tumour": _tumour,
    "necrosis": _necrosis,
    "infiltrate": _infiltrate,
}
