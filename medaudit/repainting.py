"""Parts of an image removed, kept alone, or put into another image: recipes named by boxes and donors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from medaudit.errors import UsageError
from medaudit.image import DerivedImage, Image

if TYPE_CHECKING:
    from medaudit.image import Pixels

Box: TypeAlias = tuple[int, int, int, int]

#: Ways to take a region out. None of them is neutral, so what is claimed must hold under all.
KINDS = ("mean", "blur", "inpaint")
# Inpainting is sought at this many pixels a side at most: what it fills in is smooth.
_INPAINTED = 512
# Places tried on either axis when a box is to lie elsewhere.
_PLACES = 48


def removed(image: Image, boxes: Sequence[Box], kind: str) -> DerivedImage:
    """The image with every box painted over.

    ``mean``: the mean colour of the frame a quarter as wide around the box; the image's own mean would be a
    bright block on a dark border, a mark itself. ``blur``: Gaussian, sigma half the box's shorter side.
    ``inpaint``: continued from its surround (Telea 2004, fast marching), in images over 512 pixels a side at
    that size. UsageError for another kind and without boxes.
    """
    if kind not in KINDS:
        raise UsageError.unknown("way to remove a region", kind, KINDS)
    if not boxes:
        raise UsageError("no box given: name one or more regions to remove.")
    placed = tuple(sorted(boxes))
    paint = {"mean": _framed, "blur": _blurred, "inpaint": _inpainted}[kind]

    def change(pixels: Pixels) -> Pixels:
        return paint(pixels, placed)

    return DerivedImage(image, f"remove:1 {kind} {_named(placed)}", change)


def kept_alone(image: Image, box: Box) -> DerivedImage:
    """The image's mean colour everywhere but in the box."""

    def change(pixels: Pixels) -> Pixels:
        x0, y0, x1, y1 = box
        blank = np.empty_like(pixels)
        blank[:] = np.rint(pixels.mean(axis=(0, 1)))
        blank[y0:y1, x0:x1] = pixels[y0:y1, x0:x1]
        return blank

    return DerivedImage(image, f"keep:1 {_named((box,))}", change)


def inserted(image: Image, box: Box, donor: Image, source: Box) -> DerivedImage:
    """The image with ``source`` of the ``donor`` in its ``box``, resized (bilinear) where sizes differ."""

    def change(pixels: Pixels) -> Pixels:
        x0, y0, x1, y1 = box
        patch = donor.pixels()[source[1] : source[3], source[0] : source[2]]
        changed = pixels.copy()
        changed[y0:y1, x0:x1] = _resized(patch, (x1 - x0, y1 - y0))
        return changed

    recipe = f"insert:1 {_named((box,))} of {donor.digest} {_named((source,))}"
    return DerivedImage(image, recipe, change)


def rescaled(box: Box, size: tuple[int, int], to: tuple[int, int]) -> Box:
    """The same place in an image of another ``(height, width)``, at least a pixel a side."""
    across, down = to[1] / size[1], to[0] / size[0]
    x0, y0 = min(round(box[0] * across), to[1] - 1), min(round(box[1] * down), to[0] - 1)
    return x0, y0, max(x0 + 1, round(box[2] * across)), max(y0 + 1, round(box[3] * down))


def elsewhere(
    size: tuple[int, int], boxes: Sequence[Box], taken: Sequence[Box], rng: np.random.Generator
) -> tuple[Box, ...] | None:
    """A box of the same sides for each of ``boxes``, at a random place that overlaps none of ``taken``.

    Places are drawn evenly from a lattice of 48 a side. They may overlap one another. None where some box
    fits nowhere in an image of ``size`` (height, width).
    """
    found = []
    for x0, y0, x1, y1 in boxes:
        width, height = x1 - x0, y1 - y0
        left, top = _lattice(size[1] - width), _lattice(size[0] - height)
        x, y = (axis.ravel() for axis in np.meshgrid(left, top))
        free = np.ones(len(x), dtype=np.bool_)
        for a0, b0, a1, b1 in taken:
            free &= (x >= a1) | (x + width <= a0) | (y >= b1) | (y + height <= b0)
        places = np.flatnonzero(free)
        if not len(places):
            return None
        at = places[int(rng.integers(len(places)))]
        found.append((int(x[at]), int(y[at]), int(x[at]) + width, int(y[at]) + height))
    return tuple(found)


def _lattice(room: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.unique(np.linspace(0, room, _PLACES).round().astype(np.int64))


def _framed(pixels: Pixels, boxes: Sequence[Box]) -> Pixels:
    changed = pixels.copy()
    for x0, y0, x1, y1 in boxes:
        edge = max(1, min(x1 - x0, y1 - y0) // 4)
        frame = np.zeros(pixels.shape[:2], dtype=np.bool_)
        frame[max(y0 - edge, 0) : y1 + edge, max(x0 - edge, 0) : x1 + edge] = True
        frame &= ~_mask(pixels, boxes)
        around = pixels[frame] if frame.any() else pixels.reshape(-1, 3)
        changed[y0:y1, x0:x1] = np.rint(around.mean(axis=0))
    return changed


def _blurred(pixels: Pixels, boxes: Sequence[Box]) -> Pixels:
    import cv2

    changed = pixels.copy()
    for x0, y0, x1, y1 in boxes:
        sigma = max(1.0, min(x1 - x0, y1 - y0) / 2)
        # Three sigma around the box are all that the blur looks at.
        reach = int(3 * sigma) + 1
        top, left = max(y0 - reach, 0), max(x0 - reach, 0)
        part = np.ascontiguousarray(pixels[top : y1 + reach, left : x1 + reach])
        smooth = np.asarray(cv2.GaussianBlur(part, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE))
        changed[y0:y1, x0:x1] = smooth[y0 - top : y1 - top, x0 - left : x1 - left]
    return changed


def _inpainted(pixels: Pixels, boxes: Sequence[Box]) -> Pixels:
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, _INPAINTED / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    mask = _mask(pixels, boxes)
    small = np.ascontiguousarray(
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
    )
    hole = cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA) if scale < 1 else mask
    filled = np.asarray(cv2.inpaint(small, (hole > 0).astype(np.uint8) * 255, 3, cv2.INPAINT_TELEA))
    changed = pixels.copy()
    changed[mask] = _resized(filled.astype(np.uint8), (width, height))[mask]
    return changed


def _mask(pixels: Pixels, boxes: Sequence[Box]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    mask = np.zeros(pixels.shape[:2], dtype=np.bool_)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    return mask


def _resized(patch: Pixels, size: tuple[int, int]) -> Pixels:
    """``patch`` at ``(width, height)``."""
    if (patch.shape[1], patch.shape[0]) == size:
        return patch
    from PIL import Image as Pillow

    return np.asarray(Pillow.fromarray(patch).resize(size, Pillow.Resampling.BILINEAR), dtype=np.uint8)


def _named(boxes: Sequence[Box]) -> str:
    return " ".join(",".join(str(int(side)) for side in box) for box in boxes)
