"""What a DICOM header says about a picture, as an allow-list: what is not named here is never read out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from medaudit.case import MetaValue
from medaudit.image import MAX_PIXELS
from medaudit.readers.dicom_file import guarded, open_dicom

#: Objects whose numbers are not grey values: asking a picture question about them has no meaning.
_NO_PICTURE = {
    "1.2.840.10008.5.1.4.1.1.66.4": "a segmentation mask, not a picture.",
    "1.2.840.10008.5.1.4.1.1.66.7": "a segmentation mask, not a picture.",
    "1.2.840.10008.5.1.4.1.1.481.2": "a radiotherapy dose grid, not a picture.",
    "1.2.840.10008.5.1.4.1.1.30": "a parametric map, not a picture.",
}
_NO_PICTURE_MODALITY = {"SEG": "a segmentation mask, not a picture.", "RTDOSE": "a dose grid, not a picture."}
_IDENTITY = """
PatientName PatientID OtherPatientIDs OtherPatientNames IssuerOfPatientID PatientBirthDate
AccessionNumber StudyID InstitutionName ReferringPhysicianName OperatorsName PerformingPhysicianName
StudyInstanceUID SeriesInstanceUID SOPInstanceUID DeviceSerialNumber StationName
"""
_CODE = re.compile(r"[A-Z0-9_ ]{1,16}")
_AGE = re.compile(r"(\d{1,3})([DWMY])")
#: Ages above this are identifying (HIPAA safe harbour) and are told as 90.
_OLDEST_TOLD = 89
_SHORTEST_NAME = 3


@dataclass(frozen=True)
class Header:
    """The part of a header that cases are made of. ``patient`` groups files and is never shown."""

    path: Path = field(repr=False)
    sop_class: str
    transfer: str
    has_pixels: bool
    frames: int
    meta: dict[str, MetaValue]
    patient: str = field(repr=False)
    identity: frozenset[str] = field(repr=False)

    def names_someone(self, text: str) -> bool:
        """Whether a text repeats a name, number or identifier of this header."""
        folded = text.casefold()
        return any(value in folded for value in self.identity)

    def frames_of(self, stated: tuple[int, ...]) -> tuple[int, ...]:
        """Frame numbers to show: the stated ones of a multi-frame object, else the middle one."""
        return stated if stated and self.frames > 1 else (middle(self.frames),)


def middle(frames: int) -> int:
    """The middle frame, from 1: 8 of 16, 3 of 5."""
    return (frames + 1) // 2


def read_header(path: Path) -> Header:
    """Read one file's header. DataError where it is no DICOM file or its values cannot be read."""
    dataset = open_dicom(path)
    with guarded("the header holds values that cannot be read"):
        identity = _identity(dataset)
        return Header(
            path=path,
            sop_class=str(dataset.get("SOPClassUID", "")),
            transfer=str(dataset.file_meta.TransferSyntaxUID),
            has_pixels=any(key in dataset for key in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")),
            frames=frame_count(dataset),
            meta=_meta(dataset, identity),
            patient=_patient(dataset),
            identity=identity,
        )


def frame_count(dataset: Dataset) -> int:
    """Number of frames; an absent or empty element means one."""
    return max(1, int(dataset.get("NumberOfFrames") or 1))


def no_picture(header: Header) -> str | None:
    """Why an object has no picture to ask about on this machine, or None where it has."""
    if not header.has_pixels:
        return "holds no pixel data."
    modality = str(header.meta["modality"])
    reason = _NO_PICTURE.get(header.sop_class) or _NO_PICTURE_MODALITY.get(modality)
    return reason or _too_large(header) or missing_codec(header.transfer)


def _too_large(header: Header) -> str | None:
    rows, columns = header.meta["rows"], header.meta["columns"]
    if isinstance(rows, int) and isinstance(columns, int) and rows * columns > MAX_PIXELS:
        return f"{columns}x{rows} pixels is over the limit of {MAX_PIXELS:,}."
    return None


def missing_codec(transfer: str) -> str | None:
    """Which package would decode this compression, or None where what is installed does."""
    uid = UID(transfer)
    try:
        if get_decoder(uid).is_available:
            return None
    except NotImplementedError:
        return f"stored as {uid.name}, which is not supported."
    package = "python-gdcm"
    if "High-Throughput" in uid.name:
        package = "pylibjpeg pylibjpeg-openjpeg"
    elif "JPEG-LS" in uid.name:
        package = "pyjpegls"
    return f"stored as {uid.name}, for which no decoder is installed: pip install {package}."


def _identity(dataset: Dataset) -> frozenset[str]:
    parts: set[str] = set()
    for keyword in _IDENTITY.split():
        text = str(dataset.get(keyword) or "").casefold()
        parts.add(text.strip())
        if "Name" in keyword:
            parts.update(re.split(r"[\s^=,]+", text))
    return frozenset(part for part in parts if len(part) >= _SHORTEST_NAME)


def _patient(dataset: Dataset) -> str:
    # Numbers repeat between hospitals; the issuer tells them apart.
    patient = str(dataset.get("PatientID") or "").strip()
    if patient:
        return f"{dataset.get('IssuerOfPatientID') or ''}|{patient}"
    study = str(dataset.get("StudyInstanceUID") or "").strip()
    return f"study|{study}" if study else ""


def _meta(dataset: Dataset, identity: frozenset[str]) -> dict[str, MetaValue]:
    # Free text, unlike the codes around it: makers' fields have held hospital and patient names.
    maker = str(dataset.get("Manufacturer") or "").strip()
    named = any(value in maker.casefold() for value in identity)
    return {
        "modality": _code(dataset, "Modality"),
        "body_part": _code(dataset, "BodyPartExamined"),
        "view": _code(dataset, "ViewPosition"),
        "laterality": _code(dataset, "ImageLaterality") or _code(dataset, "Laterality"),
        "manufacturer": maker[:64] if maker and not named else None,
        "photometric": _code(dataset, "PhotometricInterpretation"),
        "bits": _whole(dataset, "BitsStored"),
        "rows": _whole(dataset, "Rows"),
        "columns": _whole(dataset, "Columns"),
        "sex": sex if (sex := _code(dataset, "PatientSex")) in {"M", "F", "O"} else None,
        "age": years(str(dataset.get("PatientAge") or "")),
    }


def _code(dataset: Dataset, keyword: str) -> str | None:
    text = str(dataset.get(keyword) or "").strip().upper()
    return text if _CODE.fullmatch(text) else None


def _whole(dataset: Dataset, keyword: str) -> int | None:
    value = dataset.get(keyword)
    return int(value) if isinstance(value, int) else None


def years(age: str) -> int | None:
    """A DICOM age string (``037Y``, ``18M``) in whole years; 90 stands for all above 89."""
    found = _AGE.fullmatch(age.strip().upper())
    if not found:
        return None
    number, unit = int(found[1]), found[2]
    whole = number // {"D": 365, "W": 52, "M": 12, "Y": 1}[unit]
    return min(whole, _OLDEST_TOLD + 1)
