"""Losses on the way from the scanner to the model: compression and resolution."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.library import REFERENCE, functional, is_grey, on_one_channel
from medaudit.shifts.severities import ladder

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: JPEG quality by severity.
QUALITY = (50, 30, 18, 10, 5)

#: Width and height kept by severity, as a share of the picture's own.
KEPT = (0.70, 0.50, 0.35, 0.25, 0.15)


@shift("jpeg", family="digital", reference=REFERENCE)
def jpeg(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """Lossy JPEG of a teleradiology link, a messenger or a slide.

    ========  ===  ===  ===  ===  ===
    severity    1    2    3    4    5
    quality    50   30   18   10    5
    ========  ===  ===  ===  ===  ===

    Encoded and decoded at the quality, chroma subsampled 4:2:0. Nothing is drawn at random.

    Declared moments: the mean moves by less than 2 of 255.
    """
    return on_one_channel(pixels, lambda picture: jpeg_coded(picture, QUALITY[severity - 1]))


def jpeg_coded(picture: Pixels, quality: int) -> Pixels:
    """A picture, (h, w) or (h, w, 3), after JPEG; the chroma of a grey one would be empty."""
    import cv2

    coded = functional("pixel").image_compression
    if picture.ndim == 2:
        return np.asarray(coded(picture[..., None], quality, ".jpg")[..., 0])
    # The encoder takes blue first; without the turn, luma weights would fall on the wrong channels.
    decoded = coded(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality, ".jpg")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))


@shift("pixelate", family="digital", reference=REFERENCE)
def pixelate(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """A picture that was stored small and enlarged again without smoothing.

    ============  ====  ====  ====  ====  ====
    severity         1     2     3     4     5
    share kept    0.70  0.50  0.35  0.25  0.15
    ============  ====  ====  ====  ====  ====

    Reduced by area means to that share of width and height (at least one pixel), enlarged by nearest
    neighbour. The share is of the picture's own size: a large picture keeps more detail than a small one.
    Nothing is drawn at random.

    Declared moments: the mean moves by less than 2 of 255; the picture holds at most as many distinct
    blocks as the reduced one has pixels.
    """
    height, width = pixels.shape[:2]
    share = KEPT[severity - 1]
    small = (max(1, round(height * share)), max(1, round(width * share)))
    return on_one_channel(pixels, lambda picture: in_blocks(picture, small))


def in_blocks(picture: Pixels, small: tuple[int, int]) -> Pixels:
    """A picture, (h, w) or (h, w, 3), of ``small`` (rows, columns) area means and its size of before."""
    import cv2

    height, width = picture.shape[:2]
    reduced = cv2.resize(picture, small[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_NEAREST_EXACT))


@shift(
    "jpeg2000",
    family="digital",
    reference="ISO/IEC 15444-1; Koff & Shulman 2006, Can Assoc Radiol J 57(4)",
    default=False,
    doses=ladder("jpeg2000", low=0.0, high=5.5),
)
def jpeg2000(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """Lossy JPEG 2000 of an archive that saves space: smooth, then blurred, then rippled.

    Encoded at ``2^dose : 1`` with the irreversible wavelet, and decoded. The ratio is against 8 bits a pixel
    for a grey picture and 24 for a coloured one. Pictures of a few pixels do not shrink: their header is
    larger. Nothing is drawn at random.

    Dose: logarithm to base 2 of the compression ratio, 0 (untouched) to 5.5 (45 : 1).

    Declared moments: the mean moves by less than 2 of 255; a file of a 256 pixel picture is within a tenth of
    its ratio or smaller.
    """
    if dose <= 0:
        return pixels.copy()
    from PIL import Image

    with Image.open(BytesIO(encoded(pixels, 2**dose))) as picture:
        return np.array(picture.convert("RGB"), dtype=np.uint8)


def encoded(pixels: Pixels, ratio: float) -> bytes:
    """A JPEG 2000 file of the picture at this compression ratio."""
    from PIL import Image

    buffer = BytesIO()
    # Each level of the wavelet halves the picture: a small one has no room for the usual six.
    levels = min(6, min(pixels.shape[:2]).bit_length())
    Image.fromarray(np.ascontiguousarray(pixels[..., 0]) if is_grey(pixels) else pixels).save(
        buffer,
        "JPEG2000",
        quality_mode="rates",
        quality_layers=[ratio],
        irreversible=True,
        num_resolutions=levels,
    )
    return buffer.getvalue()
