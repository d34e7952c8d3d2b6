"""Where processed pixels come from, on processors whose arithmetic is known on paper."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.geometry import NoGrid
from medaudit.geometry.ramps import measure
from medaudit.geometry.views import layout


def stubs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("geometry_stubs", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STUBS = stubs()


def seen(process: Any, size: tuple[int, int], patch: int | None = 14) -> Any:
    return layout(measure(process, size), size, patch)


def test_a_squeezed_image_is_seen_whole() -> None:
    (view,) = seen(STUBS.square(56), (60, 100)).views

    assert view.frame == pytest.approx((0, 0, 100, 60))
    assert view.patches == (4, 4)
    assert view.name == "whole"


def test_a_centre_crop_loses_the_outer_quarters_of_a_double_wide_image() -> None:
    # 100 x 200 becomes 28 x 56; columns 14 to 42 stay, which are 50 to 150 of the original.
    (view,) = seen(STUBS.cropped(28), (100, 200)).views

    assert view.frame == pytest.approx((50, 0, 150, 100), abs=0.1)
    assert view.name == "part"


def test_a_letterbox_reaches_beyond_the_image() -> None:
    (view,) = seen(STUBS.letterboxed(56), (50, 100)).views

    # 28 of 56 rows are image, 14 above and 14 below are bars: 25 original pixels each.
    assert view.frame == pytest.approx((0, -25, 100, 75), abs=0.1)


def test_patches_that_do_not_fill_the_plane_leave_a_border_unseen() -> None:
    (view,) = seen(STUBS.square(60), (60, 60)).views

    assert view.patches == (4, 4)
    assert view.frame == pytest.approx((0, 0, 56, 56))


def test_tiles_and_a_thumbnail_are_views_and_a_tile_of_padding_is_none() -> None:
    def process(pixels: Any) -> Any:
        wide = STUBS.resized(pixels, 56, 112)
        thumbnail = STUBS.resized(pixels, 56, 56)
        return STUBS.planes(wide[:, :56], wide[:, 56:], np.zeros_like(thumbnail), thumbnail)

    found = seen(process, (80, 160))

    frames = [view.frame for view in found.views]
    assert frames == [
        pytest.approx((0, 0, 80, 80), abs=0.1),
        pytest.approx((80, 0, 160, 80), abs=0.1),
        pytest.approx((0, 0, 160, 80)),
    ]
    assert [view.name for view in found.views] == ["part", "part", "whole"]
    # The third of four planes is padding: its sixteen patches have no place, those after it do.
    assert (found.places[32:48] == -1).all()
    assert found.places[48].tolist() == [2, 0, 0]


def test_a_sliver_of_image_in_a_tile_takes_its_scale_from_the_other_axis() -> None:
    def process(pixels: Any) -> Any:
        board = np.zeros((56, 112, 3), dtype=np.uint8)
        board[:, :58] = STUBS.resized(pixels, 56, 58)
        return STUBS.planes(board[:, :56], board[:, 56:])

    _, sliver = seen(process, (112, 116)).views

    assert sliver.frame == pytest.approx((112, 0, 224, 112), abs=1.5)


def test_a_mirrored_image_is_seen_in_order() -> None:
    found = seen(lambda pixels: STUBS.planes(pixels[:, ::-1]), (56, 56))

    assert found.views[0].frame == pytest.approx((0, 0, 56, 56))
    assert found.source.x[0, 0, 0, 0] == pytest.approx(55.5)


def test_an_image_standardised_by_itself_is_placed_too() -> None:
    def process(pixels: Any) -> Any:
        grey = np.asarray(STUBS.resized(pixels, 56, 56), dtype=np.float64)
        spread = grey.std()
        even = (grey - grey.mean()) / (spread if spread > 0 else 1.0)
        return {"pixel_values": even.transpose(2, 0, 1)[None]}

    (view,) = seen(process, (60, 100)).views

    assert view.frame == pytest.approx((0, 0, 100, 60), abs=0.5)


@pytest.mark.parametrize(
    ("process", "why"),
    [
        (lambda pixels: STUBS.planes(pixels.swapaxes(0, 1)), "bends or turns"),
        (lambda pixels: STUBS.planes(np.roll(pixels, 20, axis=1)), "bends or turns"),
        (lambda pixels: {"input_ids": np.zeros(3)}, "no pixels"),
        (lambda pixels: STUBS.planes(np.zeros((56, 56, 3))), "do not depend"),
        (lambda pixels: STUBS.planes(pixels[: 28 + 28 * (pixels[0, 0, 0] > 0)]), "content"),
    ],
)
def test_what_has_no_straight_map_is_refused(process: Any, why: str) -> None:
    with pytest.raises(NoGrid, match=why):
        seen(process, (56, 70))


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(30, 400), width=st.integers(30, 400), kind=st.sampled_from(["cropped", "letterboxed"])
)
def test_any_size_comes_back_to_the_frame_that_the_arithmetic_gives(
    height: int, width: int, kind: str
) -> None:
    side = 56
    (view,) = seen(getattr(STUBS, kind)(side), (height, width)).views
    edge = min(height, width) if kind == "cropped" else max(height, width)
    rows, columns = round(height * side / edge), round(width * side / edge)
    top, left = (rows - side) // 2, (columns - side) // 2
    if kind == "letterboxed":
        top, left = -((side - rows) // 2), -((side - columns) // 2)
    down, across = height / rows, width / columns

    expected = (left * across, top * down, (left + side) * across, (top + side) * down)
    assert view.frame == pytest.approx(expected, abs=0.2 * max(down, across, 1))


@settings(max_examples=20, deadline=None)
@given(height=st.integers(20, 120), width=st.integers(20, 120), seed=st.integers(0, 99))
def test_spreading_a_gradient_keeps_its_sum_and_stays_in_its_place(
    height: int, width: int, seed: int
) -> None:
    source = seen(STUBS.square(56), (height, width)).source
    values = np.random.default_rng(seed).standard_normal(source.shape)

    heat = source.scatter(values)
    corner = np.zeros(source.shape)
    corner[..., :28, 28:] = 1

    assert heat.shape == (height, width)
    assert heat.sum() == pytest.approx(values.sum(), abs=1e-6)
    spot = source.scatter(corner)
    assert spot[: height // 2, (width + 1) // 2 :].sum() > 0.9 * corner.sum()
    assert spot[(height + 1) // 2 :].sum() == pytest.approx(0, abs=1e-6)


def test_a_second_tensor_of_local_views_follows_the_first() -> None:
    def process(pixels: Any) -> Any:
        wide = STUBS.resized(pixels, 28, 56)
        local = STUBS.planes(wide[:, :28], wide[:, 28:])["pixel_values"]
        return {**STUBS.square(56)(pixels), "pixel_values_local": local}

    found = seen(process, (50, 100))

    assert [view.patches for view in found.views] == [(4, 4), (2, 2), (2, 2)]
    assert found.views[2].frame == pytest.approx((50, 0, 100, 50), abs=0.1)
    assert found.places[16].tolist() == [1, 0, 0]
    # The source map is that of the first tensor.
    assert found.source.shape == (1, 3, 56, 56)


def test_ringing_beside_white_bars_is_no_witness() -> None:
    def process(pixels: Any) -> Any:
        board = np.full((60, 100, 3), 255, dtype=np.uint8)
        board[:, :80] = pixels
        return STUBS.planes(STUBS.resized(board, 120, 200))

    (view,) = seen(process, (60, 80), 20).views

    assert view.frame == pytest.approx((0, 0, 100, 60), abs=0.2)
