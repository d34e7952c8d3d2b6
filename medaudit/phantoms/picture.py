"""The full name of a generated picture: what is in it, of whom, and how it was taken.

The same ``Picture`` gives the same bytes on every machine, and pictures that differ in one field differ
by that field alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from medaudit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Goes up whenever a picture's bytes change: it is part of every picture's key in the answer store.
GENERATOR = "medaudit.picture/2"

Corner: TypeAlias = Literal["upper-left", "upper-right"]
CORNERS: tuple[Corner, Corner] = ("upper-left", "upper-right")
SEXES = ("F", "M")
VENDORS = ("A", "B", "C")
#: Structures must stay apart by whole pixels.
MIN_SIZE = 32
#: Extents up to the first are small, from the second large; between them nobody is asked.
SMALL, LARGE = 0.3, 0.7
#: Factors that come in doses from 0 (absent) to 1.
DOSES = ("tube", "leads", "text", "noise")


@dataclass(frozen=True, slots=True)
class Lesion:
    """A finding: its kind, the place it lies in, and how far it extends, from 0 to 1."""

    kind: str
    place: str
    extent: float = 0.5

    @property
    def label(self) -> str | None:
        """``small``, ``large``, or None between them."""
        return "small" if self.extent <= SMALL else "large" if self.extent >= LARGE else None


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    ``patient`` seeds all that is individual (proportions, lesion shapes), ``visit`` the noise. Nuisance
    factors are laid over it: sex, age and view change the anatomy, ``vendor`` the tone curve, ``marker``
    names the corner that holds the laterality marker; ``tube``, ``leads``, ``text`` and ``noise`` are doses
    from 0 to 1. ``vendor_dose`` is how far the vendor's curve departs from vendor A's, ``marker_dose`` how
    bright the marker is.
    """

    modality: str
    patient: int
    lesions: tuple[Lesion, ...] = ()
    sex: str = "F"
    age: int = 55
    view: str = ""
    vendor: str = "A"
    vendor_dose: float = 1.0
    marker: Corner | None = "upper-left"
    marker_dose: float = 1.0
    tube: float = 0.0
    leads: float = 0.0
    text: float = 0.0
    noise: float = 0.0
    visit: int = 0
    size: int = 64

    def __post_init__(self) -> None:
        from medaudit.phantoms.modalities import modality

        kind = modality(self.modality)
        if not self.view:
            object.__setattr__(self, "view", kind.views[0])
        slots = [(lesion.kind, lesion.place) for lesion in self.lesions]
        if len(set(slots)) != len(slots):
            raise UsageError("A phantom holds each finding at most once a place; remove the duplicate.")
        for lesion in self.lesions:
            _legal(f"{self.modality} finding", lesion.kind, kind.kinds)
            _legal(f"place of a {lesion.kind}", lesion.place, kind.places)
            _dose("extent", lesion.extent)
        if self.size < MIN_SIZE:
            raise UsageError(f"Phantom of size {self.size}: give a size from {MIN_SIZE}.")
        _legal("sex", self.sex, SEXES)
        _legal("view", self.view, kind.views)
        _legal("vendor", self.vendor, VENDORS)
        _legal("marker", self.marker, (*CORNERS, None))
        for name in (*DOSES, "vendor_dose", "marker_dose"):
            _dose(name, getattr(self, name))

    @property
    def key(self) -> str:
        """Text that holds the generator's version and every field."""
        found = "+".join(sorted(f"{x.kind}-{x.place}-{x.extent!r}" for x in self.lesions)) or "normal"
        rest = [str(getattr(self, field.name)) for field in fields(self) if field.name != "lesions"]
        return "|".join((GENERATOR, found, *rest))

    def places(self, kind: str) -> tuple[str, ...]:
        """Places in which this finding lies, in the modality's order."""
        from medaudit.phantoms.modalities import modality

        held = {lesion.place for lesion in self.lesions if lesion.kind == kind}
        return tuple(place for place in modality(self.modality).places if place in held)

    def lesion(self, kind: str) -> Lesion | None:
        """The finding of this kind, where there is exactly one."""
        found = [lesion for lesion in self.lesions if lesion.kind == kind]
        return found[0] if len(found) == 1 else None

    def but(self, **changes: Any) -> Picture:
        """The same picture with other values of some fields."""
        return replace(self, **changes)


def other_corner(corner: Corner) -> Corner:
    return CORNERS[1 - CORNERS.index(corner)]


def _legal(what: str, given: object, legal: Sequence[object]) -> None:
    if given not in legal:
        raise UsageError.unknown(what, str(given), [str(value) for value in legal])


def _dose(name: str, given: float) -> None:
    if not 0 <= given <= 1:
        raise UsageError(f"{name} = {given!r}: give a number from 0 to 1.")
