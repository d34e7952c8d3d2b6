"""The vessels of a retina: arcades that leave the disc, arteries beside veins, each with branches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.image import keyed_rng

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field, Point

# Arcades as (towards the macula 1 or away -1, up -1 or down 1, reach across, reach down, width).
_ARCADES = (
    (1, -1, 0.62, 0.30, 1.0),
    (1, 1, 0.62, 0.30, 1.0),
    (1, -1, 0.56, 0.33, 0.7),
    (1, 1, 0.56, 0.33, 0.7),
    (-1, -1, 0.40, 0.30, 0.8),
    (-1, 1, 0.40, 0.30, 0.8),
    (-1, -1, 0.34, 0.36, 0.6),
    (-1, 1, 0.34, 0.36, 0.6),
)
_TWIGS = 14
_WIDEST = 0.014


def tree(patient: int, disc: Point, temporal: int, size: int) -> Field:
    """Coverage 0..1 by vessels, (size, size).

    Vessels are rows of points, each shared among its four neighbours in the grid of pixels.
    """
    rng = keyed_rng("medaudit.fundus/1", "vessels", patient)
    steps = np.linspace(0.0, 1.0, max(48, 2 * size // 3))
    stems, widths = _stems(rng, disc, temporal, steps)
    twigs, slim = _twigs(rng, stems, widths, steps)
    points = np.concatenate([stems.reshape(-1, 2), twigs.reshape(-1, 2)])
    weights = np.concatenate([(widths * _spacing(stems)).ravel(), (slim * _spacing(twigs)).ravel()])
    weights *= _WIDEST * size * size
    strands = np.array([0.0]) if size <= 128 else np.linspace(-0.4, 0.4, 3) * _WIDEST
    amount = np.zeros(size * size)
    for offset in strands.tolist():
        amount += _shared(points + offset, weights / len(strands), size)
    return np.minimum(amount, 1.0).astype(np.float32).reshape(size, size)


def _stems(rng: np.random.Generator, disc: Point, temporal: int, steps: Any) -> tuple[Any, Any]:
    """Points (8, steps, 2) of the arcades, and their widths (8, 1), wider at the disc."""
    table = np.array(_ARCADES)
    bent = table[:, 2:4] * rng.uniform(0.9, 1.1, (len(table), 2))
    waves = rng.uniform(0, 2 * np.pi, (len(table), 1))
    across = (0.10 * steps + 0.90 * steps**2) * bent[:, :1]
    down = np.sin(np.minimum(1.0, 1.25 * steps) * (np.pi / 2)) * bent[:, 1:]
    down = down + 0.010 * steps * np.sin(14 * steps + waves)
    x = disc[0] + temporal * table[:, :1] * across
    y = disc[1] + table[:, 1:2] * down
    return np.stack([x, y], axis=-1), table[:, 4:5] * (1.15 - 0.75 * steps)


def _twigs(rng: np.random.Generator, stems: Any, widths: Any, steps: Any) -> tuple[Any, Any]:
    """Points and widths of side branches, which leave a stem at an angle and bend back to its direction."""
    count = len(steps)
    parent = np.arange(_TWIGS) % len(stems)
    start = rng.integers(count // 6, 4 * count // 5, _TWIGS)
    heading = stems[parent, start + 1] - stems[parent, start - 1]
    heading = heading / np.hypot(heading[:, 0], heading[:, 1])[:, None]
    aside = np.stack([-heading[:, 1], heading[:, 0]], axis=-1) * rng.choice([-1.0, 1.0], _TWIGS)[:, None]
    length = rng.uniform(0.12, 0.26, (_TWIGS, 1, 1))
    along = steps[None, :, None]
    along = along[:, ::2]  # they are short
    path = heading[:, None] * along * 0.8 + aside[:, None] * (0.75 * along - 0.25 * along**2)
    slim = 0.75 * widths[parent, start][:, None] * (1 - 0.6 * steps[::2])
    return stems[parent, start][:, None] + length * path, slim


def _spacing(points: Any) -> Any:
    """Mean distance of the points of each vessel, (vessels, 1)."""
    legs = np.diff(points, axis=1)
    return np.hypot(legs[..., 0], legs[..., 1]).mean(axis=1, keepdims=True)


def _shared(points: Any, weights: Any, size: int) -> Any:
    """Weights laid on the grid, bilinearly, flat (size * size,).

    Points beyond the border are moved onto it, where the picture is black.
    """
    place = np.clip(points * size - 0.5, 0.0, size - 1.001)
    first = place.astype(np.intp)
    right, lower = (place - first).T
    corner = first[:, 1] * size + first[:, 0]
    under, above = weights * lower, weights * (1 - lower)
    under_right, above_right = under * right, above * right
    shares = np.concatenate([above - above_right, above_right, under - under_right, under_right])
    cells = np.concatenate([corner, corner + 1, corner + size, corner + size + 1])
    return np.bincount(cells, shares, minlength=size * size)
