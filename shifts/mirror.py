"""The picture put in the wrong way round: what is right changes with it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medaudit.case import Case, Region
from medaudit.image import DerivedImage
from medaudit.registry import shift
from medaudit.shifting import ShiftedCase
from medaudit.shifts.sides import exchanged, names_side, unlike

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: Names the change for the answer store: there is nothing to draw, and nothing that a severity alters.
RECIPE = "shift:mirror_left_right:1:columns reversed"

#: An open question for a side, and the answers to it that are true of both pictures.
_ASKS_SIDE = re.compile(
    r"\b(?:which|what|whose)\s+(?:side|sides|lung|lungs|eye|kidney|breast|hand|foot|leg|arm|knee|hip|shoulder|ear|"
    r"hemi\w+|half|ovary|testis)\b",
    re.IGNORECASE,
)
_NEITHER = frozenset(
    (
        "both",
        "bilateral",
        "bilaterally",
        "neither",
        "none",
        "no",
        "midline",
        "both sides",
        "both lungs",
        "both eyes",
    )
)


@shift(
    "mirror_left_right",
    family="geometry",
    reference="DICOM PS3.3 C.7.6.1.1.1, Patient Orientation; PS3.3 C.10.4, Displayed Area (horizontal flip)",
    stage="case",
    default=False,
)
def mirror_left_right(case: Case, severity: int, rng: np.random.Generator) -> ShiftedCase | None:
    """A film hung or a file exported the wrong way round: left is right, and so is the right answer.

    Every image of the case is mirrored, and the words follow by one rule: *a sentence is true of a picture
    exactly when the sentence with its sides exchanged is true of the mirror picture.*

    ======================================  =========================  ======================================
    question                                options, answer            the changed case
    ======================================  =========================  ======================================
    names no side, or offers both           name sides                 same question, **answer exchanged**
    ("left or right")
    names a side                            name none (yes, no)        **side in the question exchanged**,
                                                                       same answer
    names none                              name none                  same question, same answer
    names a side                            name sides                 left out
    ======================================  =========================  ======================================

    Options stay as they are; ``meaning`` maps each that names a side to the one that says the same of the
    original. Boxes of regions are mirrored with the picture. Every severity is the same. Nothing is drawn at
    random.

    Left out (None), because the right answer would be unknown:

    - questions, options and answers about orientation, view, situs, apex, markers, letters, arrows,
      directions or positions by the clock, abbreviations that hold a side (RML, LAD), and dextro- or levo-
      anything;
    - a side together with an organ that is unpaired or unlike on its two sides (heart, liver, left
      ventricle, middle lobe): the mirror picture holds no such thing on the other side;
    - ``left`` or ``right`` that may not be a place (``left untreated``, ``is that right?``), and an L or R
      inside a sentence;
    - options that do not hold the other side of one of them (``left``, ``elsewhere``);
    - an open question for a side whose answer names none and is not ``both``, ``neither`` or the like;
    - sides in a case of several images, where ``left`` may name an image;
    - words in another script, or sides in another language.

    Declared moments: mirrored twice, every pixel, box, question and answer is what it was.
    """
    changed = _words(case)
    if changed is None or not case.images:
        return None
    regions = _regions(case)
    if regions is None:
        return None
    question, answer, meaning = changed
    images = tuple(DerivedImage(image, RECIPE, mirrored) for image in case.images)
    turned = replace(case, images=images, question=question, answer=answer, regions=regions)
    return ShiftedCase(turned, meaning)


def mirrored(pixels: Pixels) -> Pixels:
    """Columns in reverse order."""
    return np.ascontiguousarray(pixels[:, ::-1])


def _words(case: Case) -> tuple[str, str, dict[str, str]] | None:
    """Question, answer and meaning in the mirror picture."""
    stated = dict.fromkeys((*case.options, case.answer))
    other = {text: exchanged(text, alone=True) for text in stated}
    sided = any(new != text or names_side(text) for text, new in other.items())
    question = exchanged(case.question, choice=sided)
    if question is None or None in other.values() or not _clear(case, question, sided):
        return None
    turned = {old: new for old, new in other.items() if new is not None}
    if not case.closed:
        return question, turned[case.answer], {}
    legal = {option.strip().casefold(): option for option in case.options}
    spelt = {text: legal.get(new.strip().casefold()) for text, new in turned.items()}
    if None in spelt.values():
        return None
    meaning = {option: str(spelt[option]) for option in case.options if turned[option] != option}
    return question, str(spelt[case.answer]), meaning


def _clear(case: Case, question: str, sided: bool) -> bool:
    """Whether it is clear what each side means; ``sided`` where options or the answer name one."""
    if not case.closed and not sided and _ASKS_SIDE.search(case.question):
        return case.answer.strip(" .").casefold() in _NEITHER
    if not sided and not names_side(case.question):
        return True
    texts = (case.question, *case.options, case.answer)
    return not (question != case.question and sided) and len(case.images) == 1 and not any(map(unlike, texts))


def _regions(case: Case) -> tuple[Region, ...] | None:
    """Regions of the first image, mirrored; None where a label names a side that cannot be exchanged."""
    if not case.regions:
        return ()
    width = case.images[0].size[1]
    turned = []
    for region in case.regions:
        label = exchanged(region.label, alone=True)
        x0, y0, x1, y1 = region.box
        if label is None:
            return None
        turned.append(Region(label, (width - x1, y0, width - x0, y1)))
    return tuple(turned)
