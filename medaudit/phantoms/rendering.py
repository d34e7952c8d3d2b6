"""From the name of a picture to its pixels, masks and boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.case import Region
from medaudit.image import LazyImage, keyed_rng
from medaudit.phantoms import overlays
from medaudit.phantoms.canvas import tight_box
from medaudit.phantoms.modalities import modality
from medaudit.phantoms.picture import GENERATOR, Lesion, Picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.phantoms.canvas import Field, Mask

    Pixels = NDArray[np.uint8]

#: Standard deviation of the noise of each vendor, and of a full dose of extra noise, of grey levels 0..1.
VENDOR_NOISE = {"A": 0.008, "B": 0.018, "C": 0.012}
FULL_NOISE = 0.10


def render(picture: Picture) -> Pixels:
    """The picture, (size, size, 3) uint8, read-only."""
    kind = modality(picture.modality)
    exposure = kind.background(picture)
    for lesion in picture.lesions:
        exposure = exposure + kind.layer(lesion, picture)
    grey = overlays.paint(kind.tone(exposure, picture) + _noise(picture), picture)
    levels = np.clip(grey * np.float32(255) + np.float32(0.5), 0, 255).astype(np.uint8)
    pixels = np.repeat(levels[..., None], 3, axis=2) if levels.ndim == 2 else levels
    pixels.flags.writeable = False
    return pixels


def _noise(picture: Picture) -> Field:
    """Grain of the receptor, the same in all channels: (h, w), or (h, w, 1) where there is colour."""
    rng = keyed_rng(GENERATOR, "noise", picture.patient, picture.visit, picture.size)
    shape = (picture.size, picture.size)
    grain = rng.standard_normal(shape, dtype=np.float32)
    sigma = VENDOR_NOISE["A"] + (VENDOR_NOISE[picture.vendor] - VENDOR_NOISE["A"]) * picture.vendor_dose
    noise = grain * np.float32(np.hypot(sigma, FULL_NOISE * picture.noise))
    return noise if modality(picture.modality).grey else noise[..., None]


def masks(picture: Picture) -> dict[Lesion, Mask]:
    """Where each finding lies, (size, size) bool."""
    kind = modality(picture.modality)
    found = {}
    for lesion in picture.lesions:
        changed = kind.layer(lesion, picture) != 0
        found[lesion] = changed if changed.ndim == 2 else changed.any(axis=2)
    return found


def overlay_masks(picture: Picture) -> dict[str, Mask]:
    """Where marker, tube, leads and text lie, (size, size) bool, for those that the picture has."""
    return {name: cover > 0 for name, cover in overlays.coverages(picture).items()}


def regions(picture: Picture) -> tuple[Region, ...]:
    """A box for each finding, labelled with its kind."""
    return tuple(Region(lesion.kind, tight_box(mask)) for lesion, mask in masks(picture).items())


def image(picture: Picture) -> LazyImage:
    """The picture as an image under audit, rendered when asked for."""
    size = (picture.size, picture.size)
    return LazyImage(lambda: render(picture), picture.key, f"phantom {picture.patient}", size)
