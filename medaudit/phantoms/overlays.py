"""What lies over the anatomy: laterality marker, tube, ECG leads, burned-in text. Each with its mask."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import ellipse, segment, soft

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field, Mask
    from medaudit.phantoms.picture import Picture

# An L of 6 x 7 cells: readable as a letter at 64 pixels, where a cell is a pixel.
_GLYPH = np.array([[1, 1, 0, 0, 0, 0]] * 5 + [[1, 1, 1, 1, 1, 1]] * 2, dtype=bool)
# Each glyph of the burned-in strip is 3 x 5 cells; rows as bits.
_LETTERS = (0b010101111101101, 0b110101110101110, 0b011100100100011, 0b111100110100111, 0b111010010010111)
_BRIGHT = {"marker": 0.96, "tube": 0.80, "leads": 0.92, "text": 0.97}


def coverages(picture: Picture) -> dict[str, Field]:
    """Opacity 0..1 of each overlay that the picture has, (h, w), in painting order."""
    found: dict[str, Field] = {}
    if picture.tube > 0:
        found["tube"] = np.float32(picture.tube) * _tube(picture.patient % 997, picture.size)
    if picture.leads > 0:
        found["leads"] = np.float32(picture.leads) * _leads(picture.patient % 991, picture.size)
    if picture.text > 0:
        strip = text_mask(picture.patient % 983, picture.size)
        found["text"] = np.float32(picture.text) * strip.astype(np.float32)
    if picture.marker is not None and picture.marker_dose > 0:
        corner = marker_mask(picture.marker == "upper-left", picture.size)
        found["marker"] = np.float32(picture.marker_dose) * corner.astype(np.float32)
    return found


def paint(grey: Field, picture: Picture) -> Field:
    """The grey or colour picture (0..1) under its overlays."""
    for name, opacity in coverages(picture).items():
        cover = opacity if grey.ndim == 2 else opacity[..., None]
        grey = grey + cover * (np.float32(_BRIGHT[name]) - grey)
    return grey


@lru_cache(maxsize=16)
def marker_mask(left: bool, size: int) -> Mask:
    """Pixels of the marker in the upper left or upper right corner of the picture."""
    cell = max(1, size // 64)
    glyph = np.kron(_GLYPH, np.ones((cell, cell), dtype=bool))
    width = glyph.shape[1]
    start = 3 * cell if left else size - 3 * cell - width
    return _placed(glyph, 3 * cell, start, size)


@lru_cache(maxsize=64)
def text_mask(seed: int, size: int) -> Mask:
    """A strip of five letters along the lower border."""
    cell = max(1, size // 64)
    rng = keyed_rng("medaudit.picture/text", seed)
    letters = [_LETTERS[i] for i in rng.integers(0, len(_LETTERS), 5)]
    bits = [np.array([(letter >> (14 - i)) & 1 for i in range(15)], bool).reshape(5, 3) for letter in letters]
    gap = np.zeros((5, 1), dtype=bool)
    strip = np.concatenate([part for letter in bits for part in (letter, gap)], axis=1)
    strip = np.kron(strip, np.ones((cell, cell), dtype=bool))
    return _placed(strip, size - strip.shape[0] - cell, 2 * cell, size)


@lru_cache(maxsize=64)
def _tube(seed: int, size: int) -> Field:
    """A line from the upper border down the middle, bending to one side at its end."""
    rng = keyed_rng("medaudit.picture/tube", seed)
    top, bend = rng.uniform(0.45, 0.55), rng.uniform(0.35, 0.65)
    knee = (rng.uniform(0.47, 0.53), rng.uniform(0.45, 0.55))
    width = max(0.02, 1.2 / size)
    upper = segment(size, (top, 0.0), knee, width)
    return _frozen(soft(np.maximum(upper, segment(size, knee, (bend, knee[1] + 0.28), width)), size))


@lru_cache(maxsize=64)
def _leads(seed: int, size: int) -> Field:
    """Three electrodes with a wire each."""
    rng = keyed_rng("medaudit.picture/leads", seed)
    shape = np.full((size, size), -1, dtype=np.float32)
    for x, y in ((0.25, 0.30), (0.75, 0.32), (0.70, 0.75)):
        centre = (x + rng.uniform(-0.04, 0.04), y + rng.uniform(-0.04, 0.04))
        shape = np.maximum(shape, ellipse(size, centre, (0.022, 0.022)))
        shape = np.maximum(shape, segment(size, centre, (0.5 + 1.2 * (x - 0.5), 1.0), 0.012))
    return _frozen(soft(shape, size))


def _placed(glyph: Mask, top: int, left: int, size: int) -> Mask:
    mask = np.zeros((size, size), dtype=bool)
    mask[top : top + glyph.shape[0], left : left + glyph.shape[1]] = glyph
    mask.flags.writeable = False
    return mask


def _frozen(field: Field) -> Field:
    field.flags.writeable = False
    return field
