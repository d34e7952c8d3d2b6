"""Interventions as text, and painted into the picture itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.errors import UsageError
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.whitebox.intervention import Intervention, from_text, to_text


def test_painted_boxes_are_half_open_and_leave_the_rest(pictures: list[ArrayImage]) -> None:
    from medaudit.whitebox.applying import painted

    one = Intervention("pixels", ((0, 8.0, 4.0, 16.0, 12.0),))
    request = Request(Capability.CHOOSE, (pictures[0],), "Why?", ("yes", "no"), intervention=one.to_text())
    (image,), before = painted(request).images, pictures[0].pixels()
    after = image.pixels()

    assert (after[4:12, 8:16] == 0).all()
    changed = (after != before).any(axis=2)
    assert changed.sum() <= 64
    assert not changed[:4].any()
    assert not changed[12:].any()
    mean = painted(replace(request, intervention=replace(one, fill="mean").to_text())).images[0].pixels()
    inside = np.zeros(before.shape[:2], dtype=bool)
    inside[4:12, 8:16] = True
    assert (mean[5, 9] == np.round(before[~inside].mean(axis=0))).all()
    assert image.digest != pictures[0].digest


def test_interventions_travel_as_text() -> None:
    one = Intervention("block:3", ((0, 1, 2, 3, 4),), radius=2, fill="noise", seed=7)
    assert Intervention.from_text(one.to_text()) == one
    assert from_text(to_text([one, Intervention("pixels")])) == (one, Intervention("pixels"))
    assert from_text("") == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"point": "nowhere"},
        {"point": "block:"},
        {"point": "patch", "fill": "black"},
        {"point": "patch", "fill": "text"},
        {"point": "patch", "radius": -1},
        {"point": "patch", "boxes": ((0, 1, 2, 3),)},
    ],
)
def test_a_wrong_intervention_says_what_is_legal(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Intervention(**wrong)


def test_foreign_text_is_no_intervention() -> None:
    with pytest.raises(UsageError, match="JSON"):
        from_text("remove everything")
