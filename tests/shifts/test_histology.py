"""Stain variation works in optical density; a disc of confusion has the area of its radius."""

from __future__ import annotations

import math

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.shifts.histology import OFFSET, STAINS, disc, out_of_focus, stain_variation

UNIT = np.array(STAINS) / np.linalg.norm(STAINS, axis=1, keepdims=True)


def tissue(haematoxylin: float, eosin: float, residual: float = 0.0) -> np.ndarray:
    """An even slide with these amounts of stain."""
    light = np.exp(-np.array([haematoxylin, eosin, residual]) @ UNIT) * 256 - 1
    return np.full((8, 8, 3), np.rint(light), dtype=np.uint8)


def amounts(pixels: np.ndarray) -> np.ndarray:
    density = -np.log((pixels[0, 0].astype(float) + 1) / 256)
    return np.asarray(density @ np.linalg.inv(UNIT))


def test_each_stain_is_multiplied_and_shifted_and_the_residual_stays() -> None:
    dose, before = 0.4, np.array([0.7, 0.5, 0.1])
    moved = []
    for seed in range(200):
        after = amounts(stain_variation(tissue(*before), dose, keyed_rng("stain", seed)))
        assert after[2] == pytest.approx(before[2], abs=0.03)
        moved.append(after[:2] - before[:2])
    least, most = np.abs(moved).min(axis=0), np.abs(moved).max(axis=0)

    assert (most < dose * before[:2] + OFFSET * dose + 0.03).all()
    assert (least > 0.5 * dose * before[:2] - OFFSET * dose - 0.03).all()
    assert (np.abs(np.mean(moved, axis=0)) < 0.08).all()
    assert 0.3 < (np.array(moved) > 0).mean() < 0.7


def test_gain_and_offset_are_what_was_drawn() -> None:
    """With the same draws, gains and offsets follow from two slides of different strength."""
    slides = [tissue(0.4, 0.3), tissue(0.8, 0.6)]
    for seed in range(20):
        light, strong = (amounts(stain_variation(slide, 0.3, keyed_rng(seed)))[:2] for slide in slides)
        known = [amounts(slide)[:2] for slide in slides]
        gains = (strong - light) / (known[1] - known[0])
        offsets = light - gains * known[0]

        assert ((np.abs(gains - 1) > 0.10) & (np.abs(gains - 1) < 0.35)).all()
        assert (np.abs(offsets) < OFFSET * 0.3 + 0.04).all()


def test_dose_nought_changes_no_level_of_any_channel() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)

    assert (stain_variation(levels, 0.0, keyed_rng(0)) == levels).all()


def test_a_grey_slide_stays_grey() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    changed = stain_variation(grey, 0.8, keyed_rng(1))

    assert (changed == changed[..., :1]).all()
    assert (changed != grey).any()


@pytest.mark.parametrize("radius", [1.5, 3.0, 7.3])
def test_the_disc_has_the_area_of_its_radius(radius: float) -> None:
    kernel = disc(radius)

    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert 1 / kernel.max() == pytest.approx(math.pi * radius**2, rel=0.06)


def test_a_point_of_light_becomes_a_disc_and_the_mean_stays() -> None:
    point = np.zeros((200, 200, 3), dtype=np.uint8)
    point[95:106, 95:106] = 255
    changed = out_of_focus(point, 0.04, keyed_rng(0))

    assert abs(changed.mean() - point.mean()) < 0.2
    rows = np.flatnonzero(changed[:, 100, 0])
    assert rows[0] == pytest.approx(95 - 8, abs=1)
    assert rows[-1] == pytest.approx(105 + 8, abs=1)


@pytest.mark.parametrize("level", [0, 100, 255])
def test_an_even_picture_stays(level: int) -> None:
    even = np.full((400, 300, 3), level, dtype=np.uint8)

    assert (out_of_focus(even, 0.04, keyed_rng(0)) == even).all()
