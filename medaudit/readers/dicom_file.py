"""Opening DICOM files without noise: no warning reaches the screen, no header value reaches a message."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import ImplicitVRLittleEndian

from medaudit.errors import DataError

#: Larger elements (pixels) stay on disk until they are asked for.
DEFER = "4 KB"


class _Mute(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return False


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn whatever a hostile file provokes into a DataError that names the step, not the content."""
    loggers = [logging.getLogger(name) for name in ("pydicom", *_pixel_loggers())]
    mute = _Mute()
    for logger in loggers:
        logger.addFilter(mute)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (DataError, KeyboardInterrupt):
        raise
    except Exception as error:  # parsers and codecs raise anything; their text may quote header values
        raise DataError(f"{what} ({type(error).__name__}).") from error
    finally:
        for logger in loggers:
            logger.removeFilter(mute)


def _pixel_loggers() -> tuple[str, ...]:
    return ("pydicom.pixels.utils", "pydicom.pixels.decoders.base")


def open_dicom(path: Path) -> FileDataset:
    """Read a file's header; files without preamble are accepted if they name their SOP class."""
    with guarded("not a readable DICOM file"):
        try:
            dataset = pydicom.dcmread(path, defer_size=DEFER)
        except InvalidDicomError:
            dataset = pydicom.dcmread(path, defer_size=DEFER, force=True)
        # Forced reading finds "elements" in any bytes; only a DICOM object says what it is.
        if "SOPClassUID" not in dataset:
            raise DataError("not a DICOM file.")
        meta = getattr(dataset, "file_meta", None)
        if meta is None or "TransferSyntaxUID" not in meta:
            dataset.file_meta = meta or FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        return dataset


def frame_groups(dataset: Dataset, frame: int) -> list[Dataset]:
    """Functional groups that hold for a frame (from 1): its own first, then the shared ones."""
    own = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    return [*own[frame - 1 : frame], *shared[:1]]
