"""The letters R that lie on the radiographs of ``cxr_paediatric``: where, how large, and with what they go.

``spurious_letters.csv`` holds a box for each of 271 of the 300 images, in their 224 x 224 pixels: found as
bright parts of the left third, then chosen or drawn by eye. In the other 29 no letter could be made out.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from spurious_real_data import PNEUMONIA, Picture

from medaudit import stats
from medaudit.case import Case, Region
from medaudit.image import FileImage, Image, keyed_rng
from medaudit.repainting import KINDS, elsewhere, removed
from medaudit.testing import context_for

TABLE = Path(__file__).parent / "spurious_letters.csv"
#: Height in pixels of 224 from which a letter is large, and rows from the top within which it is high up.
LARGE, HIGH = 16, 24

Box = tuple[int, int, int, int]


@cache
def boxes() -> dict[str, Box]:
    """The box of each image's letter, by the file's name without suffix."""
    with TABLE.open() as stream:
        return {
            row["image"]: (int(row["x0"]), int(row["y0"]), int(row["x1"]), int(row["y1"]))
            for row in csv.DictReader(stream)
        }


def letter_cases(pictures: Sequence[Picture]) -> tuple[Case, ...]:
    """Is there a pneumonia? One case a picture, as it is in its file, with the box of its letter."""
    question, options = PNEUMONIA
    return tuple(
        Case(
            each.name,
            (FileImage(each.path),),
            question,
            options[each.label],
            options,
            each.patient,
            {"kind": each.kind},
            tuple(Region("letter", box) for box in [boxes().get(each.name)] if box),
        )
        for each in pictures
    )


def association(pictures: Sequence[Picture]) -> dict[str, Any]:
    """What letters tell of the label: counts by kind of image, Cramer's V of each trait with pneumonia."""
    placed = [(each, boxes()[each.name]) for each in pictures if each.name in boxes()]
    traits = {
        "large": lambda box: box[3] - box[1] >= LARGE,
        "high up": lambda box: box[1] < HIGH,
    }
    found: dict[str, Any] = {"pictures": len(pictures), "with a letter": len(placed)}
    for kind in ("normal", "bacteria", "virus"):
        own = [box for each, box in placed if each.kind == kind]
        found[kind] = {
            "letters": len(own),
            "of": sum(each.kind == kind for each in pictures),
            "median height": median(box[3] - box[1] for box in own),
            **{name: sum(map(trait, own)) for name, trait in traits.items()},
        }
    labels = np.asarray([each.label for each, _ in placed])
    for name, trait in traits.items():
        found[f"V, {name}"] = round(_v(labels, np.asarray([trait(box) for _, box in placed], dtype=int)), 3)
    present = np.asarray([each.name in boxes() for each in pictures], dtype=int)
    found["V, there"] = round(_v(np.asarray([each.label for each in pictures]), present), 3)
    return found


def _v(a: Any, b: Any) -> float:
    """Of two binary columns: the absolute correlation."""
    return abs(float(np.corrcoef(a, b)[0, 1]))


def without_letters(model: Any, cases: Sequence[Case], seed: int = 0) -> dict[str, Any]:
    """What do answers do when the letter is painted over, and when as much is elsewhere in the same image?

    One image a patient. By kind of edit: share of n answers that change under each, images where only one
    changes them, the exact McNemar p, and the mean change of the probability of pneumonia under each.
    """
    with_letter = list({case.group: case for case in cases if case.regions}.values())
    ctx = context_for(with_letter, model)

    def asked(images: Sequence[Image]) -> Any:
        answers = ctx.ask(
            [ctx.request(case, (image,)) for case, image in zip(with_letter, images, strict=True)]
        )
        return np.exp([answer.scores[0] for answer in answers if answer.scores])

    before, found = asked([case.images[0] for case in with_letter]), {}
    for kind in KINDS:
        here, there = [], []
        for case in with_letter:
            boxes = tuple(region.box for region in case.regions)
            rng = keyed_rng("spurious real", "elsewhere", seed, case.id)
            other = elsewhere(case.images[0].size, boxes, boxes, rng) or boxes
            here.append(removed(case.images[0], boxes, kind))
            there.append(removed(case.images[0], other, kind))
        after = [asked(images) for images in (here, there)]
        target, control = ((p > 0.5) != (before > 0.5) for p in after)
        only = int((target & ~control).sum()), int((control & ~target).sum())
        found[kind] = {
            "n": len(with_letter),
            "letter": float(target.mean()),
            "elsewhere": float(control.mean()),
            "only": only,
            "p": stats.mcnemar(*only),
            "shift": [round(float((p - before).mean()), 4) for p in after],
        }
    return found
