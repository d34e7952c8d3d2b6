"""Edits touch their boxes alone and are named by all that they depend on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medaudit.errors import UsageError
from medaudit.image import ArrayImage, keyed_rng
from medaudit.repainting import KINDS, elsewhere, inserted, kept_alone, removed, rescaled

Box = tuple[int, int, int, int]


def noisy(height: int = 40, width: int = 60, seed: int = 0) -> ArrayImage:
    return ArrayImage(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@st.composite
def box_in(draw: st.DrawFn, height: int = 40, width: int = 60) -> Box:
    x0, y0 = draw(st.integers(0, width - 2)), draw(st.integers(0, height - 2))
    return x0, y0, draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))


def mask(*boxes: Box) -> np.ndarray:
    found = np.zeros((40, 60), dtype=bool)
    for x0, y0, x1, y1 in boxes:
        found[y0:y1, x0:x1] = True
    return found


@settings(max_examples=40, deadline=None)
@given(box_in(), box_in(), st.sampled_from(KINDS))
def test_removal_changes_its_boxes_and_nothing_else(a: Box, b: Box, kind: str) -> None:
    image = noisy()

    changed = removed(image, [a, b], kind)

    inside = mask(a, b)
    assert np.array_equal(changed.pixels()[~inside], image.pixels()[~inside])
    # Order is nothing, the kind and the boxes are all.
    assert changed.digest == removed(image, [b, a], kind).digest
    assert np.array_equal(changed.pixels(), removed(image, [b, a], kind).pixels())
    others = {removed(image, [a, b], other).digest for other in KINDS} | {removed(image, [a], kind).digest}
    assert len(others) == len(KINDS) + 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(40, 60), (700, 900)])
def test_a_mark_on_a_flat_ground_is_gone(kind: str, shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), 30, dtype=np.uint8)
    pixels[12:20, 12:20] = 250

    left = removed(ArrayImage(pixels), [(8, 8, 24, 24)], kind).pixels()

    # A blur smears a quarter of the light over the box; the other two leave none but rounding.
    assert left[8:24, 8:24].max() <= (160 if kind == "blur" else 36)
    # Control: the same edit elsewhere leaves the mark.
    beside = removed(ArrayImage(pixels), [(26, 8, 38, 24)], kind).pixels()
    assert beside[12:20, 12:20].min() == 250


@settings(max_examples=25, deadline=None)
@given(box_in(), st.sampled_from(["mean", "inpaint"]))
def test_what_lay_in_the_box_leaves_no_trace(box: Box, kind: str) -> None:
    image = noisy()
    assume(not mask(box).all())
    other = ArrayImage(np.where(mask(box)[..., None], np.uint8(255) - image.pixels(), image.pixels()))

    assert np.array_equal(removed(image, [box], kind).pixels(), removed(other, [box], kind).pixels())
    # Control: a blur, which looks at the box itself, keeps some.
    assert not np.array_equal(removed(image, [box], "blur").pixels(), removed(other, [box], "blur").pixels())


def test_the_mean_is_that_of_the_surround_and_no_bright_block_on_a_dark_border() -> None:
    pixels = np.full((40, 60, 3), 200, dtype=np.uint8)
    pixels[:20, :20] = 0

    assert removed(ArrayImage(pixels), [(2, 2, 12, 12)], "mean").pixels()[2:12, 2:12].max() == 0


@settings(max_examples=40, deadline=None)
@given(box_in(), box_in())
def test_insertion_shows_the_donors_patch_there_and_the_image_elsewhere(box: Box, source: Box) -> None:
    image, donor = noisy(), noisy(seed=1)

    changed = inserted(image, box, donor, source)

    inside = mask(box)
    assert np.array_equal(changed.pixels()[~inside], image.pixels()[~inside])
    if (box[2] - box[0], box[3] - box[1]) == (source[2] - source[0], source[3] - source[1]):
        patch = donor.pixels()[source[1] : source[3], source[0] : source[2]].reshape(-1, 3)
        assert np.array_equal(changed.pixels()[inside], patch)
    other = noisy(seed=2)
    assert len({changed.digest, inserted(image, box, other, source).digest, image.digest}) == 3


@settings(max_examples=40, deadline=None)
@given(box_in())
def test_a_region_kept_alone_tells_nothing_of_the_rest(box: Box) -> None:
    image = noisy()
    assume(not mask(box).all())

    alone = kept_alone(image, box).pixels()

    assert np.array_equal(alone[mask(box)], image.pixels()[mask(box)])
    assert len(np.unique(alone[~mask(box)], axis=0)) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(box_in(), min_size=1, max_size=3), st.integers(0, 99))
def test_boxes_elsewhere_have_equal_sides_and_touch_none_that_is_taken(boxes: list[Box], seed: int) -> None:
    found = elsewhere((40, 60), boxes, boxes, keyed_rng(seed))

    if found is None:
        assert mask(*boxes).mean() > 0.02
        return
    assert not (mask(*found) & mask(*boxes)).any()
    for own, other in zip(boxes, found, strict=True):
        assert (own[2] - own[0], own[3] - own[1]) == (other[2] - other[0], other[3] - other[1])
        assert min(other) >= 0
        assert (other[2] <= 60, other[3] <= 40) == (True, True)
    assert found == elsewhere((40, 60), boxes, boxes, keyed_rng(seed))


def test_a_box_over_half_of_the_image_has_no_room_elsewhere() -> None:
    assert elsewhere((40, 60), [(0, 0, 60, 25)], [(0, 0, 60, 25)], keyed_rng(0)) is None
    # Control: a quadrant has.
    assert elsewhere((40, 60), [(0, 0, 30, 20)], [(0, 0, 30, 20)], keyed_rng(0)) is not None


def test_the_same_place_in_an_image_of_another_size() -> None:
    assert rescaled((10, 5, 20, 10), (40, 60), (80, 120)) == (20, 10, 40, 20)
    assert rescaled((59, 39, 60, 40), (40, 60), (4, 6)) == (5, 3, 6, 4)


def test_mistakes_are_told() -> None:
    with pytest.raises(UsageError, match="inpaint"):
        removed(noisy(), [(0, 0, 4, 4)], "inpant")
    with pytest.raises(UsageError, match="no box"):
        removed(noisy(), [], "mean")
