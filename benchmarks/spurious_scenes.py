"""The pictures of ``benchmarks/spurious.py``: a digit, two decoys and a mark that may go with one class.

A picture has 32 x 32 pixels in four quadrants. One holds a grey digit, the others a red mark, a blue decoy
and a green decoy, each of which is there or is not. Decoys lie in half of the pictures of every class; the
mark lies as often as Cramer's V says, and in half of the pictures of every class where models are
evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq

from medaudit.image import keyed_rng

if TYPE_CHECKING:
    from torch import Tensor

CLASSES, SIDE, HALF, PATCH = 10, 32, 16, 10
TRAIN_GLYPHS, TEST_GLYPHS = 1_500, 500
#: Red, green and blue of the mark and of both decoys.
COLOURS = ((0.9, 0.1, 0.1), (0.15, 0.25, 0.9), (0.1, 0.75, 0.2))
_NOISE = 0.04
SPREAD = 0.1


@dataclass(frozen=True, eq=False)
class Scenes:
    """n pictures as numbers. ``glyph`` ``(n,)`` is a digit of the pool and ``label`` its class.

    ``quadrant`` ``(n, 4)``: where the digit, the mark and the two decoys lie; ``there`` ``(n, 3)``: whether
    mark and decoys do; ``corner`` ``(n, 3, 2)``: their upper left pixels (y, x).
    """

    label: Any
    glyph: Any
    quadrant: Any
    there: Any
    corner: Any

    def __len__(self) -> int:
        return len(self.label)

    def at(self, rows: Any) -> Scenes:
        """Some of the pictures."""
        fields = (self.label, self.glyph, self.quadrant, self.there, self.corner)
        return Scenes(*(column[rows] for column in fields))


def cramers_v(target: float, others: float) -> float:
    """Cramer's V, ``sqrt(chi2 / n)``, of mark and class: shares in one of ten equal classes and the rest."""
    share = (target + (CLASSES - 1) * others) / CLASSES
    spread = ((target - share) ** 2 + (CLASSES - 1) * (others - share) ** 2) / CLASSES
    return float(np.sqrt(spread / (share * (1 - share))))


def shares(v: float) -> tuple[float, float]:
    """How often does the mark lie in the one class and in each other one, for this V?

    From perfect association both are mixed at the same pace, ``1 - x`` and ``x``, as Varma et al. 2024 do.
    """
    if v == 0:
        return 0.5, 0.5
    mixed = brentq(lambda x: cramers_v(1 - x, x) - v, 1e-9, 0.5 - 1e-9)
    return 1 - float(mixed), float(mixed)


def scenes(n: int, target: int, v: float, rng: np.random.Generator, glyphs: tuple[int, int]) -> Scenes:
    """Draw pictures; the mark goes with class ``target`` as strongly as V says, in exact counts per class.

    ``glyphs``: digits of each class to draw from, first to below last.
    """
    label = rng.permutation(np.arange(n) % CLASSES)
    mark = np.zeros(n, dtype=bool)
    for each in range(CLASSES):
        own = np.flatnonzero(label == each)
        share = shares(v)[0 if each == target else 1]
        mark[rng.permutation(own)[: round(share * len(own))]] = True
    there = np.concatenate([mark[:, None], rng.random((n, 2)) < 0.5], axis=1)
    quadrant = rng.permuted(np.tile(np.arange(4), (n, 1)), axis=1)
    within = rng.integers(0, HALF - PATCH + 1, (n, 3, 2))
    corner = np.stack([quadrant[:, 1:] // 2, quadrant[:, 1:] % 2], axis=2) * HALF + within
    return Scenes(label, rng.integers(*glyphs, n), quadrant, there, corner)


def glyph_pool() -> Any:
    """Digits in hand-like variety, ``(10, TRAIN + TEST, 16, 16)`` float32 in 0..1."""
    import cv2

    rng = keyed_rng("spurious bench", "glyphs")
    count = TRAIN_GLYPHS + TEST_GLYPHS
    pool = np.zeros((CLASSES, count, HALF, HALF), np.float32)
    for digit in range(CLASSES):
        for at in range(count):
            large = np.zeros((64, 64), np.uint8)
            cv2.putText(
                large,
                str(digit),
                (8, 58),
                cv2.FONT_HERSHEY_SIMPLEX,
                2.4,
                255,
                int(rng.integers(7, 10)),
                cv2.LINE_AA,
            )
            pool[digit, at] = _warped(large, rng)
    return pool


def _warped(large: Any, rng: np.random.Generator) -> Any:
    """Turned, sheared, stretched, moved, with a bar of it rubbed out."""
    import cv2

    angle, shear = rng.normal(0, SPREAD), rng.normal(0, SPREAD)
    stretch = np.exp(rng.normal(0, 0.1, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1, shear], [0, 1]]) * stretch
    centre = np.array([32.0, 32.0])
    shift = centre - linear @ centre + rng.normal(0, 2, 2)
    drawn = cv2.warpAffine(large, np.column_stack([linear, shift]), (64, 64))
    coarse = cv2.resize(drawn, (HALF // 2, HALF // 2), interpolation=cv2.INTER_AREA)
    small = cv2.resize(coarse, (HALF, HALF), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 255
    place = int(rng.integers(0, HALF - 3))
    small[place : place + 3] *= 0.3
    return small * rng.uniform(0.8, 1.0)


def render(given: Scenes, pool: Tensor, generator: Any) -> Tensor:
    """Pictures ``(n, 3, 32, 32)`` in 0..1, on the pool's device."""
    import torch

    device, n = pool.device, len(given)

    def put(array: Any) -> Tensor:
        return torch.as_tensor(array, device=device)

    quarters = torch.zeros((n, 4, HALF, HALF), device=device)
    rows = torch.arange(n, device=device)
    quarters[rows, put(given.quadrant[:, 0])] = pool[put(given.label), put(given.glyph)]
    grey = quarters.view(n, 2, 2, HALF, HALF).transpose(2, 3).reshape(n, 1, SIDE, SIDE)
    canvas = 0.1 + 0.85 * grey.expand(-1, 3, -1, -1)
    line = torch.arange(SIDE, device=device)
    for part, colour in enumerate(COLOURS):
        first = put(given.corner[:, part])[:, :, None]
        inside = (line >= first) & (line < first + PATCH)
        mask = inside[:, 0, :, None] & inside[:, 1, None, :] & put(given.there[:, part])[:, None, None]
        canvas = torch.where(mask[:, None], put(np.float32(colour))[None, :, None, None], canvas)
    noise = torch.randn(canvas.shape, generator=generator, device=device)
    return (canvas + _NOISE * noise).clamp(0, 1)
