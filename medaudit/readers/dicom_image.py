"""One frame of a DICOM file as an image under audit."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from medaudit.errors import DataError
from medaudit.image import Decoded

if TYPE_CHECKING:
    from medaudit.image import Pixels


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
        try:
            modified = self.path.stat().st_mtime_ns
        except OSError as error:
            raise DataError(f"{self.name}: no such image file.") from error
        try:
            return _rendered(self.path, modified, self.frame)
        except DataError as error:
            raise DataError(f"{self.name}: {error}") from error


# Small, as for other image files: neighbours in a batch share images.
@lru_cache(maxsize=16)
def _rendered(path: Path, _modified_ns: int, frame: int) -> Pixels:
    from medaudit.readers.dicom_file import guarded, open_dicom
    from medaudit.readers.dicom_header import frame_count, middle
    from medaudit.readers.dicom_pixels import render

    dataset = open_dicom(path)
    with guarded("the pixel data do not decode; is the file complete?"):
        pixels = render(dataset, frame or middle(frame_count(dataset)))
    pixels.flags.writeable = False
    return pixels
