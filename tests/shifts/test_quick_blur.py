"""Blur by shorter ways: each against the plain sum that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.shifts import medmnist_c_blur as blur
from medaudit.shifts import medmnist_c_kernels as kernels
from medaudit.shifts.blur import mean_along, path_in_parts
from medaudit.shifts.coarse import on_means, own_variance, step
from medaudit.shifts.medmnist_c_disc import heights

RNG = np.random.default_rng(0)
sizes = pytest.mark.parametrize("side", [112, 224, 300, 640])


def plainly(plane: Any, kernel: Any, anchor: tuple[int, int] = (-1, -1)) -> Any:
    return cv2.filter2D(plane.astype(np.float32), -1, kernel.astype(np.float32), anchor=anchor)


def grain(side: int) -> Any:
    return np.random.default_rng(side).integers(0, 256, (side, side), dtype=np.uint8)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 200).map(lambda half: 2 * half + 1), st.floats(0, np.pi))
def test_a_path_in_parts_keeps_to_its_line(length: int, angle: float) -> None:
    inner, laid, single = path_in_parts(length, angle)
    points = np.array([(a + c, b + d) for a, b in laid for c, d in inner] + single)
    line = np.arange(length) - (length - 1) / 2

    assert len(points) == length
    assert len(inner) + len(laid) + len(single) <= 3 * np.sqrt(length) + 1
    assert np.abs(points[:, 0] + line * np.sin(angle)).max() <= 1
    assert np.abs(points[:, 1] - line * np.cos(angle)).max() <= 1


@pytest.mark.parametrize("length", [3, 25, 113, 301])
@pytest.mark.parametrize("degrees", [0, 17, 90, 133])
def test_the_mean_along_a_path_is_the_mean_of_its_points(length: int, degrees: int) -> None:
    plane = grain(97)
    inner, laid, single = path_in_parts(length, np.radians(degrees))
    edge = length
    wide = cv2.copyMakeBorder(plane, edge, edge, edge, edge, cv2.BORDER_REFLECT_101).astype(float)
    points = [(a + c, b + d) for a, b in laid for c, d in inner] + single
    plain = sum(wide[edge + y : edge + y + 97, edge + x : edge + x + 97] for y, x in points) / length

    assert np.abs(mean_along(plane, length, np.radians(degrees)) - plain).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("scale", [0.4, 1.0, 2.3])
@pytest.mark.parametrize("degrees", [-44, 0, 31])
def test_a_thin_kernel_in_bands_is_the_whole_kernel(scale: float, degrees: int) -> None:
    kernel, anchor = kernels.path(15, 8, np.radians(degrees), scale)
    plane = grain(120)

    assert np.abs(blur._filtered(plane, kernel, anchor) - plainly(plane, kernel, anchor)).max() <= 0.51


@pytest.mark.parametrize("radius", [3, 4, 5, 6, 7, 8])
def test_at_224_the_mean_over_a_disc_is_the_published_kernel(radius: int) -> None:
    plane, hard = grain(224), kernels.disc(radius, 0.01, 1.0)
    ours = blur.defocus_blur(plane, 1.0, RNG, radius, 0.01)

    assert np.abs(ours - plainly(plane, hard)).max() <= 0.51
    larger = kernels.disc(radius + 1, 0.01, 1.0)
    assert np.abs(ours - plainly(plane, larger)).mean() > 1


def test_half_heights_of_a_disc_count_its_pixels() -> None:
    for radius in (2.5, 3, 6.86, 9):
        y, x = np.mgrid[-10:11, -10:11]
        whole = (x**2 + y**2 <= radius**2).sum()
        assert sum((2 * h + 1) * (1 + (x > 0)) for x, h in enumerate(heights(radius))) == whole


@sizes
@pytest.mark.parametrize("length", [5, 11, 17, 25])
def test_a_gaussian_on_means_is_the_gaussian(
    side: int, length: int, chest_picture: Callable[..., Any]
) -> None:
    plane, scale = chest_picture(side)[..., 0], side / 224
    weights = kernels.stretch(length, scale) @ kernels.gauss(length, 0.3 * ((length - 1) / 2 - 1) + 0.8)
    away = np.abs(blur.gaussian_blur(plane, scale, RNG, length) - plainly(plane, np.outer(weights, weights)))

    assert away.mean() < 0.7
    assert away.max() < 3


@sizes
@pytest.mark.parametrize(("radius", "alias"), [(4, 0.1), (6, 0.3), (8, 0.5)])
def test_a_disc_on_means_is_the_disc(
    side: int, radius: int, alias: float, chest_picture: Callable[..., Any]
) -> None:
    plane, scale = chest_picture(side)[..., 0], side / 224
    ours = blur.defocus_blur(plane, scale, RNG, radius, alias)
    away = np.abs(ours - plainly(plane, kernels.disc(radius, alias, scale)))

    assert away.mean() < 0.7
    assert away.max() < 3


@sizes
@pytest.mark.parametrize(("largest", "by"), [(1.1, 0.01), (1.2, 0.02), (1.3, 0.03)])
def test_zoom_in_pairs_is_the_mean_of_all_enlargements(
    side: int, largest: float, by: float, chest_picture: Callable[..., Any]
) -> None:
    plane = chest_picture(side)[..., 0]
    source = plane.astype(np.float32)
    shown, how = [source], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for factor in 1 + by * np.arange(round((largest - 1) / by) + 1):
        away = (side - 1) / 2 * (1 - 1 / factor)
        turn = np.array([[1 / factor, 0, away], [0, 1 / factor, away]])
        shown.append(cv2.warpAffine(source, turn, (side, side), flags=how, borderMode=cv2.BORDER_REPLICATE))
    away = np.abs(blur.zoom_blur(plane, 1.0, RNG, largest, by) - np.mean(shown, axis=0))

    assert away.mean() < 0.5
    assert away.max() < 3
    assert np.abs(blur.zoom_blur(plane, 1.0, RNG, largest + 0.1, by) - np.mean(shown, axis=0)).mean() > 0.5


@pytest.mark.parametrize("k", [1, 2, 4, 8, 16])
def test_the_grid_adds_the_variance_that_is_said(k: int) -> None:
    # An impulse at every phase of the grid: what comes back is spread by the grid alone.
    side, found = 24 * k, []
    at = np.arange(side)
    for phase in range(k):
        plane = np.zeros((side, side), np.float32)
        plane[:, 12 * k + phase] = 1000
        row = on_means(plane, k, lambda means: means)[side // 2].astype(float)
        found.append(float((row * (at - 12 * k - phase) ** 2).sum() / row.sum()))

    assert np.mean(found) == pytest.approx(own_variance(k), abs=0.02 * k * k)


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (37, 41), (64, 64)])
@pytest.mark.parametrize("k", [1, 2, 4, 16])
def test_an_even_picture_of_any_size_comes_back(size: tuple[int, int], k: int) -> None:
    for shape in (size, (*size, 3)):
        even = np.full(shape, 137, np.uint8)
        assert (on_means(even, k, lambda means: means) == even).all()
        assert on_means(even, k, lambda means: means).shape == shape


def test_narrow_kernels_stay_on_the_picture_itself() -> None:
    assert [step(width, 1.4) for width in (0.5, 2.7, 2.8, 5.6, 13.3, 400)] == [1, 1, 2, 4, 8, 16]
