"""The committed table of doses: equal steps of visible harm, and the exceptions that it lists."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from medaudit.modality import MODALITIES
from medaudit.registry import available
from medaudit.shifts import severities
from medaudit.shifts.severities import RANGES, ladder

TABLE: dict[str, Any] = json.loads(severities._TABLE.read_text(encoding="utf-8"))
LADDERS = [(name, kind) for name, kinds in TABLE["doses"].items() for kind in kinds]


def exceptions(name: str, kind: str) -> str:
    return " ".join(TABLE["exceptions"].get(name, {}).get(kind, ()))


def test_every_shift_with_a_dose_was_placed_on_every_modality_that_it_suits() -> None:
    dosed = {name: shift for name, shift in available("shift").items() if shift.doses}

    # A frame moves every edge of the picture: SSIM falls to 0.84 before the frame is seen.
    assert set(dosed) - {"border"} == set(RANGES) == set(TABLE["doses"]) == set(TABLE["ssim"])
    measured = set(TABLE["pictures"]) - {""}
    assert measured <= set(MODALITIES)
    for name in RANGES:
        shift = dosed[name]
        assert set(TABLE["doses"][name]) >= (set(shift.modalities) & measured or measured | {""}), name


@pytest.mark.parametrize(("name", "kind"), LADDERS)
def test_doses_rise_and_ssim_falls_in_equal_steps(name: str, kind: str) -> None:
    doses, ssim = TABLE["doses"][name][kind], TABLE["ssim"][name][kind]
    low, high = RANGES[name]
    steps = -np.diff([1.0, *ssim])

    assert low < doses[0]
    assert doses[-1] <= high
    assert (np.diff(doses) > 0).all()
    assert (steps > 0).all()
    told = exceptions(name, kind)
    assert np.ptp(np.cumsum(steps) - steps.sum() / 5 * np.arange(1, 6)) <= 0.035 or "uneven" in told
    assert steps.sum() >= 0.05 or "faint" in told


def test_exceptions_are_few_and_of_three_kinds() -> None:
    told = [text for kinds in TABLE["exceptions"].values() for texts in kinds.values() for text in texts]

    assert {text.split(":")[0] for text in told} <= {"not monotone", "faint", "steps are uneven"}
    assert len([text for text in told if not text.startswith("faint")]) <= 0.1 * len(LADDERS)


def test_the_dose_of_a_severity_is_that_of_the_modality_and_another_where_none_was_measured() -> None:
    shift = available("shift")["jpeg2000"]

    assert shift.strength(3, "xray") == TABLE["doses"]["jpeg2000"]["xray"][2]
    assert shift.strength(3, "nuclear") == shift.strength(3) == TABLE["doses"]["jpeg2000"][""][2]


def test_a_shift_that_was_not_measured_gets_five_even_doses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(severities, "RANGES", {})

    assert ladder("unheard_of", low=1.0, high=6.0) == {"": (2.0, 3.0, 4.0, 5.0, 6.0)}
