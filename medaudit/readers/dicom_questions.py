"""Closed questions that a DICOM header can answer, with options that exclude one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from medaudit.case import MetaValue

MODALITIES = ("CT", "MR", "X-ray", "ultrasound", "nuclear medicine", "PET")
_MODALITY_CODES = {
    "CT": "CT",
    "MR": "MR",
    "X-ray": "CR DX RG RF XA PX IO",
    "ultrasound": "US IVUS",
    "nuclear medicine": "NM",
    "PET": "PT",
    "mammography": "MG",
    "endoscopy": "ES",
    "microscopy": "SM GM",
    "fundus photography": "OP",
    "optical coherence tomography": "OPT",
    "photography": "XC",
}
PARTS = ("head", "neck", "chest", "abdomen", "pelvis", "spine")
#: Organs go to their region: "pancreas" beside "abdomen" would leave two right options.
_PART_CODES = {
    "head": "HEAD BRAIN SKULL FACE ORBIT SINUS JAW",
    "neck": "NECK THYROID LARYNX",
    "chest": "CHEST THORAX LUNG HEART",
    "abdomen": "ABDOMEN LIVER PANCREAS KIDNEY SPLEEN STOMACH COLON GALLBLADDER",
    "pelvis": "PELVIS PROSTATE UTERUS BLADDER OVARY HIP",
    "spine": "SPINE CSPINE TSPINE LSPINE SSPINE",
    "arm": "ARM ELBOW FOREARM WRIST HAND FINGER SHOULDER HUMERUS",
    "leg": "LEG KNEE ANKLE FOOT TOE FEMUR THIGH CALF",
    "breast": "BREAST",
    "eye": "EYE",
}
_VIEW_CODES = {"AP": "AP", "PA": "PA", "lateral": "LL RL LATERAL LAT"}


def _by_code(codes: Mapping[str, str]) -> dict[str, str]:
    return {code: answer for answer, listed in codes.items() for code in listed.split()}


_MODALITY, _PART, _VIEW = _by_code(_MODALITY_CODES), _by_code(_PART_CODES), _by_code(_VIEW_CODES)
_SIDE = {"L": "left", "R": "right"}


@dataclass(frozen=True)
class Question:
    """A question about one header attribute."""

    about: str
    text: str
    options: tuple[str, ...]
    answer: str

    def reworded(self, template: str | None) -> Question:
        """The same question in the user's words; ``{label}`` stands for the attribute."""
        if template is None:
            return self
        return replace(self, text=template.replace("{label}", self.about.replace("_", " ")))


def _with(answer: str, options: tuple[str, ...]) -> tuple[str, ...]:
    return options if answer in options else (*options[:-1], answer)


def _modality(meta: Mapping[str, MetaValue]) -> Question | None:
    answer = _MODALITY.get(str(meta["modality"]))
    text = "Which imaging modality is this?"
    return Question("modality", text, _with(answer, MODALITIES), answer) if answer else None


def _body_part(meta: Mapping[str, MetaValue]) -> Question | None:
    answer = _PART.get(str(meta["body_part"]).replace(" ", "").replace("_", ""))
    return (
        Question("body_part", "Which body part is shown?", _with(answer, PARTS), answer) if answer else None
    )


def _view(meta: Mapping[str, MetaValue]) -> Question | None:
    code, text = str(meta["view"]), "Which view is this?"
    if meta["modality"] == "MG":
        return Question("view", text, ("CC", "MLO"), code) if code in {"CC", "MLO"} else None
    answer = _VIEW.get(code)
    return Question("view", text, ("AP", "PA", "lateral"), answer) if answer else None


def _laterality(meta: Mapping[str, MetaValue]) -> Question | None:
    answer = _SIDE.get(str(meta["laterality"]))
    text = "Which side of the body is shown?"
    return Question("laterality", text, ("left", "right"), answer) if answer else None


_MAKERS = {"modality": _modality, "body_part": _body_part, "view": _view, "laterality": _laterality}
ATTRIBUTES = tuple(_MAKERS)


def questions_about(meta: Mapping[str, MetaValue]) -> list[Question]:
    """Every question that these header attributes answer, each with at most six options."""
    asked = (make(meta) for make in _MAKERS.values())
    return [question for question in asked if question is not None]
