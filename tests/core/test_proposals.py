"""Boxes by name: grids cover, given ones are clipped, found ones lie on what stands out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.blobs import MOST, OVERLAP, blobs, union
from medaudit.case import Case, Region
from medaudit.errors import UsageError
from medaudit.image import ArrayImage
from medaudit.proposals import grid, proposer, within


def case(pixels: np.ndarray, *boxes: tuple[int, int, int, int]) -> Case:
    regions = tuple(Region("thing", box) for box in boxes)
    return Case("c", (ArrayImage(pixels),), "Is it?", "yes", ("yes", "no"), regions=regions)


def flat(height: int = 64, width: int = 96, grey: int = 40) -> np.ndarray:
    return np.full((height, width, 3), grey, dtype=np.uint8)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 32))
def test_a_grid_covers_every_pixel_once(height: int, width: int, side: int) -> None:
    covered = np.zeros((height, width), dtype=int)

    boxes = grid((height, width), side)

    for x0, y0, x1, y1 in boxes:
        covered[y0:y1, x0:x1] += 1
    assert (covered == 1).all()
    assert len(boxes) == min(side, height) * min(side, width)
    heights = {y1 - y0 for _, y0, _, y1 in boxes}
    assert max(heights) - min(heights) <= 1


def test_names_say_how_an_image_is_cut() -> None:
    assert proposer("quadrants")(case(flat(4, 6))) == ((0, 0, 3, 2), (3, 0, 6, 2), (0, 2, 3, 4), (3, 2, 6, 4))
    assert len(proposer("grid:5")(case(flat()))) == 25


@pytest.mark.parametrize("name", ["grid", "grid:0", "grid:33", "grid:x", "boxes", "", "foundd"])
def test_any_other_name_is_told_the_legal_ones(name: str) -> None:
    with pytest.raises(UsageError, match="grid:4"):
        proposer(name)


def test_given_boxes_are_cut_at_the_edges_and_named_once() -> None:
    boxes = (60, 10, 200, 30), (5, 5, 9, 9), (5, 5, 9, 9), (95, 0, 99, 20), (200, 0, 300, 9)

    assert proposer("given")(case(flat(), *boxes)) == ((60, 10, 96, 30), (5, 5, 9, 9))
    # Control: without boxes nothing is made up.
    assert proposer("given")(case(flat())) == ()
    assert within((0, 0, 1, 50), (64, 96)) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(6, 20), st.integers(0, 70), st.integers(0, 40), st.booleans())
def test_the_strongest_blob_lies_on_a_square(side: int, x: int, y: int, dark: bool) -> None:
    pixels = flat(grey=200 if dark else 40)
    pixels[y : y + side, x : x + side] = 20 if dark else 230

    boxes = blobs(pixels)

    x1, y1 = min(x + side, 96), min(y + side, 64)
    # All of it lies inside, so that painting the box over leaves nothing of it, and little else does.
    around = [box for box in boxes[:3] if box[0] <= x and box[1] <= y and box[2] >= x1 and box[3] >= y1]
    assert max(union(box, (x, y, x1, y1)) for box in around) > 0.15
    assert blobs(pixels) == boxes


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([(40, 70), (300, 500), (900, 90)]))
def test_blobs_are_few_apart_and_inside(seed: int, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (size[0] // 10, size[1] // 10, 1), dtype=np.uint8)
    pixels = np.repeat(coarse.repeat(10, 0).repeat(10, 1), 3, axis=2)

    boxes = blobs(pixels)

    assert 0 < len(boxes) <= MOST
    assert all(union(a, b) <= OVERLAP for a, b in combinations(boxes, 2))
    assert all(within(box, pixels.shape[:2]) == box for box in boxes)


def test_nothing_is_found_in_flat_pictures_and_in_faint_grain() -> None:
    faint = flat() + np.random.default_rng(0).integers(0, 4, (64, 96, 1), dtype=np.uint8)

    assert blobs(flat()) == ()
    assert blobs(faint) == ()
    assert blobs(flat(1, 1)) == ()
