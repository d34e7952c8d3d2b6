"""MedMNIST-C: the published counts and numbers, and operations that do what their formulas say."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from medaudit.image import keyed_rng
from medaudit.modality import modality_named
from medaudit.registry import Shift, available
from medaudit.shifts import medmnist_c, medmnist_c_kernels, medmnist_c_noise
from medaudit.shifts.medmnist_c_table import DATA_SETS
from medaudit.testing import check_shift

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
SHIFTS: dict[str, Shift] = {n: s for n, s in available("shift").items() if s.family == "medmnist_c"}
severities = pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])

COUNTS = {
    **{"path": 11, "blood": 11, "derma": 15, "retina": 8, "tissue": 8, "oct": 6, "breast": 7},
    **{"chest": 13, "pneumonia": 13, "organ_a": 13, "organ_c": 13, "organ_s": 13},
}
#: First and last published parameter, written out a second time on purpose.
ENDS = """
path      pixelate .8 .25 | jpeg 50 7 | defocus_blur 3,.1 7,.3 | motion_blur 5,5 15,12
path      brightness_up 1.1 1.25 | brightness_down .85 .7 | contrast_up 1.1 1.6
path      contrast_down .8 .5 | saturate .05 .25
path      stain_deposit 1,24 5,32 | bubble 7,15 17,25
blood     pixelate .6 .25 | jpeg 50 7 | defocus_blur 2,.01 6,.1 | motion_blur 3,3 10,9 | brightness_up 1.1 1.4
blood     brightness_down .9 .5 | contrast_up 1.1 1.3 | contrast_down .9 .5 | saturate .05 .2
blood     stain_deposit 1,24 3,32 | bubble 5,10 15,12
derma     pixelate .7 .25 | jpeg 30 7 | gaussian_noise .04 .26 | speckle_noise .05 .45 | impulse_noise .01 .17
derma     shot_noise 60 5 | defocus_blur 4,.1 8,.5 | motion_blur 10,5 20,15 | zoom_blur 1.1,.01 1.3,.03
derma     brightness_up 1.1 1.5 | brightness_down .9 .5 | contrast_up 1.1 1.6 | contrast_down .8 .4
derma     black_corner 1.1 .95 | characters 1,6,.14 6,10,.18
retina    pixelate .8 .35 | jpeg 30 5 | gaussian_noise .04 .2 | speckle_noise .1 .3 | defocus_blur 4,.1 8,.5
retina    motion_blur 8,5 20,15 | brightness_down .9 .5 | contrast_down .9 .4
tissue    pixelate .4 .1 | jpeg 25 7 | impulse_noise .01 .03 | gaussian_blur 13 25 | brightness_up 1.3 1.7
tissue    brightness_down .8 .4 | contrast_up 1.1 1.6 | contrast_down .9 .4
oct       pixelate .3 .1 | jpeg 30 5 | speckle_noise .15 .6 | defocus_blur .5,.6 2.5,.1
oct       motion_blur 10,3 20,15 | contrast_down .6 .15
breast    pixelate .3 .1 | jpeg 50 7 | speckle_noise .1 .3 | motion_blur 5,5 17,12 | brightness_up 1.4 2
breast    brightness_down .55 .3 | contrast_down .9 .4
chest     pixelate .3 .1 | jpeg 50 7 | gaussian_noise .04 .26 | speckle_noise .05 .45 | impulse_noise .01 .17
chest     shot_noise 60 5 | gaussian_blur 3 11 | brightness_up 1.1 1.5 | brightness_down .9 .5
chest     contrast_up 1.1 1.6 | contrast_down .9 .4 | gamma_up 1.1 1.6 | gamma_down .9 .4
pneumonia pixelate .8 .4 | jpeg 50 7 | gaussian_noise .04 .08 | speckle_noise .05 .2 | impulse_noise .005 .02
pneumonia shot_noise 300 80 | gaussian_blur 3 11 | brightness_up 1.1 1.5 | brightness_down .9 .5
pneumonia contrast_up 1.1 1.6 | contrast_down .9 .4 | gamma_up 1.1 1.6 | gamma_down .9 .4
organ     pixelate .7 .35 | jpeg 50 7 | gaussian_noise .04 .2 | speckle_noise .05 .4 | impulse_noise .01 .08
organ     shot_noise 200 15 | gaussian_blur 11 21 | brightness_up 1.2 1.6 | brightness_down .8 .6
organ     contrast_up 1.3 1.8 | contrast_down .8 .5 | gamma_up 1.3 2 | gamma_down .9 .4
"""
#: Published steps, from 1, that do not make things worse.
NOT_MONOTONE = {
    "derma_black_corner": [4],  # radius 0.95 after 0.90
    "blood_stain_deposit": [3],  # 3 marks at most before and after
}


def published() -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    for line in ENDS.strip().splitlines():
        data_set, _, rows = line.partition(" ")
        for row in rows.split("|"):
            name, *ends = row.split()
            first, last = (tuple(map(float, end.split(","))) for end in ends)
            for plane in ("_a", "_c", "_s") if data_set == "organ" else ("",):
                found[f"{data_set}{plane}_{name}"] = (first, last)
    return found


def even(value: Any, side: int = 224) -> Pixels:
    return np.full((side, side, 3), value, dtype=np.uint8)


def coloured(side: int, chest: Callable[..., Pixels]) -> Pixels:
    channels = [chest(side, seed)[..., 0] // part for seed, part in ((0, 1), (1, 2), (2, 3))]
    return np.ascontiguousarray(np.stack(channels, axis=2))


def changed(name: str, pixels: Pixels, severity: int, case: object = "a") -> Any:
    return SHIFTS[name].apply(pixels, severity, keyed_rng(0, case)).astype(float)


def test_counts_are_the_papers() -> None:
    assert {name: len(kind.corruptions) for name, kind in DATA_SETS.items()} == COUNTS
    assert len(SHIFTS) == sum(COUNTS.values()) == 131


def test_every_ladder_has_five_steps_and_the_published_ends() -> None:
    ends = {}
    for data_set, kind in DATA_SETS.items():
        for corruption, ladder in kind.corruptions.items():
            assert len(ladder) == 5
            first, last = (step if isinstance(step, tuple) else (step,) for step in (ladder[0], ladder[-1]))
            ends[f"{data_set}_{corruption}"] = (first, last)

    assert ends == published()
    assert set(ends) == set(SHIFTS)


def test_they_are_for_their_modality_and_asked_for_by_name() -> None:
    for name, shift in SHIFTS.items():
        assert not shift.default
        assert not shift.doses
        assert shift.stage == "pixels"
        assert shift.modalities == (DATA_SETS[data_set_of(name)].modality,)
        assert modality_named(shift.modalities[0]) == shift.modalities[0]


def data_set_of(name: str) -> str:
    return max((each for each in DATA_SETS if name.startswith(f"{each}_")), key=len)


@pytest.mark.parametrize("name", SHIFTS)
def test_the_contract_holds(name: str) -> None:
    check_shift(name)


@pytest.mark.parametrize("name", SHIFTS)
def test_the_docstring_states_the_five_parameters(name: str) -> None:
    text = SHIFTS[name].apply.__doc__ or ""
    first, last = published()[name]

    assert text.split("\n", 1)[0].endswith(").")
    assert "Declared moments:" in text
    for value in (*first, *last):
        assert f"{value:g}" in text.split()
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize("name", SHIFTS)
def test_harm_grows_with_severity(name: str, chest_picture: Callable[..., Pixels]) -> None:
    grey = chest_picture(112)
    pixels = coloured(112, chest_picture) if DATA_SETS[data_set_of(name)].modality in COLOURED else grey
    draws = 40 if any(word in name for word in ("stain", "bubble", "characters", "motion")) else 1
    harm = [
        np.mean([((changed(name, pixels, severity, case) - pixels) ** 2).mean() for case in range(draws)])
        for severity in range(1, 6)
    ]
    steps = np.diff(harm)

    assert harm[0] > 0
    assert [step for step in range(1, 5) if steps[step - 1] <= 0] == NOT_MONOTONE.get(name, []), harm


COLOURED = {"histology", "microscopy", "dermoscopy", "fundus"}


@pytest.mark.parametrize("name", SHIFTS)
def test_grey_stays_exactly_grey(name: str, chest_picture: Callable[..., Pixels]) -> None:
    result = changed(name, chest_picture(64), 5)

    assert (np.ptp(result, axis=2) == 0).all()


@pytest.mark.parametrize("name", SHIFTS)
def test_the_layout_in_memory_makes_no_difference(name: str, chest_picture: Callable[..., Pixels]) -> None:
    pixels = coloured(48, chest_picture)
    planes = np.ascontiguousarray(pixels.transpose(2, 1, 0)).transpose(2, 1, 0)
    assert not planes.flags.c_contiguous

    assert (changed(name, planes, 5) == changed(name, pixels, 5)).all()


@severities
@pytest.mark.parametrize("name", ["derma_gaussian_noise", "derma_speckle_noise", "derma_shot_noise"])
def test_noise_has_the_declared_moments(name: str, severity: int) -> None:
    level = 100
    ladder = DATA_SETS["derma"].corruptions[name.removeprefix("derma_")]
    strength = ladder[severity - 1]
    assert isinstance(strength, (int, float))
    expected = {
        "derma_gaussian_noise": 255 * strength,
        "derma_speckle_noise": level * strength,
        "derma_shot_noise": np.sqrt(255 * level / strength),
    }[name]
    if expected > 0.35 * level:
        pytest.skip("clipped at black: the moments are those of the unsaturated law")

    change = changed(name, even(level), severity) - level

    # 50,176 draws: 0.3 % on the sd; rounding adds 1/12 to the variance.
    assert change.std() == pytest.approx(np.sqrt(expected**2 + 1 / 12), rel=0.02)
    assert abs(change.mean()) < 5 * expected / 224 + 0.02


def test_shot_noise_is_poisson_where_photons_are_few() -> None:
    # Grey 51 of 255 at 5 photons: an expectation of one, so e^-1 of the pixels are black.
    counts = changed("derma_shot_noise", even(51), 5)[..., 0]

    assert np.mean(counts == 0) == pytest.approx(np.exp(-1), abs=0.01)
    assert np.mean(counts == 51) == pytest.approx(np.exp(-1), abs=0.01)
    assert np.mean(counts == 102) == pytest.approx(np.exp(-1) / 2, abs=0.01)


@pytest.mark.parametrize("name", ["derma_shot_noise", "derma_speckle_noise"])
def test_signal_borne_noise_leaves_black_alone(name: str) -> None:
    assert (changed(name, even(0), 5) == 0).all()


@severities
def test_impulses_hit_the_declared_share(severity: int) -> None:
    share = (0.01, 0.03, 0.06, 0.09, 0.17)[severity - 1]
    hit = changed("derma_impulse_noise", even(100), severity)[..., 0]

    assert np.mean(hit != 100) == pytest.approx(share, abs=4 * np.sqrt(share / 224**2))
    assert np.mean(hit == 0) == pytest.approx(np.mean(hit == 255), abs=6 * np.sqrt(share / 224**2))


def test_noise_is_one_field_on_grey_and_three_on_colour() -> None:
    three = changed("derma_gaussian_noise", even((127, 128, 128)), 3)

    assert abs(np.corrcoef(three[..., 0].ravel(), three[..., 1].ravel())[0, 1]) < 0.02


@severities
@pytest.mark.parametrize("name", ["path_brightness_up", "path_contrast_down", "path_pixelate", "path_jpeg"])
def test_an_independent_library_gives_the_same(
    name: str, severity: int, chest_picture: Callable[..., Pixels]
) -> None:
    pixels = coloured(224, chest_picture)
    picture, corruption = Image.fromarray(pixels), name.removeprefix("path_")
    number = DATA_SETS["path"].corruptions[corruption][severity - 1]
    assert isinstance(number, (int, float))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=int(number))
    small = picture.resize((int(224 * number), int(224 * number)), Image.Resampling.BOX)
    other = {
        "brightness_up": ImageEnhance.Brightness(picture).enhance(number),
        "contrast_down": ImageEnhance.Contrast(picture).enhance(number),
        "pixelate": small.resize((224, 224), Image.Resampling.BOX),
        "jpeg": Image.open(buffer),
    }[corruption]

    # The other library cuts off where ours rounds, and blends at block borders.
    difference = np.abs(changed(name, pixels, severity) - np.asarray(other, dtype=float))
    assert difference.mean() < 1
    assert np.quantile(difference, 0.9) <= 2


def test_gamma_moves_64_as_declared() -> None:
    assert changed("chest_gamma_up", even(64), 5)[0, 0, 0] == round(255 * (64 / 255) ** 1.6)
    assert changed("chest_gamma_down", even(64), 5)[0, 0, 0] == round(255 * (64 / 255) ** 0.4)


def test_saturation_rises_by_the_amount_and_greys_stay() -> None:
    import colorsys

    pixels = even((200, 150, 120))
    pixels[0, 0] = 90
    result = changed("path_saturate", pixels, 2)
    hue, saturation, value = colorsys.rgb_to_hsv(200, 150, 120)

    assert (result[0, 0] == 90).all()
    expected = colorsys.hsv_to_rgb(hue, saturation + 0.10, value)
    assert np.abs(result[5, 5] - expected).max() <= 0.5


BLURS = [n for n in SHIFTS if any(w in n for w in ("_defocus", "_motion", "_gaussian_blur", "_zoom"))]


@severities
@pytest.mark.parametrize("name", BLURS)
def test_blur_keeps_an_even_picture_and_the_mean(
    name: str, severity: int, chest_picture: Callable[..., Pixels]
) -> None:
    assert (changed(name, even(137, 40), severity) == 137).all()
    if "zoom" not in name:
        pixels = chest_picture(96)
        assert changed(name, pixels, severity).mean() == pytest.approx(pixels.mean(), abs=2)


def test_at_224_pixels_kernels_are_the_published_ones() -> None:
    # 29 grid points lie within 3 pixels; a rim smoothed by sd 0.1 is as good as hard.
    disc = medmnist_c_kernels.disc(3, 0.1, 1.0)
    assert disc.shape[0] in (7, 9)
    assert np.sort(disc.ravel())[-29:] == pytest.approx(np.full(29, 1 / 29), rel=1e-4)
    assert (medmnist_c_kernels.stretch(9, 1.0) == np.eye(9)).all()


@pytest.mark.parametrize("scale", [0.2, 0.7, 1.0, 2.3, 9.0])
def test_kernels_grow_with_the_picture(scale: float) -> None:
    weights = medmnist_c_kernels.stretch(21, scale) @ medmnist_c_kernels.gauss(21, 3.5)
    at = np.arange(len(weights)) - len(weights) // 2

    assert weights.sum() == pytest.approx(1)
    # Interpolation between pixels broadens a kernel by at most half a pixel squared.
    assert weights @ at**2 == pytest.approx(scale**2 * 12.0, rel=0.06, abs=0.5)


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_a_path_is_as_long_as_said_and_displaces_nothing(scale: float) -> None:
    kernel, (x, y) = medmnist_c_kernels.path(15, 12, np.radians(30), scale)
    rows, columns = np.nonzero(kernel > 1e-7)

    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert kernel.sum(axis=0) @ (np.arange(kernel.shape[1]) - x) == pytest.approx(0, abs=1e-3)
    assert kernel.sum(axis=1) @ (np.arange(kernel.shape[0]) - y) == pytest.approx(0, abs=1e-3)
    assert np.hypot(np.ptp(rows), np.ptp(columns)) == pytest.approx(30 * scale, abs=2)


@severities
def test_black_corner_lights_the_circle(severity: int) -> None:
    radius = (1.10, 1.05, 1.00, 0.90, 0.95)[severity - 1]
    lit = (changed("derma_black_corner", even(200), severity)[..., 0] == 200).mean()
    y, x = (np.mgrid[0:1000, 0:1000] + 0.5) / 500 - 1

    assert lit == pytest.approx((x**2 + y**2 <= radius**2).mean(), abs=0.016)


@severities
def test_stain_blackens_no_more_than_declared(severity: int) -> None:
    marks, size = ((1, 24), (2, 24), (3, 24), (4, 24), (5, 32))[severity - 1]
    shares = []
    for case in range(30):
        result = changed("path_stain_deposit", even(200), severity, case)
        assert set(np.unique(result)) == {0, 200}
        shares.append((result == 0).mean())

    assert max(shares) <= marks * ((size + 1) / 224) ** 2
    # A blot fills between a third and four fifths of its square; numbers of marks are even from 1.
    assert 0.3 < np.mean(shares) / ((1 + marks) / 2 * (size / 224) ** 2) < 0.8


def test_bubbles_only_brighten_and_by_their_opacity() -> None:
    result = changed("blood_bubble", even(55), 5)

    assert set(np.unique(result)) == {55, round(55 + 200 * 100 / 255), round(55 + 200 * 130 / 255)}


@severities
@pytest.mark.parametrize("side", [64, 224, 600])
def test_letters_cover_little(side: int, severity: int) -> None:
    shares = [
        (changed("derma_characters", even(200, side), severity, case) != 200).any(axis=2).mean()
        for case in range(10)
    ]

    # On a small picture faint letters may round to nothing.
    assert min(shares) > 0 or (side == 64 and np.mean(shares) > 0)
    assert max(shares) < 0.05


def test_laws_drawn_from_tables_have_the_spread_of_the_laws() -> None:
    # 51 of 255 at 100 photons: 20 expected, so a standard deviation of the square root of 20.
    row = medmnist_c_noise._shot_table(100.0).reshape(256, -1)[51].astype(float) / 2.55
    assert row.mean() == pytest.approx(20, abs=0.05)
    assert row.std() == pytest.approx(20**0.5, rel=0.005)


def test_tables_of_shot_noise_are_built_once() -> None:
    assert medmnist_c_noise._shot_table(60) is medmnist_c_noise._shot_table(60)
    assert set(medmnist_c.OPERATIONS) == {c for kind in DATA_SETS.values() for c in kind.corruptions}


@pytest.mark.parametrize(
    ("name", "modality", "seen"),
    [
        ("path_stain_deposit", "histology", 0.15),
        ("blood_stain_deposit", "histology", 0.15),
        ("derma_black_corner", "dermoscopy", 0.85),
        ("derma_characters", "dermoscopy", 0.85),
    ],
)
def test_no_mark_hides_a_finding_whole(name: str, modality: str, seen: float) -> None:
    from medaudit.phantoms.modalities import modality as kind_of
    from medaudit.phantoms.picture import Lesion, Picture
    from medaudit.phantoms.rendering import masks, render

    kind = kind_of(modality)
    shown = []
    for patient in range(4):
        for place in kind.places:
            picture = Picture(modality, patient, (Lesion(kind.kinds[0], place, 0.0),))
            mask = np.asarray(next(iter(masks(picture).values()))) > 0
            pixels = render(picture)
            for severity in (4, 5):
                same = (changed(name, pixels, severity, (patient, place)) == pixels).all(axis=2)
                shown.append(same[mask].mean())

    assert min(shown) >= seen
