"""Speckle, gain, attenuation and shadow change an ultrasound picture by what they declare."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.shifts.ultrasound import RAYLEIGH, depth_fade, gain, shadow_band, speckle

EVEN = np.full((200, 300, 3), 100, dtype=np.uint8)


@pytest.mark.parametrize("dose", [0.1, 0.3, 0.5])
def test_speckle_multiplies_by_mean_one_and_sd_dose(dose: float) -> None:
    level = speckle(EVEN, dose, keyed_rng("speckle"))[..., 0].astype(float)

    assert abs(level.mean() - 100) < 1.5
    assert level.std() == pytest.approx(100 * dose, rel=0.04)


def test_speckle_grows_with_the_brightness_and_leaves_black_alone() -> None:
    halves = EVEN.copy()
    halves[:, :100], halves[:, 100:200] = 0, 50
    changed = speckle(halves, 0.3, keyed_rng(1)).astype(float)[..., 0]

    assert changed[:, :100].max() == 0
    assert changed[:, 200:].std() / changed[:, 100:200].std() == pytest.approx(2, rel=0.1)


def test_full_speckle_is_rayleigh() -> None:
    """Median over mean of a Rayleigh variable: sqrt(2 ln 2) / sqrt(pi / 2) = 0.9394."""
    level = speckle(EVEN, RAYLEIGH, keyed_rng(2))[..., 0].astype(float)

    assert np.median(level) / level.mean() == pytest.approx(0.9394, abs=0.015)


def test_speckle_is_wider_across_the_beam_than_along_it() -> None:
    noise = speckle(np.full((512, 512, 3), 100, dtype=np.uint8), 0.4, keyed_rng(3))[..., 0] - 100.0
    across = (noise[:, 3:] * noise[:, :-3]).mean()
    along = (noise[3:] * noise[:-3]).mean()

    assert across > 1.5 * along > 0


def test_gain_adds_decibels_in_both_directions() -> None:
    """12 dB of 60 are 51 of 255 levels."""
    moved = [int(gain(EVEN, 12.0, keyed_rng(seed))[0, 0, 0]) - 100 for seed in range(200)]

    assert set(moved) == {51, -51}
    assert abs(sum(moved)) < 51 * 45


def test_gain_leaves_the_black_frame_black() -> None:
    assert all(gain(np.zeros_like(EVEN), 24.0, keyed_rng(seed)).max() == 0 for seed in range(8))


def test_depth_fade_takes_decibels_in_proportion_to_depth() -> None:
    """12 dB at the lower border: 51 levels there, 25.5 half way, 0 at the top."""
    column = 100 - depth_fade(EVEN, 12.0, keyed_rng(0))[:, 0, 0].astype(int)

    assert column[0] == 0
    assert column[-1] == 51
    assert abs(column[100] - 25.5) <= 1
    assert (np.diff(column) >= 0).all()


def test_shadow_takes_its_decibels_in_a_narrow_band_that_reaches_the_bottom() -> None:
    for seed in range(20):
        lost = 100 - shadow_band(EVEN, 12.0, keyed_rng(seed))[..., 0].astype(int)
        touched = (lost > 0).any(axis=0)

        assert lost.min() == 0
        assert abs(lost.max() - 51) <= 1
        assert touched.mean() < 0.15
        assert lost[:19].max() == 0
        assert lost[-1].max() == lost.max()
