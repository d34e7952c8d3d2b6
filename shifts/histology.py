"""What staining and focusing do to a slide."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.library import is_grey
from medaudit.shifts.painting import LUMA
from medaudit.shifts.severities import ladder

if TYPE_CHECKING:
    from medaudit.image import Pixels
    from medaudit.shifts.painting import Field

#: Optical densities of haematoxylin, eosin and a residual in red, green and blue (Ruifrok & Johnston 2001).
STAINS = ((0.650, 0.704, 0.286), (0.072, 0.990, 0.105), (0.268, 0.570, 0.776))
#: Offset of a stain, as a share of the dose: densities of stained tissue lie between 0 and 2.
OFFSET = 0.2


@shift(
    "stain_variation",
    family="histology",
    reference=(
        "Ruifrok & Johnston 2001, Anal Quant Cytol Histol 23(4); Tellez et al. 2018, IEEE TMI 37(9), "
        "doi:10.1109/TMI.2018.2820199"
    ),
    modalities=("histology",),
    doses=ladder("stain_variation", low=0.0, high=0.9),
)
def stain_variation(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """Another laboratory's haematoxylin and eosin: stronger, weaker, older, or rinsed longer.

    Optical densities ``-ln((x + 1) / 256)`` are split into haematoxylin, eosin and a residual by a fixed
    stain matrix. Each of the two stains c becomes ``(1 + dose u) c + 0.2 dose v``, u and v drawn from
    -1..-0.5 and 0.5..1, the residual stays; densities below 0 become 0. A grey picture stays grey.

    Dose: the largest relative change of a stain's amount, 0 to 0.9.

    Declared moments: the residual density stays; over draws the gain has mean 1 and sd 0.764 dose.
    """
    import cv2

    gains, offsets = _drawn(dose, rng), _drawn(dose, rng) - 1
    stains = np.array(STAINS) / np.linalg.norm(STAINS, axis=1, keepdims=True)
    change = np.linalg.inv(stains) @ np.diag([*gains, 1.0]) @ stains
    added = OFFSET * np.array([*offsets, 0.0]) @ stains
    # cv2 takes the matrix for column vectors, with the offset as its last column.
    matrix = np.column_stack([change.T, added]).astype(np.float32)
    density = cv2.transform(density_table()[pixels], matrix)
    light = cv2.exp(-np.clip(density, 0, None)).reshape(pixels.shape)
    return _kept_grey(light * np.float32(256) - np.float32(1), pixels)


def density_table() -> Field:
    """Optical density of each level, (256,) float32."""
    return np.asarray(-np.log((np.arange(256, dtype=np.float32) + 1) / np.float32(256)), dtype=np.float32)


def _drawn(dose: float, rng: np.random.Generator) -> Field:
    """``1 + dose u`` for both stains, u from the outer half of -1..1: a dose is always felt."""
    signs = np.where(rng.random(2) < 0.5, -1.0, 1.0)
    return (1 + dose * signs * rng.uniform(0.5, 1.0, 2)).astype(np.float32)


def _kept_grey(values: Field, pixels: Pixels) -> Pixels:
    if is_grey(pixels):
        values = np.repeat((values @ np.array(LUMA, dtype=np.float32))[..., None], 3, axis=2)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


@shift(
    "out_of_focus",
    family="histology",
    reference="Kohlberger et al. 2019, Whole-slide image focus quality, J Pathol Inform 10, arXiv:1901.04619",
    modalities=("microscopy", "histology"),
    default=False,
    doses=ladder("out_of_focus", low=0.0, high=0.04),
)
def out_of_focus(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """A slide scanned above or below its plane of focus: every point becomes a disc.

    The mean over a disc with an anti-aliased rim; borders are mirrored. Nothing is drawn at random.

    Dose: radius of the disc as a share of the shorter side, 0 to 0.04.

    Declared moments: the mean moves by less than 1 of 255; an even picture stays as it is; a point of light
    far from the borders spreads over an area of pi radius^2.
    """
    import cv2

    kernel = disc(dose * min(pixels.shape[:2]))
    planes = pixels[..., :1] if is_grey(pixels) else pixels
    blurred = cv2.filter2D(np.ascontiguousarray(planes), -1, kernel, borderType=cv2.BORDER_REFLECT)
    blurred = blurred.reshape(planes.shape)
    return np.ascontiguousarray(np.broadcast_to(blurred, pixels.shape), dtype=np.uint8)


def disc(radius: float) -> Field:
    """Kernel of a disc of any radius from 0, odd size, sum 1; a single 1 up to half a pixel."""
    reach = math.ceil(radius)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    kernel = np.clip(np.float32(radius + 0.5) - np.hypot(x, y), 0, 1)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)
