"""No shift that keeps the right answer changes what a perfect reader of the phantom's truth would say.

The reader holds each picture against the same picture without its finding, under the same draw: what differs
is the finding. It says where the finding is, or that there is none to be seen.
"""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.phantoms.people import draw_lesions, draw_person
from medaudit.phantoms.picture import Lesion, Picture
from medaudit.phantoms.rendering import masks, render
from medaudit.registry import Shift, available
from medaudit.shifting import picture_under

PHANTOM = {"ct": "ct", "mr": "ct", "us": "ultrasound", "dermoscopy": "dermoscopy", "histology": "histology"}
PHANTOM |= {"fundus": "fundus", "microscopy": "histology", "endoscopy": "fundus", "oct": "ultrasound"}
PICTURES, SIDE = 30, 128
#: Grey levels by which the finding must still stand out somewhere; how far it may move, share of the side.
SEEN, MOVED = 2.0, 0.2
#: Photons are counted behind what is there, so a scan with a finding has other noise than one without: the
#: reader looks at what stays over so many draws. In one draw it takes one or two of 30 for elsewhere.
LOOKS = {"low_dose_ct": 8}
SHIFTS = [
    shift
    for shift in available("shift").values()
    if shift.stage != "case" and shift.preserves_label and shift.family != "medmnist_c"
]


@cache
def pairs(phantom: str) -> list[tuple[Any, Any]]:
    """Pictures with one finding, and the same without it."""
    found: list[tuple[Any, Any]] = []
    number = 0
    while len(found) < PICTURES:
        rng = keyed_rng("truth kept", phantom, number)
        number += 1
        lesions = draw_lesions(phantom, rng)
        if lesions:
            one = draw_person(phantom, rng, lesions[:1]).but(size=SIDE)
            found.append(tuple(np.ascontiguousarray(render(p)) for p in (one, one.but(lesions=()))))  # type: ignore[arg-type]
    return found


def finding(pair: tuple[Any, Any], shift: Shift | None, severity: int, key: int) -> tuple[float, Any]:
    """By how many grey levels the finding stands out, smoothed, and its centre as shares of the sides."""
    looks = 1 if shift is None else LOOKS.get(shift.name, 1)
    change = np.mean([_change(pair, shift, severity, key, look) for look in range(looks)], axis=0)
    change = np.abs(change).mean(axis=2)
    smooth = cv2.GaussianBlur(change, (0, 0), 2.0)
    weight = (smooth / max(float(smooth.max()), 1e-6)) ** 4
    centre = [
        float((weight * axis).sum() / max(float(weight.sum()), 1e-6)) for axis in np.indices(weight.shape)
    ]
    return float(smooth.max()), np.array(centre) / SIDE


def _change(pair: tuple[Any, Any], shift: Shift | None, severity: int, key: int, look: int) -> Any:
    if shift is not None:
        rng = [keyed_rng("reader", key, look) for _ in pair]
        pair = tuple(picture_under(shift, p, severity, r) for p, r in zip(pair, rng, strict=True))  # type: ignore[assignment]
    return pair[0].astype(np.float32) - pair[1]


def lost(shift: Shift, severity: int) -> int:
    phantom = PHANTOM.get(shift.modalities[0] if shift.modalities else "", "chest")
    count = 0
    for key, pair in enumerate(pairs(phantom)):
        level, where = finding(pair, shift, severity, key)
        _, origin = finding(pair, None, severity, key)
        count += level < SEEN or np.abs(where - origin).max() > MOVED
    return count


@pytest.mark.parametrize("shift", SHIFTS, ids=lambda shift: shift.name)
def test_the_finding_is_where_it_was_and_can_be_seen(shift: Shift) -> None:
    assert lost(shift, 5) == 0


def test_the_reader_sees_every_finding_of_unshifted_pictures_and_misses_one_that_is_wiped_out() -> None:
    blank = Shift("blank", "1", "test", "none", lambda pixels, severity, rng: np.zeros_like(pixels))
    flip = Shift("flip", "1", "test", "none", lambda pixels, severity, rng: pixels[:, ::-1].copy())

    assert all(finding(pair, None, 0, 0)[0] >= SEEN for name in set(PHANTOM.values()) for pair in pairs(name))
    assert lost(blank, 5) == PICTURES
    assert lost(flip, 5) > PICTURES / 2


KINDS = {"chest": ("nodule", "opacity", "effusion"), "ct": ("stone", "cyst", "mass")}
ON_STORED = [
    (shift, phantom)
    for shift in SHIFTS
    for phantom in KINDS
    if shift.stage == "stored" and shift.name != "metal_streaks"
    if not shift.modalities or phantom in {PHANTOM.get(kind, "chest") for kind in shift.modalities}
]


@pytest.mark.parametrize(("shift", "phantom"), ON_STORED, ids=lambda each: getattr(each, "name", each))
def test_findings_keep_their_sign_before_the_window(shift: Shift, phantom: str) -> None:
    """Inside the mask, with minus without the finding under one draw: the sign stays, and two grey levels."""
    for patient, kind in itertools.product(range(10), KINDS[phantom]):
        lesion = Lesion(kind, ("left", "right")[patient % 2], 0.1 if patient % 3 else 0.9)
        held = Picture(phantom, patient, (lesion,))
        inside = masks(held)[lesion]
        plain = [np.ascontiguousarray(render(p)) for p in (held, held.but(lesions=()))]
        laid = [picture_under(shift, p, 5, keyed_rng(patient, shift.name)) for p in plain]
        before, after = ((a.astype(float) - b)[inside].mean() for a, b in (plain, laid))
        assert np.sign(after) == np.sign(before)
        assert abs(after) > 2
