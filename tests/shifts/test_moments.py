"""Each shift does to the pixels what its docstring declares, no less and no more."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.shifts.blur import motion_blur, path_length
from medaudit.shifts.compression import jpeg, pixelate
from medaudit.shifts.geometry import rotation
from medaudit.shifts.intensity import contrast
from medaudit.shifts.noise import gaussian_noise

severities = pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
# The tables of the docstrings, written out a second time on purpose.
SD = {1: 0.01, 2: 0.03, 3: 0.06, 4: 0.10, 5: 0.16}
FACTOR = {1: 0.75, 2: 0.55, 3: 0.40, 4: 0.25, 5: 0.12}
ANGLE = {1: (1, 3), 2: (3, 6), 3: (6, 10), 4: (10, 15), 5: (15, 20)}
QUALITY = {1: 50, 2: 30, 3: 18, 4: 10, 5: 5}
LENGTH = {1: 0.05, 2: 0.08, 3: 0.11, 4: 0.15, 5: 0.20}
KEPT = {1: 0.70, 2: 0.50, 3: 0.35, 4: 0.25, 5: 0.15}


def grey(value: int, side: int = 256) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((side, side, 3), value, dtype=np.uint8)


@severities
def test_noise_on_mid_grey_has_mean_0_and_the_declared_sd(severity: int) -> None:
    change = gaussian_noise(grey(128), severity, keyed_rng(0, "a"))[..., 0] - 128.0
    expected = 255 * SD[severity]

    # Rounding adds 1/12 to the variance; 65,536 draws leave 0.4 % on the sd and 0.4 % of it on the mean.
    assert change.std() == pytest.approx(np.sqrt(expected**2 + 1 / 12), rel=0.02)
    assert abs(change.mean()) < 5 * expected / 256


def test_noise_never_wraps_around() -> None:
    for value, side in ((0, 1), (255, -1)):
        change = gaussian_noise(grey(value), 5, keyed_rng(0, "a")).astype(int) - value

        # Half of the draws are cut off at the end of the scale; none comes out at the other end.
        assert np.mean(change == 0) == pytest.approx(0.5, abs=0.02)
        assert (np.sign(change) * side >= 0).all()
        assert np.abs(change).max() < 255


def test_noise_is_one_field_on_grey_and_three_on_colour() -> None:
    colour = grey(128)
    colour[..., 0] = 127
    one = gaussian_noise(grey(128), 4, keyed_rng(0, "a")).astype(float)
    three = gaussian_noise(colour, 4, keyed_rng(0, "a")).astype(float)

    assert (np.ptp(one, axis=2) == 0).all()
    assert abs(np.corrcoef(three[..., 0].ravel(), three[..., 1].ravel())[0, 1]) < 0.02


@severities
def test_contrast_keeps_the_mean_and_scales_the_spread(
    severity: int, chest_picture: Callable[..., Any]
) -> None:
    before = chest_picture(128).astype(float)
    after = contrast(chest_picture(128), severity, keyed_rng(0, "a")).astype(float)

    assert after.mean() == pytest.approx(before.mean(), abs=1)
    assert after.std() / before.std() == pytest.approx(FACTOR[severity], abs=0.02)


@severities
def test_jpeg_equals_another_encoder_at_the_declared_quality(severity: int) -> None:
    import io

    from PIL import Image

    y, x = np.mgrid[0:64, 0:64]
    pixels = np.stack([40 + 3 * x, 200 - 2 * y, 20 + x + y], axis=2).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY[severity], subsampling=2)
    other = np.asarray(Image.open(buffer).convert("RGB")).astype(int)

    ours = jpeg(pixels, severity, keyed_rng(0, "a")).astype(int)

    # Same tables, another decoder: rounding and chroma interpolation differ by little.
    assert np.abs(ours - other).mean() < 1.5
    # Taking blue for red would put luma weights on the wrong channels.
    exchanged = jpeg(np.ascontiguousarray(pixels[..., ::-1]), severity, keyed_rng(0, "a"))[..., ::-1]
    assert np.abs(ours - other).mean() < np.abs(exchanged - other).mean()


@severities
def test_rotation_turns_by_an_angle_in_the_declared_range(severity: int) -> None:
    # A bright dot right of the centre: where it lands tells the angle.
    pixels = grey(0, 201)
    pixels[98:103, 178:183] = 255
    angles = []
    for case in range(40):
        turned = rotation(pixels, severity, keyed_rng(0, case))[..., 0].astype(float)
        y, x = (np.average(axis, weights=turned) - 100 for axis in np.mgrid[0:201, 0:201])
        angles.append(np.degrees(np.arctan2(-y, x)))

    low, high = ANGLE[severity]
    assert all(low - 0.2 <= abs(angle) <= high + 0.2 for angle in angles)
    # 40 fair signs: fewer than 9 or more than 31 of one kind has probability below 0.001.
    assert 9 <= sum(angle > 0 for angle in angles) <= 31


def test_rotation_leaves_the_centre_and_blackens_corners() -> None:
    turned = rotation(grey(200, 101), 5, keyed_rng(0, "a"))

    assert (turned[50, 50] == 200).all()
    assert (turned[0, 0] == 0).all()


@severities
def test_motion_blur_spreads_a_point_over_the_declared_length(severity: int) -> None:
    side = 200
    pixels = grey(0, side)
    pixels[100, 100] = 255
    length = path_length(side, severity)

    y, x = np.nonzero(motion_blur(pixels, severity, keyed_rng(0, "a"))[..., 0])

    assert abs(length - LENGTH[severity] * side) <= 1
    # Along the path from end to end, drawn on the grid: within a pixel and a half of its length.
    assert np.hypot(np.ptp(x), np.ptp(y)) + 1 == pytest.approx(length, abs=1.5)


@severities
def test_motion_blur_keeps_an_even_picture(severity: int) -> None:
    assert (motion_blur(grey(137, 64), severity, keyed_rng(0, "a")) == 137).all()


@severities
def test_pixelate_has_at_most_the_declared_number_of_blocks(severity: int) -> None:
    side = 100
    ramp = np.arange(side * side, dtype=np.int64).reshape(side, side)
    pixels = np.stack([ramp // 256 % 256, ramp % 256, ramp % 7], axis=2).astype(np.uint8)
    rows = pixelate(pixels, severity, keyed_rng(0, "a"))

    changes = sum((a != b).any() for a, b in itertools.pairwise(rows))

    assert changes + 1 <= round(side * KEPT[severity])


@pytest.mark.parametrize("shift", [jpeg, pixelate, motion_blur])
@severities
def test_lossy_shifts_keep_the_mean(shift: Any, severity: int, chest_picture: Callable[..., Any]) -> None:
    pixels = chest_picture(128)

    assert shift(pixels, severity, keyed_rng(0, "a")).mean() == pytest.approx(pixels.mean(), abs=2)
