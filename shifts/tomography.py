"""Parallel-beam projections of a slice, and what an error in them looks like after reconstruction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.shifts.backprojection import added, added_on, angles, packed, unpacked
from medaudit.workers import spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from medaudit.shifts.backprojection import Packed, Whole

    Field = NDArray[np.float32]
    Size = tuple[int, int]

#: A scanner reconstructs 512 pixels; larger pictures are enlarged ones.
MATRIX = 512
#: Views over half a turn: per column of the matrix, fewest and most.
VIEWS = (0.7, 16, 240)
#: Paths through the body are smooth: they are summed on a coarse grid, and in so many directions at most.
_COARSE, _DIRECTIONS = 64, 96


def matrix_of(shape: tuple[int, ...]) -> Size:
    """Height and width of the grid on which a picture is reconstructed."""
    scale = min(1.0, MATRIX / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def angles_of(size: Size) -> Field:
    """Directions of the views, radians between 0 and pi; a multiple of four."""
    share, fewest, most = VIEWS
    return angles(min(max(4 * round(share * max(size) / 4), fewest), most)).astype(np.float32)


def bins_of(size: Size) -> int:
    """Detector bins, a pixel wide, that see the whole matrix from any side."""
    return int(np.ceil(np.hypot(*size))) + 2


def offsets_of(size: Size) -> Field:
    """Signed distance of each detector bin from the centre, pixels of the matrix."""
    bins = bins_of(size)
    return np.arange(bins, dtype=np.float32) - np.float32((bins - 1) / 2)


def project(attenuation: Field, size: Size) -> Field:
    """Line integrals (views, bins) of a picture; its longer side has the length 1.

    Summed on a coarse grid in a part of the directions, and read between them.
    """
    import cv2

    scale = min(1.0, _COARSE / max(size))
    height, width = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    small = cv2.resize(attenuation, (width, height), interpolation=cv2.INTER_AREA)
    bins, wide, views = bins_of((height, width)), bins_of(size), len(angles_of(size))
    middle, few = (bins - 1) / 2, min(views, _DIRECTIONS)
    sums = []
    for angle in np.linspace(0, np.pi, few + 1):
        c, s = float(np.cos(angle)), float(np.sin(angle))
        x, y = (width - 1) / 2 - middle * (c - s), (height - 1) / 2 - middle * (s + c)
        turn = np.array([[c, -s, x], [s, c, y]])
        sums.append(cv2.warpAffine(small, turn, (bins, bins), flags=_mapping()).sum(axis=0))
    paths = np.stack(sums) / np.float32(max(height, width))
    step, turns = max(height, width) / max(size), few / views
    spread = np.array([[step, 0.0, middle - step * (wide - 1) / 2], [0.0, turns, turns / 2]])
    return np.asarray(cv2.warpAffine(paths, spread, (wide, views), flags=_mapping()))


def _mapping() -> int:
    import cv2

    return int(cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def reconstruct(errors: Field, size: Size, shape: tuple[int, ...]) -> Field:
    """Filtered back-projection of errors (views, bins), enlarged to ``shape``.

    Ramp filter under a Hann window. Scaled so that independent errors of standard deviation 1 become noise of
    standard deviation 1 before the enlargement. Where one side is even and the other odd the picture lies
    half a pixel off the middle.

    Kak & Slaney 1988, Principles of Computerized Tomographic Imaging, chapter 3.
    """
    held = _prepared(errors, size)
    return _finished(added(held.table, held.plan), held, size, shape)


def reconstruct_on(device: str, errors: Sequence[Field], shapes: Sequence[tuple[int, ...]]) -> list[Field]:
    """:func:`reconstruct` for pictures of these shapes, to the same bytes, added up on a torch device.

    On the CPU each is added up by numpy, which is several times as quick there.
    """
    sizes = [matrix_of(shape) for shape in shapes]
    if device.split(":")[0] == "cpu":
        return spread(lambda part: reconstruct(*part), zip(errors, sizes, shapes, strict=True))
    held = spread(lambda pair: _prepared(*pair), zip(errors, sizes, strict=True))
    totals: dict[int, Whole] = {}
    for plan in dict.fromkeys(each.plan for each in held):
        places = [place for place, each in enumerate(held) if each.plan is plan]
        sums = added_on(device, [held[place].table for place in places], plan)
        totals.update(zip(places, sums, strict=True))
    parts = zip((totals[place] for place in range(len(held))), held, sizes, shapes, strict=True)
    return spread(lambda part: _finished(*part), parts)


def _prepared(errors: Field, size: Size) -> Packed:
    return packed(_filtered(errors) / np.float32(np.sqrt(len(errors))), max(size))


def _finished(total: Whole, held: Packed, size: Size, shape: tuple[int, ...]) -> Field:
    """The picture of a sum of packed rows over the square about ``size``, enlarged to ``shape``."""
    import cv2

    square = unpacked(total, held)
    top, left = ((len(square) - side) // 2 for side in size)
    picture = square[top : top + size[0], left : left + size[1]]
    if size == shape:
        return picture
    return np.asarray(cv2.resize(picture, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))


def _filtered(errors: Field) -> Field:
    """Ramp-filtered rows, scaled to unit gain for white noise that is read between bins."""
    from scipy.fft import irfft, next_fast_len, rfft

    bins = errors.shape[1]
    length = next_fast_len(2 * bins, real=True)
    frequency = np.arange(length // 2 + 1) / length
    response = frequency * (0.5 + 0.5 * np.cos(2 * np.pi * frequency))
    # Reading at a point between two bins averages to 2/3 of the variance and 1/3 of the next covariance.
    kept = response**2 * (2 / 3 + np.cos(2 * np.pi * frequency) / 3)
    gain = np.sqrt(2 * kept.sum() / length)
    changed = irfft(rfft(errors, length, axis=1) * (response / gain).astype(np.float32), length, axis=1)
    return np.ascontiguousarray(changed[:, :bins], dtype=np.float32)
