"""Overlays stay at the edges: what they may hide of a finding is measured, not hoped for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.phantoms import rendering
from medaudit.phantoms.cases import drawn
from medaudit.phantoms.modalities import NAMES
from medaudit.probes.visibility import ssim
from medaudit.registry import Shift, available
from medaudit.shifts.overlays import border, burned_in_text, laterality_marker, lettering
from medaudit.testing import check_shift

SHIFTS: dict[str, Shift] = available("shift")
#: All shifts by dose of appearance and artefacts: the dose that changes nothing, and the largest.
APPEARANCE = {
    "blood": (0.0, 0.3),
    "border": (0.0, 0.4),
    "burned_in_text": (0.0, 0.15),
    "depth_fade": (0.0, 30.0),
    "gain": (0.0, 16.0),
    "glare": (0.0, 0.12),
    "hair": (0.0, 60.0),
    "ink": (0.0, 1.0),
    "jpeg2000": (0.0, 6.5),
    "laterality_marker": (0.0, 0.15),
    "out_of_focus": (0.0, 0.04),
    "resampling": (1.0, 10.0),
    "ruler": (0.0, 0.12),
    "shadow_band": (0.0, 40.0),
    "smoke": (0.0, 0.6),
    "specular_light": (0.0, 0.08),
    "speckle": (0.0, 0.5),
    "stain_variation": (0.0, 0.9),
    "vignette": (0.0, 1.0),
}
every_one = pytest.mark.parametrize("name", APPEARANCE)
GREY = np.full((200, 260, 3), 90, dtype=np.uint8)


def scene(chest: Callable[..., Any], side: int = 160) -> Any:
    """A picture in colour with fine detail."""
    return np.clip(chest(side) * np.array([1.1, 0.8, 0.75]) + [60, 40, 40], 0, 255).astype(np.uint8)


@every_one
def test_the_lowest_dose_changes_nothing(name: str, chest_picture: Callable[..., Any]) -> None:
    for picture in (scene(chest_picture), chest_picture(65), np.zeros((1, 1, 3), dtype=np.uint8)):
        assert (SHIFTS[name].apply(picture, APPEARANCE[name][0], keyed_rng(0)) == picture).all()


@every_one
def test_harm_rises_with_the_dose(name: str, chest_picture: Callable[..., Any]) -> None:
    shift, picture = SHIFTS[name], scene(chest_picture)
    low, high = APPEARANCE[name]
    doses = [low + (high - low) * share for share in (0.2, 0.4, 0.6, 0.8, 1.0)]
    seen = [
        np.mean([ssim(picture, shift.apply(picture, dose, keyed_rng(name, seed))) for seed in range(4)])
        for dose in doses
    ]

    assert (np.diff([1.0, *seen]) < 1e-3).all(), seen
    assert seen[-1] < seen[0] - 0.01


@every_one
def test_grey_stays_grey(name: str, chest_picture: Callable[..., Any]) -> None:
    changed = SHIFTS[name].apply(chest_picture(96), APPEARANCE[name][1], keyed_rng(0))

    assert (changed == changed[..., :1]).all()


@every_one
def test_equal_keys_give_equal_bytes_and_the_input_stays(
    name: str, chest_picture: Callable[..., Any]
) -> None:
    shift, picture = SHIFTS[name], scene(chest_picture, 97)
    before = picture.tobytes()
    picture.flags.writeable = False
    first, again = (shift.apply(picture, APPEARANCE[name][1], keyed_rng(5)) for _ in range(2))

    assert first.tobytes() == again.tobytes()
    assert picture.tobytes() == before
    assert not np.shares_memory(first, picture)


@every_one
def test_the_contract_holds(name: str) -> None:
    check_shift(name)


def box(changed: Any) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(changed.any(axis=2))
    return int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1


@pytest.mark.parametrize("dose", [0.05, 0.15])
def test_text_stays_in_its_box_at_one_of_four_corners(dose: float) -> None:
    corners = set()
    for seed in range(40):
        top, bottom, left, right = box(burned_in_text(GREY, dose, keyed_rng(seed)) != GREY)
        lower, far = top > 100, left > 130
        corners.add((lower, far))
        assert bottom - top <= 200 * dose + 1
        assert right - left <= 2.5 * 200 * dose
        assert min(top, 200 - bottom) <= 6
        assert min(left, 260 - right) <= 6

    assert len(corners) == 4


def test_letters_and_corners_of_the_marker_are_independent() -> None:
    """Four arrangements with chance 1/4 each: of 400 draws 100, give or take 3.3 sd of 8.7."""
    masks = {letter: lettering(letter) for letter in "LR"}
    assert masks["L"].shape != masks["R"].shape
    counts: dict[tuple[int, bool], int] = {}
    for seed in range(400):
        top, bottom, left, right = box(laterality_marker(GREY, 0.15, keyed_rng(seed)) != GREY)
        assert bottom <= 0.15 * 200 + 6
        assert top >= 3
        key = (right - left, left > 130)
        counts[key] = counts.get(key, 0) + 1

    assert len(counts) == 4
    assert all(abs(count - 100) < 29 for count in counts.values()), counts


def test_text_is_white_on_dark_and_black_on_bright() -> None:
    assert burned_in_text(GREY, 0.15, keyed_rng(0)).max() > 240
    assert burned_in_text(np.full_like(GREY, 200), 0.15, keyed_rng(0)).min() < 15


@pytest.mark.parametrize("dose", [0.1, 0.4])
def test_border_takes_its_share_and_keeps_the_whole_picture(
    dose: float, chest_picture: Callable[..., Any]
) -> None:
    picture = chest_picture(200)
    side = round(200 * (1 - dose))
    edge = (200 - side) // 2
    colours = set()
    for seed in range(16):
        framed = border(picture, dose, keyed_rng(seed))
        inside = framed[edge : edge + side, edge : edge + side]
        frame = np.ones((200, 200), dtype=bool)
        frame[edge : edge + side, edge : edge + side] = False
        assert abs(inside.mean() - picture.mean()) < 0.5
        colours |= set(np.unique(framed[frame]).tolist())

    assert colours == {0, 255}


@cache
def phantoms() -> list[tuple[Any, Any]]:
    """200 phantom pictures, side 128, and the mask of each finding in them."""
    found = []
    for name in NAMES:
        seen = set()
        for _, picture, _ in drawn(name, 260, 9):
            if picture.lesions and picture.patient not in seen:
                seen.add(picture.patient)
                large = picture.but(size=128)
                found.append((rendering.render(large), rendering.masks(large)))
    return found[:: max(1, len(found) // 200)][:200]


def covered(name: str) -> tuple[float, float]:
    """Mean and largest share of a finding's pixels that differ by over 12 levels at the largest dose."""
    shift, shares = SHIFTS[name], []
    for number, (pixels, masks) in enumerate(phantoms()):
        changed = shift.apply(pixels, APPEARANCE[name][1], keyed_rng(name, number))
        moved = np.abs(changed.astype(int) - pixels).max(axis=2) > 12
        shares += [float(moved[mask].mean()) for mask in masks.values()]
    return float(np.mean(shares)), float(np.max(shares))


def test_there_are_two_hundred_phantoms() -> None:
    assert len(phantoms()) == 200


@pytest.mark.parametrize("name", ["ruler", "burned_in_text", "laterality_marker"])
def test_overlays_at_the_edge_hide_hardly_anything_of_a_finding(name: str) -> None:
    mean, largest = covered(name)

    assert mean < 0.005
    assert largest < 0.15


def test_border_keeps_every_pixel_of_a_finding_in_the_picture() -> None:
    for number, (_, masks) in enumerate(phantoms()[:60]):
        for mask in masks.values():
            shown = np.repeat(mask[..., None].astype(np.uint8) * 200, 3, axis=2)
            framed = border(shown, APPEARANCE["border"][1], keyed_rng(number))
            inside = framed[26:102, 26:102]
            assert inside.mean() * inside.size == pytest.approx(shown.mean() * shown.size * 0.6**2, rel=0.12)


def test_a_shift_over_the_whole_picture_does_not_pass_for_an_overlay() -> None:
    """The control of the two tests above: thick smoke hides most of most findings."""
    mean, _ = covered("smoke")

    assert mean > 0.5
