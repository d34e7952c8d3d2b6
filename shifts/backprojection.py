"""Rows of a sinogram laid back over a square, added up in whole numbers.

Whole numbers add up to the same bytes in any order: on any processor, in any batch, by any library. Three
facts make it quick.

- Views at angles t, 90 + t, 90 - t and 180 - t give the same picture of their rows but for a quarter turn or
  a reflection. Their rows are packed as four fields of one number, and one addition serves all four.
- A row is read at x + y tan t. Sampled at eighths of a pixel along x, it gives every line of the picture as
  one run of consecutive numbers.
- Rows are rounded so that no field can overflow, each view after an offset of its own, so that what is small
  in every view is not rounded away in all of them.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Field = NDArray[np.float32]
    Whole = NDArray[np.int64]

#: Samples of a row in a pixel.
STEPS = 8
#: The largest sum that a field may hold: with the sign bit free, four of them are never a negative number.
LARGEST = 2**15 - 1
_GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the rows of ``4 * len(readings)`` views lie on a square.

    ``readings`` (fours, 2, 3) lead from (sample, phase) to (bin, 0); ``starts`` (fours, side) are, for each
    line of the picture, the place of its run in a table (phases, length) laid out flat.
    """

    readings: NDArray[np.float64]
    starts: NDArray[np.int64]
    length: int


@dataclass(frozen=True, eq=False)
class Packed:
    """``table`` (fours, phases, length) of four fields each; a field counts in ``unit`` from ``-zero``."""

    plan: Layout
    table: Whole
    unit: float
    zero: float


def angles(views: int) -> NDArray[np.float64]:
    """Directions in radians: each step of half a turn is seen from its middle, so that mirror views exist."""
    return (np.arange(views) + 0.5) * np.pi / views


@lru_cache(maxsize=4)
def layout(side: int, bins: int, views: int) -> Layout:
    """The layout of a square under ``views``, a multiple of 4, of ``bins`` a pixel wide."""
    first = angles(views)[: views // 4]
    middle, slopes = (side - 1) / 2, np.tan(first)
    # Whole pixels to the left of a line's run, so that no run begins before the table.
    margin = side // 2 + 1
    length = side + 2 * margin
    shifts = np.rint(STEPS * slopes[:, None] * (np.arange(side) - middle)).astype(np.int64) + STEPS * margin
    readings = np.zeros((len(first), 2, 3))
    readings[:, 0, 0] = np.cos(first)
    readings[:, 0, 1] = np.cos(first) / STEPS
    readings[:, 0, 2] = (bins - 1) / 2 - np.cos(first) * (middle + margin)
    return Layout(readings, shifts % STEPS * length + shifts // STEPS, length)


def fours(views: int) -> NDArray[np.int64]:
    """Numbers of the views at t, 90 + t, 90 - t and 180 - t, (fours, 4)."""
    first = np.arange(views // 4)
    return np.stack([first, first + views // 2, views // 2 - 1 - first, views - 1 - first], axis=1)


def packed(rows: Field, side: int) -> Packed:
    """Rows (views, bins), read between bins, rounded and packed.

    The sum of a field over all views stays at or below ``LARGEST``: each view takes twice its largest value,
    and a unit for its offset.
    """
    import cv2

    views, bins = rows.shape
    plan, order = layout(side, bins, views), fours(views)
    largest = np.abs(rows).max(axis=1).astype(np.float64)
    room = LARGEST - 2 * len(order)
    unit = 2 * max(float(largest[order].sum(axis=0).max()), 1e-30) / room
    offset = largest / unit + (np.arange(views) + 0.5) * _GOLDEN % 1
    raised = (rows * np.float32(1 / unit) + offset[:, None].astype(np.float32))[order]
    table = np.empty((len(order), STEPS, plan.length, 4), "<u2")
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for number, reading in enumerate(plan.readings):
        four = np.ascontiguousarray(raised[number].T)[None]
        table[number] = cv2.warpAffine(four, reading, (plan.length, STEPS), flags=flags)
    return Packed(plan, table.view("<i8")[..., 0], unit, float(largest.sum() / unit))


def added(table: Whole, plan: Layout) -> Whole:
    """All rows laid over the square and added, (side, side), still packed."""
    side = plan.starts.shape[1]
    total = np.zeros((side, side), np.int64)
    runs = np.lib.stride_tricks.sliding_window_view(table, side, axis=2)
    for windows, starts in zip(runs, plan.starts, strict=True):
        total += windows[starts // plan.length, starts % plan.length]
    return total


def added_on(device: str, tables: Sequence[Whole], plan: Layout) -> list[Whole]:
    """:func:`added` for several tables of one layout at once, as torch tensors on ``device``."""
    import torch

    side, number = plan.starts.shape[1], len(tables)
    on_gpu = torch.device(device).type == "cuda"
    with torch.cuda.stream(_stream(device)) if on_gpu else nullcontext():
        together = torch.from_numpy(np.stack(tables, axis=-1)).to(device)
        starts = torch.from_numpy(plan.starts).to(device)
        along = torch.arange(side, device=device)
        total = torch.zeros((side * side, number), dtype=torch.int64, device=device)
        for rows, begin in zip(together, starts, strict=True):
            total += rows.reshape(-1, number).index_select(0, (begin[:, None] + along).reshape(-1))
        return list(total.T.reshape(number, side, side).cpu().numpy())


@lru_cache(maxsize=8)
def _stream(device: str) -> Any:
    """One queue on a GPU beside the model's, whose batch is then not waited for.

    One only: torch keeps freed memory apart for each.
    """
    import torch

    cuda: Any = torch.cuda
    return cuda.Stream(device)


def unpacked(total: Whole, held: Packed) -> Field:
    """The picture (side, side): the four fields turned back, added, and counted in the rows' own measure."""
    straight, turned, swapped, mirrored = np.moveaxis(
        np.ascontiguousarray(total, "<i8")[..., None].view("<u2"), -1, 0
    ).astype(np.float32)
    picture: Field = straight + mirrored[:, ::-1] + (swapped + turned[::-1]).T
    picture -= np.float32(held.zero)
    picture *= np.float32(held.unit)
    return picture
