"""Kinds of pictures, under one name each, whatever a column or a DICOM header calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medaudit.case import Case

_CALLED = {
    "xray": "xray x-ray cr dx rg rf mg xa radiograph radiography mammography cxr chest",
    "ct": "ct cbct",
    "mr": "mr mri",
    "us": "us ivus ultrasound sonography echo echocardiography",
    "dermoscopy": "dermoscopy dermatoscopy derma skin dms",
    "histology": "histology pathology histopathology path sm wsi",
    "microscopy": "microscopy cytology blood gm",
    "fundus": "fundus retina op",
    "oct": "oct opt",
    "endoscopy": "endoscopy colonoscopy laparoscopy es",
    "nuclear": "pet nm pt spect",
}
_NAMES = {called: name for name, words in _CALLED.items() for called in words.split()}
MODALITIES = tuple(_CALLED)


def modality_named(text: object) -> str:
    """The one name of a modality as somebody wrote it (``MRI``, ``X-Ray``, ``DX``); empty where unknown."""
    return _NAMES.get(str(text).strip().casefold(), "")


def modality_of(case: Case) -> str:
    """The modality in a case's column ``modality``; empty where there is none, or none that is known."""
    return modality_named(case.meta.get("modality", ""))
