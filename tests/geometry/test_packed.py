"""Grids read off rows of patches, whatever order they come in."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from medaudit.geometry.ramps import measure
from medaudit.geometry.views import layout

SIDE = 7


def stubs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("packed_stubs", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STUBS = stubs()


def patches(pixels: Any, rows: int, columns: int) -> Any:
    """Patches (rows, columns, 3 * 7 * 7) of a picture squeezed to whole patches."""
    picture = STUBS.planes(STUBS.resized(pixels, rows * SIDE, columns * SIDE))["pixel_values"][0]
    cut = picture.reshape(3, rows, SIDE, columns, SIDE)
    return cut.transpose(1, 3, 0, 2, 4).reshape(rows, columns, -1)


def merge_order(pixels: Any) -> Any:
    """Blocks of 2 x 2 patches one after the other, as a tower with a merger takes them."""
    grid = patches(pixels, 4, 6).reshape(2, 2, 3, 2, -1)
    return {"pixel_values": grid.transpose(0, 2, 1, 3, 4).reshape(24, -1)}


def padded(pixels: Any) -> Any:
    """Rows of padding to a fixed length; pixels before channels inside a patch."""
    flat = patches(pixels, 3, 5).reshape(15, 3, 49).transpose(0, 2, 1).reshape(15, -1)
    return {"pixel_values": np.concatenate([flat, np.zeros((9, 147))])[None]}


def test_merge_order_is_read_off_the_pixels() -> None:
    found = layout(measure(merge_order, (56, 84)), (56, 84), SIDE)

    assert found.views[0].patches == (4, 6)
    assert found.views[0].frame == pytest.approx((0, 0, 84, 56))
    assert found.places is not None
    assert found.places[:8, 1:].tolist() == [
        [0, 0], [0, 1], [1, 0], [1, 1], [0, 2], [0, 3], [1, 2], [1, 3],
    ]  # fmt: skip


def test_any_order_of_patches_is_read_off_the_pixels() -> None:
    order = np.random.default_rng(3).permutation(24)

    def process(pixels: Any) -> Any:
        return {"pixel_values": patches(pixels, 4, 6).reshape(24, -1)[order]}

    found = layout(measure(process, (301, 517)), (301, 517), SIDE)

    assert found.places is not None
    assert (found.places[:, 1] * 6 + found.places[:, 2]).tolist() == order.tolist()


def test_padding_rows_have_no_place_and_the_layout_inside_a_patch_does_not_matter() -> None:
    found = layout(measure(padded, (60, 100)), (60, 100), SIDE)

    assert found.places is not None
    assert found.views[0].patches == (3, 5)
    assert (found.places[15:] == -1).all()
    # Element 0 is the corner of the patch, element 1 its green: both at column 0, row 0.
    assert found.source.column[0, 0, :6].tolist() == [0, 0, 0, 1, 1, 1]
    assert found.source.x[0, 0, 0] == pytest.approx(0.5 * 100 / 35)


def test_a_table_of_grid_sizes_cuts_rows_into_views() -> None:
    import torch

    def process(pixels: Any) -> Any:
        whole, left = patches(pixels, 2, 4), patches(pixels[:, : pixels.shape[1] // 2], 4, 4)
        rows = np.concatenate([whole.reshape(8, -1), left.reshape(16, -1)])
        return {"pixel_values": rows, "any_name": torch.tensor([[2, 4], [4, 4]])}

    found = layout(measure(process, (60, 120)), (60, 120), SIDE)

    assert [view.frame for view in found.views] == [
        pytest.approx((0, 0, 120, 60)),
        pytest.approx((0, 0, 60, 60), abs=0.2),
    ]
    assert [view.patches for view in found.views] == [(2, 4), (4, 4)]


def test_patches_laid_out_as_a_strip_are_placed_and_scattered_alike() -> None:
    import torch

    def process(pixels: Any) -> Any:
        rows = patches(pixels, 3, 5).reshape(15, 3, SIDE, SIDE)
        strip = rows.transpose(1, 2, 0, 3).reshape(1, 3, SIDE, 15 * SIDE)
        return {"pixel_values": strip, "sizes": torch.tensor([[3, 5]])}

    found = layout(measure(process, (60, 100)), (60, 100), SIDE)
    marked = np.zeros(found.source.shape)
    marked[..., 7 * SIDE : 8 * SIDE] = 1  # patch 7: second row, third column

    heat = found.source.scatter(marked)

    assert found.views[0].patches == (3, 5)
    assert heat[20:40, 40:60].sum() == pytest.approx(3 * 49)
    assert heat.sum() == pytest.approx(3 * 49)


def test_a_plane_a_patch_with_its_channels_last_is_placed() -> None:
    import torch

    def process(pixels: Any) -> Any:
        rows = patches(pixels, 3, 5).reshape(15, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
        return {"pixel_values": rows, "grid": torch.tensor([[1, 3, 5]])}

    found = layout(measure(process, (60, 100)), (60, 100), None)

    assert found.views[0].patches == (3, 5)
    assert found.places is not None
    assert found.places[7].tolist() == [0, 1, 2]
    assert found.source.y[7, 0, 0, 0] == pytest.approx(20 + 0.5 * 20 / 7)
