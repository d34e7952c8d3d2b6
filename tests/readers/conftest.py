"""Synthetic data sets for the readers: tiny pictures, case files and DICOM objects, all made in tmp_path."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("no folder of real images at ../shared/data beside the checkout")
    return SHARED


@pytest.fixture
def picture() -> Callable[..., Path]:
    """Write a grey PNG of one value, 20 wide and 10 high unless told."""

    def write(path: Path, value: int = 128, size: tuple[int, int] = (20, 10)) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.new("RGB", size, (value, value, value)).save(path)
        return path

    return write


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """A legal case row; keyword arguments replace fields, ``...`` removes them."""

    def make(**changes: Any) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "id": "c1",
            "images": ["a.png"],
            "question": "Is there an effusion?",
            "options": ["yes", "no"],
            "answer": "yes",
        }
        fields |= changes
        return {key: value for key, value in fields.items() if value is not ...}

    return make


@pytest.fixture
def dataset(tmp_path: Path, picture: Callable[..., Path]) -> Callable[..., Path]:
    """A folder with a.png (20x10), b.png and cases.jsonl made of rows, text or bytes."""

    def write(*lines: dict[str, Any] | str | bytes) -> Path:
        root = tmp_path / "set"
        picture(root / "a.png", 10)
        picture(root / "b.png", 200)
        encoded = [
            line
            if isinstance(line, bytes)
            else (line if isinstance(line, str) else json.dumps(line)).encode()
            for line in lines
        ]
        (root / "cases.jsonl").write_bytes(b"\n".join(encoded) + b"\n")
        return root

    return write


@pytest.fixture
def dicom(tmp_path: Path) -> Callable[..., Path]:
    """Write a DICOM file of a pixel array, with attributes by keyword; names a patient that must not leak."""

    def write(name: str, pixels: np.ndarray | None = None, **attributes: Any) -> Path:
        from pydicom.dataset import FileDataset, FileMetaDataset
        from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        header.SOPClassUID = meta.MediaStorageSOPClassUID
        header.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        header.PatientName = "Canary^Yellow"
        header.PatientID = "CAN-4711"
        header.PatientBirthDate = "19310102"
        header.InstitutionName = "Canary Hospital"
        header.ImageComments = "Canary seen on monday"
        header.Modality = "CT"
        if pixels is not None:
            _set_pixels(header, pixels)
        for keyword, value in attributes.items():
            setattr(header, keyword, value)
        header.save_as(path, enforce_file_format=True)
        return path

    return write


def _set_pixels(header: Any, pixels: np.ndarray) -> None:
    colour = pixels.ndim >= 3 and pixels.shape[-1] == 3
    shape = pixels.shape[:-1] if colour else pixels.shape
    if len(shape) == 3:
        header.NumberOfFrames = shape[0]
    header.Rows, header.Columns = shape[-2:]
    header.SamplesPerPixel = 3 if colour else 1
    if colour:
        header.PlanarConfiguration = 0
    header.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    header.BitsAllocated = header.BitsStored = pixels.dtype.itemsize * 8
    header.HighBit = header.BitsStored - 1
    header.PixelRepresentation = int(pixels.dtype.kind == "i")
    header.PixelData = pixels.tobytes()
