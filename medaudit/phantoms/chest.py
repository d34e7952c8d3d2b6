"""Chest-radiograph-like pictures that are known to the last pixel.

``ChestSpec`` names a picture in full: the same spec gives the same bytes on every machine. Everything is
additive on a log-exposure scale and ends in a pointwise tone curve, so a finding changes pixels inside its
own mask only, and pictures that differ in one field differ by that field alone.

Sides are the patient's: the patient's right lies at the left of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from medaudit.case import Region
from medaudit.errors import UsageError
from medaudit.image import LazyImage, keyed_rng
from medaudit.phantoms import anatomy, lesions
from medaudit.phantoms.lesions import SIDES, Kind, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Mask = NDArray[np.bool_]

#: Goes up whenever a spec's bytes change: it is part of every picture's key in the answer store.
GENERATOR = "medaudit.chest/1"

Corner = Literal["upper-left", "upper-right"]
CORNERS: tuple[Corner, Corner] = ("upper-left", "upper-right")
#: Left lung field, right lung field and mediastinum must stay apart by whole pixels.
MIN_SIZE = 32


@dataclass(frozen=True, slots=True)
class Lesion:
    """A finding on one side of the patient."""

    kind: Kind
    side: Side


@dataclass(frozen=True, slots=True)
class ChestSpec:
    """Full name of a picture.

    ``patient`` seeds all that is individual: proportions, lesion shapes, noise. ``marker`` is the corner
    of the picture that holds the laterality marker.
    """

    patient: int
    lesions: tuple[Lesion, ...] = ()
    sex: Literal["F", "M"] = "F"
    age: int = 55
    view: Literal["AP", "PA"] = "PA"
    vendor: Literal["A", "B"] = "A"
    marker: Corner | None = "upper-left"
    size: int = 64

    def __post_init__(self) -> None:
        if len(set(self.lesions)) != len(self.lesions):
            raise UsageError("A chest phantom holds each finding at most once a side; remove the duplicate.")
        if self.size < MIN_SIZE:
            raise UsageError(f"Chest phantom of size {self.size}: give a size from {MIN_SIZE}.")
        legal: dict[str, tuple[object, ...]] = {
            "sex": ("F", "M"),
            "view": ("AP", "PA"),
            "vendor": ("A", "B"),
            "marker": (*CORNERS, None),
        }
        for field, values in legal.items():
            if getattr(self, field) not in values:
                raise UsageError.unknown(field, str(getattr(self, field)), [str(v) for v in values])

    @property
    def key(self) -> str:
        """Text that holds the generator's version and every field."""
        found = "+".join(sorted(f"{lesion.kind}-{lesion.side}" for lesion in self.lesions)) or "normal"
        fields = (self.patient, found, self.sex, self.age, self.view, self.vendor, self.marker, self.size)
        return "|".join((GENERATOR, *map(str, fields)))

    def sides(self, kind: Kind) -> tuple[Side, ...]:
        """Sides on which this finding lies, in the order of ``SIDES``."""
        return tuple(side for side in SIDES if Lesion(kind, side) in self.lesions)

    def with_marker(self, corner: Corner | None) -> ChestSpec:
        """The same picture with the marker elsewhere, or without one."""
        return replace(self, marker=corner)


def other_corner(corner: Corner) -> Corner:
    return CORNERS[1 - CORNERS.index(corner)]


def _layers(spec: ChestSpec) -> dict[Lesion, NDArray[np.float64]]:
    body = anatomy.body(spec.patient, spec.sex, spec.view, spec.size)
    return {lesion: lesions.layer(lesion.kind, lesion.side, spec.patient, body) for lesion in spec.lesions}


def render(spec: ChestSpec) -> Pixels:
    """The picture, (size, size, 3) uint8, read-only."""
    body = anatomy.body(spec.patient, spec.sex, spec.view, spec.size)
    exposure = anatomy.background(body, spec.sex, spec.age)
    for layer in _layers(spec).values():
        exposure = exposure + layer
    if spec.marker is not None:
        exposure = np.where(anatomy.marker_mask(spec.marker == CORNERS[0], spec.size), 1.25, exposure)
    grey = _vendor_tone(exposure, spec)
    pixels = np.repeat(np.clip(np.rint(grey * 255), 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    pixels.flags.writeable = False
    return pixels


def _vendor_tone(exposure: NDArray[np.float64], spec: ChestSpec) -> NDArray[np.float64]:
    """Vendor A: nearly linear and quiet. Vendor B: steep in the dark, compressed in the bright, noisy."""
    noise = keyed_rng(GENERATOR, "noise", spec.patient, spec.size).standard_normal(exposure.shape)
    level = np.clip(exposure, 0.0, None)
    if spec.vendor == "A":
        return 0.97 * np.tanh(0.95 * level) + 0.008 * noise
    return 0.06 + 0.88 * np.tanh(1.15 * level) ** 0.85 + 0.018 * noise


def masks(spec: ChestSpec) -> dict[Lesion, Mask]:
    """Where each finding lies, (size, size) bool."""
    return {lesion: layer > 0 for lesion, layer in _layers(spec).items()}


def tight_box(mask: Mask) -> tuple[int, int, int, int]:
    """Smallest half-open box x0, y0, x1, y1 around a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def regions(spec: ChestSpec) -> tuple[Region, ...]:
    """A box for each finding, labelled with its kind."""
    return tuple(Region(lesion.kind, tight_box(mask)) for lesion, mask in masks(spec).items())


def marker_box(spec: ChestSpec) -> tuple[int, int, int, int] | None:
    """Box of the laterality marker, where there is one."""
    if spec.marker is None:
        return None
    return tight_box(anatomy.marker_mask(spec.marker == CORNERS[0], spec.size))


def image(spec: ChestSpec) -> LazyImage:
    """The picture as an image under audit, rendered when asked for."""
    size = (spec.size, spec.size)
    return LazyImage(lambda: render(spec), spec.key, f"phantom {spec.patient}", size)
