"""Real radiographs for ``benchmarks/spurious_real.py``: pictures, a letter pasted at a known place, cases.

The label of the pasted letter's task is made, not read: every radiograph is shown as it is and mirrored, and
the question is on which side the heart lies. Two columns of ``cxr_hannover`` are balanced over its 45
patients, the stay in intensive care (20 and 25) and the projection (27 and 22, some in both). They go
together, and with tubes and leads: a clean arm of them would not be clean. Mirrored, every patient is in both
classes, and only what lies on the picture and is mirrored with it tells them apart.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from medaudit.case import Case, Region
from medaudit.image import ArrayImage, keyed_rng

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SIDE = 64
#: Pixels by which a picture is larger than what a step of tuning cuts out of it.
PLAY = 6
HEART = ("On which side is the heart?", ("left", "right"))
PNEUMONIA = ("Is there a pneumonia?", ("yes", "no"))


@dataclass(frozen=True, eq=False)
class Picture:
    """One radiograph in grey: ``wide`` (70, 70) to cut from, ``plain`` (64, 64) to ask about.

    ``kind`` is the subtype of ``cxr_paediatric``: normal, bacteria or virus.
    """

    name: str
    patient: str
    label: int
    wide: Any
    plain: Any
    path: Path
    kind: str = ""


def missing(folder: Path = DATA) -> str:
    """Why nothing can be measured; empty where the data is there."""
    lacking = [name for name in ("cxr_hannover", "cxr_paediatric") if not (folder / name).is_dir()]
    return f"{' and '.join(lacking)} not found in {folder}: nothing to measure." if lacking else ""


def hannover(folder: Path = DATA) -> list[Picture]:
    """All radiographs of ``cxr_hannover``; the label is given when they are mirrored."""
    return [
        _picture(folder / "cxr_hannover", row, row["patient_id"], 0) for row in _rows(folder / "cxr_hannover")
    ]


def paediatric(folder: Path = DATA) -> list[Picture]:
    """All radiographs of ``cxr_paediatric``; label 0 is pneumonia, 1 normal."""
    return [
        _picture(folder / "cxr_paediatric", row, row["patient"], int(row["label"] == "NORMAL"))
        for row in _rows(folder / "cxr_paediatric")
    ]


def halves(pictures: Sequence[Picture], seed: int) -> tuple[list[Picture], list[Picture]]:
    """Pictures to tune on and to search in, no patient in both."""
    patients = sorted({each.patient for each in pictures})
    dealt = keyed_rng("spurious real", "halves", seed).permutation(len(patients))
    first = {patients[at] for at in dealt[: len(patients) // 2]}
    return [p for p in pictures if p.patient in first], [p for p in pictures if p.patient not in first]


@cache
def letter(height: int, place: tuple[int, int] = (3, 3)) -> Any:
    """An R of about so many pixels of 64, white, its upper left corner at (x, y): opacity 0..1, (64, 64)."""
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    fine = 16
    canvas = Pillow.new("L", (SIDE * fine, SIDE * fine))
    font = ImageFont.load_default(size=round(1.4 * height * fine))
    ImageDraw.Draw(canvas).text((place[0] * fine, place[1] * fine), "R", fill=255, font=font, anchor="lt")
    return np.asarray(canvas.resize((SIDE, SIDE), Pillow.Resampling.BOX), dtype=np.float32) / 255


def box_of(height: int) -> tuple[int, int, int, int]:
    """The box of the letter, half-open."""
    y, x = np.nonzero(letter(height) > 0.1)
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


def pasted(grey: Any, height: int) -> Any:
    """The picture with the letter on it."""
    opacity = letter(height)
    return grey * (1 - opacity) + 255 * opacity


def heart_cases(
    pictures: Sequence[Picture], height: int, seed: int
) -> tuple[tuple[Case, ...], dict[str, bool]]:
    """Every picture as it is and mirrored, each without the letter and with it; and which ids carry it.

    Half of the pictures also carry an annotated box in the other upper corner, where nothing was pasted: with
    ``regions = "given"`` a box alone then says nothing of the letter.
    """
    rng, box = keyed_rng("spurious real", "cases", seed), box_of(height)
    beside = (SIDE - box[2], box[1], SIDE - box[0], box[3])
    cases, marked = [], {}
    question, options = HEART
    for picture in pictures:
        for side in (0, 1):
            for there in (False, True):
                grey = picture.plain[:, ::-1] if side else picture.plain
                name = f"{picture.name}-{options[side]}-{'letter' if there else 'plain'}"
                boxes = ([box] if there else []) + ([beside] if rng.random() < 0.5 else [])
                regions = tuple(Region("letter", each) for each in boxes)
                image = shown(pasted(grey, height) if there else grey, name)
                cases.append(
                    Case(name, (image,), question, options[side], options, picture.patient, {}, regions)
                )
                marked[name] = there
    return tuple(cases), marked


def shown(grey: Any, name: str) -> ArrayImage:
    """Grey 0..255 as an image."""
    return ArrayImage(np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2), name)


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metadata.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _picture(folder: Path, row: dict[str, str], patient: str, label: int) -> Picture:
    from PIL import Image as Pillow

    with Pillow.open(folder / row["file"]) as opened:
        grey = opened.convert("L")
    wide, plain = (
        np.asarray(grey.resize((side, side), Pillow.Resampling.BOX), dtype=np.float32)
        for side in (SIDE + PLAY, SIDE)
    )
    path = folder / row["file"]
    return Picture(path.stem, patient, label, wide, plain, path, row.get("subtype", ""))
