"""One frame of a DICOM file as an image under audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from medaudit.errors import DataError
from medaudit.image import Decoded

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from medaudit.image import Pixels
    from medaudit.stored import Stored

Found = TypeVar("Found")


@dataclass(frozen=True)
class DicomImage(Decoded):
    """A frame, numbered from 1, as a workstation shows it; 0 is the middle frame."""

    path: Path = field(repr=False)
    frame: int = 0
    label: str = ""

    @property
    def name(self) -> str:
        return self.label or self.path.name

    def pixels(self) -> Pixels:
        return self._of_file(_rendered)

    def stored(self) -> Stored | None:
        """Values before the window; None where there are none (colour, a palette, a VOI table)."""
        return self._of_file(_stored)

    def _of_file(self, read: Callable[[Path, int, int], Found]) -> Found:
        try:
            modified = self.path.stat().st_mtime_ns
        except OSError as error:
            raise DataError(f"{self.name}: no such image file.") from error
        try:
            return read(self.path, modified, self.frame)
        except DataError as error:
            raise DataError(f"{self.name}: {error}") from error


# Small, as for other image files: neighbours in a batch share images.
@lru_cache(maxsize=16)
def _rendered(path: Path, _modified_ns: int, frame: int) -> Pixels:
    from medaudit.readers.dicom_pixels import render

    pixels = _decoded(path, frame, render)
    pixels.flags.writeable = False
    return pixels


# Smaller: eight bytes a pixel, and one picture is shifted many times in a row.
@lru_cache(maxsize=4)
def _stored(path: Path, _modified_ns: int, frame: int) -> Stored | None:
    from medaudit.readers.dicom_pixels import stored_values

    stored = _decoded(path, frame, stored_values)
    if stored is not None:
        stored.values.flags.writeable = False
    return stored


def _decoded(path: Path, frame: int, decode: Callable[[Dataset, int], Found]) -> Found:
    from medaudit.readers.dicom_file import guarded, open_dicom
    from medaudit.readers.dicom_header import frame_count, middle

    dataset = open_dicom(path)
    with guarded("the pixel data do not decode; is the file complete?"):
        return decode(dataset, frame or middle(frame_count(dataset)))
