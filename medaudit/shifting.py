"""Applying shifts: a shifted image is its parent and a recipe, computed when its pixels are asked for."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from medaudit.errors import UsageError
from medaudit.image import DerivedImage, keyed_rng

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.image import Image, Pixels
    from medaudit.registry import Shift

SEVERITIES = (1, 2, 3, 4, 5)

#: What the pixels of our shifts depend on besides their own version: the transforms and their codecs.
_LIBRARIES = ("albumentations", "opencv-python-headless", "opencv-python")


@lru_cache(maxsize=1)
def library_versions() -> str:
    """``albumentations 2.0.8, ...``: read from package metadata, so that nothing heavy is imported."""
    found = []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def apply_shift(image: Image, shift: Shift, severity: int, seed: int, case_id: str) -> DerivedImage:
    """Shift one image at severity 1 to 5.

    The random generator depends on (seed, case id, shift, severity) alone, so a case is changed in the
    same way whatever else is in the run, and no two cases share a noise field. The recipe names all of
    that, the shift's version and those of the libraries: an upgrade asks the model again.

    Raises :class:`UsageError` for a severity that does not exist.
    """
    if type(severity) is not int or severity not in SEVERITIES:
        raise UsageError(f"severity {severity!r} of shift {shift.name!r}: give a whole number from 1 to 5.")

    def change(pixels: Pixels) -> Pixels:
        rng = keyed_rng(seed, case_id, shift.name, severity)
        changed: Pixels = shift.apply(pixels, severity, rng)
        return changed

    parts = ("shift", shift.name, shift.version, severity, seed, case_id, library_versions())
    return DerivedImage(image, ":".join(map(str, parts)), change)


def shifted_images(case: Case, shift: Shift, severity: int, seed: int) -> tuple[DerivedImage, ...]:
    """All images of a case, shifted; the second and later ones with draws of their own."""
    keys = [case.id if index == 0 else f"{case.id}#{index}" for index in range(len(case.images))]
    return tuple(
        apply_shift(image, shift, severity, seed, key) for image, key in zip(case.images, keys, strict=True)
    )
