"""Image files named by a data set: found inside its folder or refused, opened once however often named."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from medaudit.errors import DataError

if TYPE_CHECKING:
    from medaudit.image import Image

DICOM_SUFFIXES = frozenset({".dcm", ".dicom", ".dic", ".ima"})
_FILE_NAME = re.compile(r"[^\\]{1,80}\.[A-Za-z][A-Za-z0-9]{0,4}")


def told(relative: str) -> str:
    """The file's name for messages, without folders; a text that is no file name is not repeated."""
    name = PurePosixPath(relative).name
    return name if name.isprintable() and _FILE_NAME.fullmatch(name) else "an image"


def inside(root: Path, relative: str) -> Path:
    """The file that ``relative`` names, refused where it is absolute, climbs, or links out of ``root``.

    ``root`` must be resolved. Raises DataError for a missing file too, without repeating the path.
    """
    parts = PurePosixPath(relative)
    if not relative or parts.is_absolute() or ".." in parts.parts:
        raise DataError("the path leaves the data folder; name files relative to it, without '..'.")
    # Resolving first: a link is judged by where it leads, not by where it lies.
    try:
        path = (root / parts).resolve()
        exists = path.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError("the path is no usable file name; name a file of the data folder.") from error
    if not path.is_relative_to(root):
        raise DataError("the path is a link that leaves the data folder; copy the file into it.")
    if not exists:
        raise DataError("no such image file.")
    return path


class ImagePool:
    """Images of one data folder; cases that name the same file share one image and one digest."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._images: dict[Path, Image] = {}

    def find(self, relative: str) -> Image:
        """The image at a path relative to the folder; DataError where there is none inside it."""
        try:
            path = inside(self.root, relative)
        except DataError as error:
            raise DataError(f"{told(relative)}: {error}") from error
        if path not in self._images:
            self._images[path] = _image(path)
        return self._images[path]


def _image(path: Path) -> Image:
    if path.suffix.lower() in DICOM_SUFFIXES:
        from medaudit.readers.dicom_image import DicomImage

        return DicomImage(path)
    from medaudit.image import FileImage

    return FileImage(path)
