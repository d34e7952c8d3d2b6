"""Counts of tokens to grids, with numbers that the types' papers and code give."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.geometry import NoGrid, View
from medaudit.geometry.arrangements import arrange


def view(rows: int, columns: int, frame: tuple[float, float, float, float] | None = None) -> View:
    whole = (0.0, 0.0, float(columns), float(rows)) if frame is None else frame
    return View(whole, (rows, columns), None, "whole")


@pytest.mark.parametrize(
    ("patches", "tokens", "grids"),
    [
        ([(24, 24)], 576, [(24, 24)]),  # LLaVA 1.5: a token a patch
        ([(64, 64)], 256, [(16, 16)]),  # Gemma 3: 4 x 4 pooled
        ([(32, 32)] * 3, 768, [(16, 16)] * 3),  # InternVL: 448 px tiles, pixel shuffle
        ([(4, 6)], 6, [(2, 3)]),  # Qwen2-VL: 56 x 84 pixels
        ([(14, 22), (8, 12)], 77 + 24, [(7, 11), (4, 6)]),  # views of different sizes, one merge
        ([(5, 7)], 12, [(3, 4)]),  # the last block of a row is cut short
        ([(9, 15)], 60, [(6, 10)]),  # pooled to a fixed number, 1.5 patches a side
    ],
)
def test_the_merge_factor_falls_out_of_the_count(
    patches: list[tuple[int, int]], tokens: int, grids: list[tuple[int, int]]
) -> None:
    views, places = arrange("any", [view(*sides) for sides in patches], tokens, (1, 1))

    assert [found.grid for found in views] == grids
    assert len(places) == tokens
    columns = grids[0][1]
    assert places[columns - 1].tolist() == [0, 0, columns - 1]


def test_a_block_cut_short_keeps_its_neighbours_in_place() -> None:
    views, _ = arrange("any", [view(5, 7)], 12, (5, 7))

    assert views[0].frame == pytest.approx((0, 0, 8, 6))


def test_a_count_that_forms_no_grid_is_refused() -> None:
    with pytest.raises(NoGrid, match="33 image tokens do not form"):
        arrange("any", [view(8, 8)], 33, (8, 8))


def tiles(canvas: tuple[float, float, float, float], down: int, across: int) -> list[View]:
    """24 x 24 patches each, over a canvas that may be wider or higher than the image."""
    x0, y0, x1, y1 = canvas
    wide, high = (x1 - x0) / across, (y1 - y0) / down
    return [
        view(24, 24, (x0 + c * wide, y0 + r * high, x0 + (c + 1) * wide, y0 + (r + 1) * high))
        for r in range(down)
        for c in range(across)
    ]


def test_llava_next_joins_its_tiles_and_drops_their_padding() -> None:
    # 640 x 480 on a canvas of 672 x 672: of 48 rows, 36 hold image; every row ends in a separator.
    size = (480, 640)
    views = [view(24, 24, (0, 0, 640, 480)), *tiles((0, -80, 640, 560), 2, 2)]

    found, places = arrange("llava_next", views, 576 + 36 * 49, size)

    assert [one.grid for one in found] == [(24, 24), (36, 48)]
    assert found[1].frame == pytest.approx((0, 0, 640, 480))
    assert places[576].tolist() == [1, 0, 0]
    assert places[576 + 48].tolist() == [-1, -1, -1]
    assert places[576 + 49].tolist() == [1, 1, 0]
    assert (places[:, 0] == -1).sum() == 36


def test_a_tall_image_loses_columns_instead() -> None:
    views = [view(24, 24, (0, 0, 480, 640)), *tiles((-80, 0, 560, 640), 2, 2)]

    found, _ = arrange("llava_next", views, 576 + 48 * 37, (640, 480))

    assert found[1].grid == (48, 36)
    assert found[1].frame == pytest.approx((0, 0, 480, 640))


def test_more_than_nine_tiles_are_shrunk() -> None:
    # 4 x 4 tiles: 96 x 96 shrinks by sqrt(16 / 9) to 72 x 72.
    views = [view(24, 24, (0, 0, 960, 960)), *tiles((0, 0, 960, 960), 4, 4)]

    found, places = arrange("llava_onevision", views, 576 + 72 * 73, (960, 960))

    assert found[1].grid == (72, 72)
    assert len(places) == 576 + 72 * 73


def test_an_image_without_tiles_ends_in_one_separator() -> None:
    found, places = arrange("llava_onevision", [view(24, 24)], 577, (24, 24))

    assert found[0].grid == (24, 24)
    assert places[-1].tolist() == [-1, -1, -1]


def test_a_pooled_token_and_separators_have_no_place() -> None:
    _, pooled = arrange("florence2", [view(24, 24)], 577, (24, 24))
    _, closed = arrange("unlimited_ocr", [view(16, 16)], 16 * 17 + 1, (16, 16))

    assert pooled[:2].tolist() == [[-1, -1, -1], [0, 0, 0]]
    assert np.flatnonzero(closed[:, 0] == -1).tolist() == [*range(16, 16 * 17, 17), 16 * 17]


def test_local_tiles_come_before_the_whole_image() -> None:
    # DeepSeek-OCR with 2 x 3 tiles of 10 x 10 tokens and a global view of 16 x 16:
    # (10 * 2)(10 * 3 + 1) + 16 * 17 + 1 positions, at one token a 4 x 4 patches.
    views = [
        view(64, 64, (0, 0, 90, 60)),
        *(view(40, 40, (30 * c, 30 * r, 30 * c + 30, 30 * r + 30)) for r in range(2) for c in range(3)),
    ]

    found, places = arrange("unlimited_ocr", views, 20 * 31 + 16 * 17 + 1, (60, 90))

    assert [one.grid for one in found] == [(20, 30), (16, 16)]
    assert places[30].tolist() == [-1, -1, -1]
    assert places[31].tolist() == [0, 1, 0]
    assert places[20 * 31].tolist() == [1, 0, 0]
    assert places[-1].tolist() == [-1, -1, -1]


def test_rows_between_a_begin_and_an_end() -> None:
    _, places = arrange("hunyuan_vl", [view(8, 12)], 1 + 4 * 7 + 1, (8, 12))

    assert np.flatnonzero(places[:, 0] == -1).tolist() == [0, 7, 14, 21, 28, 29]


def test_tiles_cut_where_the_image_ends_come_before_a_separator_and_the_whole() -> None:
    # Two 32 x 32 patch tiles side by side, 6 of 32 merged columns beyond the image.
    views = [view(32, 32, (0, 0, 120, 60)), *tiles((0, 0, 120, 60), 1, 2)]
    views[1:] = [view(32, 32, one.frame) for one in views[1:]]

    found, places = arrange("phi4_multimodal", views, 16 * 27 + 1 + 16 * 17, (60, 100))

    assert [one.grid for one in found] == [(16, 26), (16, 16)]
    assert found[0].frame == pytest.approx((0, 0, 97.5, 60))
    assert places[16 * 27].tolist() == [-1, -1, -1]
    assert places[16 * 27 + 1].tolist() == [1, 0, 0]


def test_the_whole_image_may_come_last() -> None:
    found, places = arrange("step3p7", [view(12, 12), view(8, 8), view(8, 8)], 4 + 4 + 9, (12, 12))

    assert [one.grid for one in found] == [(2, 2), (2, 2), (3, 3)]
    assert places[8].tolist() == [2, 0, 0]
