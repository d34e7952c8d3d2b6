"""Radiographs: what quantum noise, scatter, the detector and the grid do, against numbers known on paper."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.registry import available
from medaudit.shifts.counting import log_error
from medaudit.shifts.windowing import levels
from medaudit.stored import Stored

SHIFTS = available("shift")
NAMES = ("low_dose", "scatter", "detector_blur", "grid_lines", "window_level", "bit_depth")


def even(value: float, side: int = 200) -> Stored:
    return Stored(np.full((side, side), value))


def lay(name: str, stored: Stored, dose: float, seed: int = 0) -> Stored:
    changed: Stored = SHIFTS[name].apply(stored, dose, keyed_rng(seed, name))
    return changed


@pytest.mark.parametrize("mean", [0.7, 4.0, 20.0, 30.0, 400.0])
def test_counts_have_the_moments_of_poisson(mean: float) -> None:
    counts = mean * np.exp(log_error(np.full((400, 400), mean, np.float32), keyed_rng(0)).astype(float))
    counts = np.where(counts < 0.75, 0, counts)  # no photon counts as half of one

    # 160,000 draws: mean within 4 sd / 400, variance within 3 %, skewness 1 / sqrt(mean) within 0.05.
    assert counts.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean) / 400)
    assert counts.var() == pytest.approx(mean, rel=0.03)
    assert (((counts - mean) / counts.std()) ** 3).mean() == pytest.approx(1 / np.sqrt(mean), abs=0.05)


@pytest.mark.parametrize("dose", [1.0, 2.0, 3.0, 5.0])
def test_low_dose_at_mid_grey_has_the_declared_sd(dose: float) -> None:
    change = lay("low_dose", even(127.5), dose).values - 127.5

    sd = np.sqrt(2**dose - 1)
    assert change.std() == pytest.approx(sd, rel=0.02)
    assert change.mean() == pytest.approx(0, abs=0.05 * sd)


def test_low_dose_noise_grows_with_attenuation() -> None:
    dark, light = (lay("low_dose", even(value), 2.0).values.var() for value in (0.0, 255.0))

    assert light / dark == pytest.approx(np.exp(4), rel=0.05)


def test_low_dose_follows_an_inverted_picture() -> None:
    for value, same in ((0.0, 255.0), (255.0, 0.0)):
        inverted = lay("low_dose", Stored(np.full((200, 200), value), inverted=True), 2.0).values
        assert inverted.std() == pytest.approx(lay("low_dose", even(same), 2.0).values.std(), rel=0.02)


@pytest.mark.parametrize("dose", [0.2, 0.5, 0.8])
def test_scatter_takes_contrast_by_the_declared_share(dose: float) -> None:
    assert (lay("scatter", even(100.0), dose).pixels() == 100).all()
    stored = even(100.0, 300)
    stored.values[148:152, 148:152] += 255 / 4  # attenuation 1 more

    changed = lay("scatter", stored, dose).values

    expected = -np.log(1 + (1 - dose) * (np.exp(-1) - 1)) * 255 / 4
    assert changed[150, 150] - changed[120, 150] == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("dose", [0.005, 0.01, 0.02])
def test_detector_blur_has_a_gaussian_transfer(dose: float) -> None:
    wave = np.sin(2 * np.pi * np.arange(400) / 40)
    stored = Stored(np.repeat((127.5 + 100 * wave)[None], 400, 0))

    changed = lay("detector_blur", stored, dose).values[200]

    kept = 2 * (changed[40:360] * wave[40:360]).mean() / 100
    assert kept == pytest.approx(np.exp(-2 * (np.pi * dose * 400 / 40) ** 2), abs=0.01)
    assert changed.mean() == pytest.approx(127.5, abs=0.1)


def test_grid_lines_are_a_wave_of_the_declared_amplitude() -> None:
    for seed in range(12):
        change = (lay("grid_lines", even(127.5, 256), 0.04, seed).values - 127.5) / 255
        assert change.mean() == pytest.approx(0, abs=0.002)
        assert change.std() == pytest.approx(0.04 / np.sqrt(2), rel=0.05)
        spectrum = np.abs(np.fft.rfft2(change))
        y, x = np.unravel_index(spectrum.argmax(), spectrum.shape)
        y = min(y, 256 - y)
        # One frequency of 25 to 80 lines, within 2 degrees of an axis.
        assert 24 <= np.hypot(y, x) <= 81
        assert min(x, y) <= 0.036 * max(x, y) + 1


def test_a_small_picture_holds_no_more_lines_than_pixels_can_show() -> None:
    change = lay("grid_lines", even(127.5, 32), 0.08).values - 127.5

    assert np.hypot(*np.unravel_index(np.abs(np.fft.rfft2(change)).argmax(), (32, 17))) < 32


def test_window_level_maps_a_ramp_to_known_greys() -> None:
    ramp = Stored(np.linspace(0, 255, 1001)[None])
    seen = set()
    for seed in range(20):
        shown = lay("window_level", ramp, 1.0, seed)
        wide = shown.window.width == 510
        assert wide or shown.window.width == 127.5
        # A quarter of the narrower of the two widths.
        assert abs(shown.window.centre - 127.5) == pytest.approx(0.25 * (255 if wide else 127.5))
        grey = shown.pixels()[0, :, 0]
        assert np.ptp(grey) == pytest.approx(127.5 if wide else 255, abs=1)
        clipped = ((grey == 0) | (grey == 255)).mean()
        assert clipped == pytest.approx(0 if wide else 0.5, abs=0.01)
        seen.add((wide, shown.window.centre > 127.5))
    assert len(seen) == 4


@pytest.mark.parametrize(("dose", "left"), [(1.0, 128), (3.0, 32), (4.5, 11), (5.0, 8)])
def test_bit_depth_leaves_the_declared_number_of_levels(dose: float, left: int) -> None:
    ramp = Stored(np.arange(256.0)[None])

    shown = np.unique(lay("bit_depth", ramp, dose).pixels())

    assert (levels(dose), len(shown)) == (left, left)
    assert (shown[0], shown[-1]) == (0, 255)


@pytest.mark.parametrize("name", NAMES)
def test_harm_grows_with_dose(
    name: str, chest_picture: Callable[..., Any], similarity: Callable[..., float]
) -> None:
    pixels = chest_picture(96)
    stored = Stored(pixels[..., 0].astype(float))
    doses = SHIFTS[name].doses[""]

    values = [
        np.mean([similarity(pixels, lay(name, stored, dose, seed).pixels()) for seed in range(16)])
        for dose in doses
    ]

    assert all(milder > harder for milder, harder in itertools.pairwise([1.0, *values])), values
