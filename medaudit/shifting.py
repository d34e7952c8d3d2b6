"""Applying shifts: a shifted image is its parent and a recipe, computed when its pixels are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from medaudit.errors import UsageError
from medaudit.image import ArrayImage, DerivedImage, keyed_rng
from medaudit.modality import modality_of
from medaudit.stored import stored_of

if TYPE_CHECKING:
    import numpy as np

    from medaudit.case import Case
    from medaudit.image import Image, Pixels
    from medaudit.registry import Shift
    from medaudit.stored import Stored

SEVERITIES = (1, 2, 3, 4, 5)

#: What the pixels of our shifts depend on besides their own version: the transforms and their codecs.
_LIBRARIES = ("albumentations", "opencv-python-headless", "opencv-python")
#: What those with a dose may use too.
_MORE = ("numpy", "scipy", "pillow")


@lru_cache(maxsize=2)
def library_versions(more: bool = False) -> str:
    """``albumentations 2.0.8, ...``: read from package metadata, so that nothing heavy is imported."""
    found = []
    for name in _LIBRARIES + _MORE * more:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def apply_shift(
    image: Image, shift: Shift, severity: int, seed: int, case_id: str, modality: str = ""
) -> ShiftedImage:
    """Shift one image at severity 1 to 5.

    The random generator depends on (seed, case id, shift, severity) alone, so a case is changed in the
    same way whatever else is in the run, and no two cases share a noise field. The recipe names all of
    that, the dose, the shift's version and those of the libraries: an upgrade asks the model again.

    Raises :class:`UsageError` for a severity that does not exist.
    """
    if type(severity) is not int or severity not in SEVERITIES:
        raise UsageError(f"severity {severity!r} of shift {shift.name!r}: give a whole number from 1 to 5.")
    strength, key = shift.strength(severity, modality), (seed, case_id, shift.name, severity)
    dose = (f"dose={strength!r}",) if shift.doses else ()
    libraries = library_versions(bool(shift.doses))
    parts = ("shift", shift.name, shift.version, severity, *dose, seed, case_id, libraries)
    recipe = ":".join(map(str, parts))

    def change(subject: Any) -> Any:
        return shift.apply(subject, strength, keyed_rng(*key))

    made = RenderedImage if shift.stage == "stored" else ShiftedImage
    return made(image, recipe, change, shift, strength, key)


@dataclass(frozen=True, eq=False)
class ShiftedImage(DerivedImage):
    """``shift`` laid on an image at ``strength``, with the generator that ``key`` names.

    ``pixels()`` is ``shown(change(subject()))``; the steps stand apart for batches that take them together.
    """

    shift: Shift
    strength: float
    key: tuple[object, ...]

    def rng(self) -> np.random.Generator:
        """A fresh generator of the draws."""
        return keyed_rng(*self.key)

    def subject(self) -> Any:
        """What the shift is laid on."""
        return self.parent.pixels()

    def shown(self, changed: Any) -> Pixels:
        """What the shift returned, as a picture. Raises :class:`DataError` where it is none."""
        return DerivedImage(ArrayImage(changed), self.recipe, lambda same: same).pixels()

    def pixels(self) -> Pixels:
        return self.shown(self.change(self.subject()))


@dataclass(frozen=True, eq=False)
class RenderedImage(ShiftedImage):
    """An image whose stored values were changed before they were made a picture."""

    def subject(self) -> Stored:
        return stored_of(self.parent)

    def shown(self, changed: Stored) -> Pixels:
        return changed.pixels()


def picture_under(shift: Shift, pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
    """A picture of unknown modality under a shift of stage ``pixels`` or ``stored``."""
    strength = shift.strength(severity)
    if shift.stage == "stored":
        changed: Stored = shift.apply(stored_of(ArrayImage(pixels)), strength, rng)
        return changed.pixels()
    found: Pixels = shift.apply(pixels, strength, rng)
    return found


def shifted_images(case: Case, shift: Shift, severity: int, seed: int) -> tuple[ShiftedImage, ...]:
    """All images of a case, shifted; the second and later ones with draws of their own."""
    keys = [case.id if index == 0 else f"{case.id}#{index}" for index in range(len(case.images))]
    kind = modality_of(case)
    return tuple(
        apply_shift(image, shift, severity, seed, key, kind)
        for image, key in zip(case.images, keys, strict=True)
    )


@dataclass(frozen=True)
class ShiftedCase:
    """A changed case, and what its answers mean for the original one.

    ``meaning`` maps what is said to the changed case to what the same statement would be on the original,
    where that is another word: ``{"left": "right", "right": "left"}`` after a mirror, ``{"yes": "hai"}`` the
    other way round after a translation.
    """

    case: Case
    meaning: Mapping[str, str] = field(default_factory=dict)


def shifted_case(case: Case, shift: Shift, severity: int, seed: int) -> ShiftedCase | None:
    """The case under a shift of any stage; None where the shift does not apply to this case.

    A shift of stage ``case`` is called with (case, severity or dose, generator) and returns a
    :class:`ShiftedCase` or None. It must keep the id; the group and the columns stay those of the original.
    """
    if shift.stage != "case":
        return ShiftedCase(replace(case, images=shifted_images(case, shift, severity, seed), regions=()))
    rng = keyed_rng(seed, case.id, shift.name, severity)
    changed: ShiftedCase | None = shift.apply(case, shift.strength(severity, modality_of(case)), rng)
    return changed
