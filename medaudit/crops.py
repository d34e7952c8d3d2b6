"""A part of an image as an image of its own, for models whose tokens have no place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaudit.errors import UsageError
from medaudit.image import DerivedImage, Image

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: Pixels. Processors refuse, or blow up into a smear, what is smaller.
SMALLEST = 8


def cropped(image: Image, box: tuple[int, int, int, int], margin: int = 0) -> DerivedImage:
    """The pixels of ``box`` (x0, y0, x1, y1 in the original, half-open) with ``margin`` pixels around it.

    What lies outside the image is cut off, and a side under 8 pixels is widened to 8 around its middle,
    as far as the image reaches; nothing is resized. The recipe names the part that is shown, so that
    boxes that come to the same are one image. Raises UsageError for a box that is empty, reversed or
    wholly outside.
    """
    if margin < 0:
        raise UsageError(f"margin {margin}: a margin is 0 pixels or more.")
    height, width = image.size
    x0, x1 = _side(box[0], box[2], margin, width)
    y0, y1 = _side(box[1], box[3], margin, height)

    def cut(pixels: Pixels) -> Pixels:
        return pixels[y0:y1, x0:x1].copy()

    return DerivedImage(image, f"crop {x0} {y0} {x1} {y1}", cut)


def _side(low: int, high: int, margin: int, length: int) -> tuple[int, int]:
    if not low < high or high <= 0 or low >= length:
        raise UsageError(
            f"A box's side from {low} to {high} shows nothing of {length} pixels. "
            "A box is x0, y0, x1, y1 in pixels of the original image, half-open."
        )
    low, high = max(low - margin, 0), min(high + margin, length)
    short = SMALLEST - (high - low)
    if short > 0:
        low = max(min(low - short // 2, length - SMALLEST), 0)
        high = min(low + SMALLEST, length)
    return low, high
