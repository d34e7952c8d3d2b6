"""CT slices: noise from projections, streaks, rings and windows, against numbers known on paper."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from medaudit.image import keyed_rng
from medaudit.phantoms.picture import Lesion, Picture
from medaudit.phantoms.rendering import masks, render
from medaudit.probes.visibility import ssim
from medaudit.registry import available
from medaudit.shifts.tomography import angles_of, bins_of, offsets_of, project, reconstruct
from medaudit.shifts.windowing import PRESETS
from medaudit.stored import Stored, Window

SHIFTS = available("shift")
SOFT = Window(40.0, 400.0, "LINEAR_EXACT")
NAMES = ("low_dose_ct", "metal_streaks", "ring_artefact", "wrong_voi")


def lay(name: str, stored: Stored, dose: float, seed: int = 0) -> Stored:
    changed: Stored = SHIFTS[name].apply(stored, dose, keyed_rng(seed, name))
    return changed


def water(side: int = 200, diameter: float = 0.75) -> tuple[Stored, np.ndarray[Any, Any]]:
    """A disc of water of 300 mm, where the side is 400 mm, in air; and its inner fifth."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(y, x) / side
    return Stored(np.where(radius < diameter / 2, 0.0, -1000.0), SOFT, unit="HU", bits=12), radius < 0.05


def test_paths_through_a_disc_are_its_chords() -> None:
    stored, _ = water()
    size = (200, 200)
    assert len(angles_of(size)) == 140

    paths = project((1 + stored.values / 1000).astype(np.float32), size)

    assert paths.shape == (len(angles_of(size)), bins_of(size))
    offsets = offsets_of(size) / 200
    chords = 2 * np.sqrt(np.maximum(0.375**2 - offsets**2, 0))
    inside = np.abs(offsets) < 0.34
    assert np.abs(paths - chords)[:, inside].max() < 0.03


@pytest.mark.parametrize("view", [0, 9, 30, 41, 65, 67])
def test_an_error_in_one_ray_is_back_projected_along_it(view: int) -> None:
    size = (101, 101)
    errors = np.zeros((len(angles_of(size)), bins_of(size)), np.float32)
    far, angle = 20.0, angles_of(size)[view]
    errors[view, offsets_of(size) == far] = 1

    picture = reconstruct(errors, size, size)

    y, x = np.mgrid[:101, :101] - 50
    away = np.cos(angle) * x + np.sin(angle) * y - far
    top = picture.max()
    assert (picture[np.abs(away) < 0.4] > 0.4 * top).all()
    # The filter's dark flanks, and nothing beyond them; nor on the ray's mirror image.
    assert (picture[(np.abs(away) > 1.6) & (np.abs(away) < 2.4)] < 0).all()
    assert np.abs(picture[np.abs(away) > 12]).max() < 0.01 * top
    assert np.abs(away[picture > 0.7 * top]).max() < 1


def test_white_errors_become_noise_of_unit_sd() -> None:
    size = (128, 128)
    errors = keyed_rng(0).standard_normal((len(angles_of(size)), bins_of(size)), dtype=np.float32)

    assert reconstruct(errors, size, size)[32:96, 32:96].std() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("name", ["low_dose_ct", "metal_streaks"])
@pytest.mark.parametrize("dose", [0.0, 3.0])
def test_a_batch_gives_the_bytes_of_each_slice(name: str, dose: float) -> None:
    shapes = [(64, 64), (40, 64), (64, 64), (600, 520), (1, 1)]
    slices = [
        Stored(keyed_rng("slice", k).integers(0, 256, shape).astype(float)) for k, shape in enumerate(shapes)
    ]
    alone = [lay(name, stored, dose, seed).values.tobytes() for seed, stored in enumerate(slices)]

    def together(order: list[int]) -> list[bytes]:
        assert SHIFTS[name].batch is not None
        rngs = [keyed_rng(seed, name) for seed in order]
        changed = SHIFTS[name].batch([slices[k] for k in order], dose, rngs, "cpu")
        return [each.values.tobytes() for each in changed]

    assert together([0, 1, 2, 3, 4]) == alone
    assert together([4, 2, 0]) == [alone[4], alone[2], alone[0]]
    # Another slice's draws give other bytes, if any are drawn.
    assert (lay(name, slices[0], dose, 1).values.tobytes() == alone[0]) == (dose == 0)


@pytest.mark.parametrize("dose", [1.0, 2.0, 4.0])
def test_low_dose_behind_300_mm_of_water_has_the_declared_noise(dose: float) -> None:
    stored, middle = water()

    change = np.concatenate(
        [(lay("low_dose_ct", stored, dose, seed).values - stored.values)[middle] for seed in range(8)]
    )

    # Neighbours are correlated: about 300 independent values in each of eight discs.
    assert change.std() == pytest.approx(10 * np.sqrt(2**dose - 1), rel=0.1)
    assert abs(change.mean()) < 0.1 * change.std()


def test_a_thinner_patient_has_less_noise() -> None:
    def noise(diameter: float) -> float:
        stored, middle = water(diameter=diameter)
        return float((lay("low_dose_ct", stored, 3.0).values - stored.values)[middle].std())

    # 200 mm: 100 mm of water less, exp(0.5 * 2) times less noise.
    assert noise(0.75) / noise(0.5) == pytest.approx(np.e, rel=0.2)


def test_grey_pictures_take_noise_by_a_window_of_400_hounsfield() -> None:
    grey = Stored(np.full((200, 200), 127.5))  # water over the whole side: 400 mm across, more at a slant
    stored = Stored(np.zeros((200, 200)), Window(0.0, 400.0, "LINEAR_EXACT"), unit="HU")

    first = lay("low_dose_ct", grey, 1.0).values - 127.5
    second = lay("low_dose_ct", stored, 1.0).values

    assert first == pytest.approx(second * 255 / 400, abs=0.05 * first.std())


def test_streaks_have_the_declared_sd_and_hardly_a_mean() -> None:
    stored, _ = water()
    for seed in range(6):
        shown = lay("metal_streaks", stored, 60.0, seed).values - stored.values
        metal = shown > 2000
        assert 0 < metal.mean() < 0.005
        assert shown[~metal].std() == pytest.approx(60, rel=0.01)
        assert abs(shown[~metal].mean()) < 6
        # Bands run away from the metal: most of the change is near to it, some at the border.
        near = binary_dilation(metal, iterations=30) & ~metal
        assert shown[near].std() > shown[~near & ~metal].std() > 5


def test_rings_are_constant_along_circles_and_of_no_mean() -> None:
    stored = Stored(np.zeros((301, 301)), SOFT, unit="HU")
    shown = lay("ring_artefact", stored, 50.0).values
    y, x = np.mgrid[-150:151, -150:151]

    for squared in (25, 625, 4225, 15625):  # several lattice points on each circle
        on_it = shown[y * y + x * x == squared]
        assert len(on_it) >= 12
        assert np.ptp(on_it) < 1e-3
    along = shown[150, 150:300]
    assert along.std() == pytest.approx(50, rel=0.25)
    assert abs(along.mean()) < 5
    assert shown[0, 0] == 0


def test_wrong_voi_ends_in_a_preset() -> None:
    stored = Stored(np.zeros((4, 4)), SOFT, unit="HU")
    whole = {
        (w.centre, round(w.width, 6)) for s in range(30) if (w := lay("wrong_voi", stored, 1.0, s).window)
    }
    half = {round(lay("wrong_voi", stored, 0.5, s).window.width, 3) for s in range(30)}

    assert whole == {PRESETS["lung"], PRESETS["bone"], PRESETS["brain"]}
    assert half == {round(np.sqrt(400 * width), 3) for width in (1500, 1800, 80)}


def test_wrong_voi_shows_known_greys() -> None:
    """-250 HU is black in soft tissue; in a lung window it is (-250 + 600) / 1500 + 0.5 of white."""
    stored = Stored(np.full((1, 1), -250.0), SOFT, unit="HU")
    lung = next(
        shown
        for s in range(30)
        if (shown := lay("wrong_voi", stored, 1.0, s)).window.width > 1400 and shown.window.centre < 0
    )

    assert stored.pixels()[0, 0, 0] == 0
    assert lung.pixels()[0, 0, 0] == 187


def slice_of(patient: int, *lesions: Lesion) -> Picture:
    return Picture("ct", patient, lesions)


@pytest.mark.parametrize("name", NAMES)
def test_harm_grows_with_dose(name: str) -> None:
    pixels = render(slice_of(3))
    stored = Stored(pixels[..., 0].astype(float))
    draws = 8 if name == "low_dose_ct" else 24

    values = [
        np.mean([ssim(pixels, lay(name, stored, dose, seed).pixels()) for seed in range(draws)])
        for dose in SHIFTS[name].doses[""]
    ]

    assert all(milder > harder for milder, harder in itertools.pairwise([1.0, *values])), values


def test_streaks_leave_findings_but_for_metal_beside_a_stone() -> None:
    """Contrast of a finding to the ring of tissue around it, on 40 patients; metal moves with the picture."""
    lost = 0
    for patient, kind in itertools.product(range(40), ("stone", "cyst")):
        lesion = Lesion(kind, ("left", "right")[patient % 2], 0.5)
        held = slice_of(patient, lesion)
        inside = masks(held)[lesion]
        around = binary_dilation(inside, iterations=4) & ~binary_dilation(inside)
        grey = render(held)[..., 0].astype(float)
        shown = lay("metal_streaks", Stored(grey), SHIFTS["metal_streaks"].doses[""][4], patient)
        before, after = (g[inside].mean() - g[around].mean() for g in (grey, shown.pixels()[..., 0]))
        lost += bool(before * after <= 0)

    assert lost <= 4
