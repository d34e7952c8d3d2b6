"""MR pictures: Rician noise, coil sensitivity and ghosts, against numbers known on paper."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.phantoms.picture import Picture
from medaudit.phantoms.rendering import render
from medaudit.probes.visibility import ssim
from medaudit.registry import available
from medaudit.stored import Stored, Window

SHIFTS = available("shift")
NAMES = ("rician_noise", "bias_field", "ghosting")


def lay(name: str, stored: Stored, dose: float, seed: int = 0) -> Stored:
    changed: Stored = SHIFTS[name].apply(stored, dose, keyed_rng(seed, name))
    return changed


@pytest.mark.parametrize("dose", [0.03, 0.1])
def test_the_background_is_lifted_by_rician_noise(dose: float) -> None:
    shown = lay("rician_noise", Stored(np.zeros((300, 300))), dose).values

    sigma = 255 * dose
    # Rayleigh: mean sigma sqrt(pi / 2), variance (2 - pi / 2) sigma^2; 90,000 draws leave 0.3 %.
    assert shown.mean() == pytest.approx(sigma * np.sqrt(np.pi / 2), rel=0.01)
    assert shown.var() == pytest.approx((2 - np.pi / 2) * sigma**2, rel=0.02)


def test_a_strong_signal_has_gaussian_noise() -> None:
    shown = lay("rician_noise", Stored(np.full((300, 300), 200.0)), 0.04).values
    sigma = 255 * 0.04

    assert shown.mean() == pytest.approx(200 + sigma**2 / 400, abs=4 * sigma / 300)
    assert shown.std() == pytest.approx(sigma, rel=0.02)


def test_signal_is_counted_from_zero_in_units_of_the_window() -> None:
    stored = Stored(np.zeros((300, 300)), Window(1000.0, 1000.0, "LINEAR_EXACT"), bits=12)

    shown = lay("rician_noise", stored, 0.1)

    # White is 1500; the noise lies below the black of 500 and is not seen, as it would be after the window.
    assert shown.values.mean() == pytest.approx(150 * np.sqrt(np.pi / 2), rel=0.01)
    assert (shown.pixels() > 0).mean() < 0.01


@pytest.mark.parametrize("dose", [0.2, 0.7, 1.0])
def test_the_bias_field_is_smooth_and_as_strong_as_declared(dose: float) -> None:
    for seed in range(6):
        field = np.log(lay("bias_field", Stored(np.full((90, 120), 60.0)), dose, seed).values / 60)
        assert np.abs(field).max() == pytest.approx(dose)
        assert field.mean() == pytest.approx(0, abs=1e-9)
        # Degree 2: third differences vanish.
        assert np.abs(np.diff(field, 3, axis=0)).max() < 1e-9
        assert np.abs(np.diff(field, 3, axis=1)).max() < 1e-9


def test_the_bias_field_leaves_the_dark_dark() -> None:
    assert (lay("bias_field", Stored(np.zeros((40, 40))), 1.0).pixels() == 0).all()


def test_a_point_gets_two_ghosts_along_one_direction() -> None:
    directions = set()
    for seed in range(12):
        stored = Stored(np.zeros((100, 100)))
        stored.values[50, 50] = 200.0
        shown = lay("ghosting", stored, 0.3, seed).values
        places = np.argwhere(shown > 0) - 50
        assert sorted(shown[shown > 0].tolist()) == pytest.approx([30, 30, 140])
        assert shown.sum() == pytest.approx(200)
        along = int(np.abs(places).max(axis=0).argmax())
        assert (places[:, 1 - along] == 0).all()
        assert 15 <= np.abs(places[:, along]).max() <= 40
        directions.add(along)
    assert directions == {0, 1}


@pytest.mark.parametrize("name", NAMES)
def test_harm_grows_with_dose(name: str) -> None:
    pixels = render(Picture("ct", 3))
    stored = Stored(pixels[..., 0].astype(float))

    values = [
        np.mean([ssim(pixels, lay(name, stored, dose, seed).pixels()) for seed in range(24)])
        for dose in SHIFTS[name].doses[""]
    ]

    assert all(milder > harder for milder, harder in itertools.pairwise([1.0, *values])), values
