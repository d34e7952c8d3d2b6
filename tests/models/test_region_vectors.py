"""Vectors of regions: the right tokens, from one pass, moved by what lies in them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medaudit.architectures import build
from medaudit.errors import NotApplicableError
from medaudit.geometry import NoGrid, TokenMap, View, geometry_of
from medaudit.geometry.grids import row_major
from medaudit.geometry.tokens import place_cells
from medaudit.image import ArrayImage, keyed_rng
from medaudit.model import Capability, Request
from medaudit.models import load_model
from medaudit.models.regions import region_means, region_weights
from medaudit.testing import context_for

pytestmark = pytest.mark.filterwarnings("ignore")

PHANTOMS = ("phantom:clip-clean", "phantom:clean")
CORNERS = [(0, 0, 32, 32), (64, 0, 96, 32), (0, 64, 32, 96), (64, 64, 96, 96)]
WHOLE = (0, 0, 96, 96)

load = cache(load_model)


def mosaic(number: int, height: int = 96, width: int = 96) -> np.ndarray:
    """Coarse random colours, away from black and white."""
    coarse = keyed_rng("mosaic", number).integers(
        60, 196, (-(-height // 8), -(-width // 8), 3), dtype=np.uint8
    )
    return np.repeat(np.repeat(coarse, 8, axis=0), 8, axis=1)[:height, :width]


def regions(model: Any, pixels: np.ndarray, boxes: list[tuple[int, int, int, int]], where: str = "") -> Any:
    return context_for([], model).embed([ArrayImage(pixels)], boxes=[boxes], where=where)[0]


def grid(rows: int, columns: int, height: int, width: int, beyond: float = 0.0) -> TokenMap:
    """A grid over an image, ``beyond`` pixels past its right edge, behind one token of no place."""
    views = (View((0, 0, width + beyond, height), (rows, columns), (rows, columns), "whole"),)
    places = np.concatenate([[[-1, -1, -1]], row_major(views)]).astype(np.int32)
    return TokenMap((height, width), "projector", views, places, place_cells(views, places))


edges = st.integers(0, 60)


@given(
    st.integers(1, 6), st.integers(1, 6), st.lists(st.tuples(edges, edges, edges, edges), min_size=1), edges
)
def test_weights_are_shares_of_the_box(
    rows: int, columns: int, corners: list[tuple[int, int, int, int]], beyond: int
) -> None:
    tokens = grid(rows, columns, 40, 60, beyond)
    boxes = [(min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1) for a, b, c, d in corners]
    weights = region_weights(tokens, boxes)

    for box, row in zip(boxes, weights, strict=True):
        looking = tokens.tokens(box)
        if not looking or box[1] >= 40 or box[0] >= 60:
            assert np.isnan(row).all()
            continue
        assert row.sum() == pytest.approx(1)
        assert (row >= 0).all()
        assert set(np.flatnonzero(row > 1e-9)) <= set(looking)
    order = np.random.default_rng(0).permutation(len(boxes))
    assert np.array_equal(region_weights(tokens, [boxes[i] for i in order]), weights[order], equal_nan=True)


def test_the_whole_image_gives_every_token_that_sees_it_the_same_weight() -> None:
    for beyond in (0.0, 25.0):
        (row,) = region_weights(grid(4, 6, 40, 60, beyond), [(0, 0, 60, 40)])
        seeing = row > 0
        assert row[seeing] == pytest.approx(1 / seeing.sum())
        assert not seeing[0]
        assert seeing.sum() == (24 if beyond == 0 else 20)
    # A box over one and a half cells: the half counts half.
    (row,) = region_weights(grid(4, 6, 40, 60), [(0, 0, 15, 10)])
    assert row[1:3] == pytest.approx([2 / 3, 1 / 3])
    # Control: half a row of cells is not the whole.
    (row,) = region_weights(grid(4, 6, 40, 60), [(0, 0, 60, 20)])
    assert (row > 0).sum() == 12


def test_an_unseen_box_is_unknown_and_a_broken_token_is_an_error() -> None:
    weights = region_weights(grid(1, 2, 10, 20), [(0, 0, 10, 10), (30, 0, 40, 10)])
    states = np.array([[9.0], [1.0], [2.0]])

    means = region_means(states, weights)
    assert means[0] == 1.0
    assert np.isnan(means[1])
    with pytest.raises(ValueError, match="not finite"):
        region_means(np.array([[9.0], [np.nan], [2.0]]), weights)


@pytest.mark.parametrize("name", PHANTOMS)
@pytest.mark.parametrize("where", ["", "tower"])
def test_a_square_moves_its_own_region_most(name: str, where: str) -> None:
    model, ratios, still = load(name), [], []
    for number in range(2):
        pixels = mosaic(number)
        before = regions(model, pixels, CORNERS, where)
        for place, (x0, y0, x1, y1) in enumerate(CORNERS):
            painted = pixels.copy()
            painted[y0 + 4 : y1 - 4, x0 + 4 : x1 - 4] = 255
            moved = np.linalg.norm(regions(model, painted, CORNERS, where) - before, axis=1)
            ratios.append(moved[place] / np.delete(moved, place).max())
        still.append(np.abs(regions(model, pixels.copy(), CORNERS, where) - before).max())

    assert min(ratios) > 1
    assert np.median(ratios) > 2
    assert max(still) == 0  # control: nothing painted, nothing moved


@pytest.mark.parametrize("name", PHANTOMS)
@pytest.mark.parametrize("where", ["", "tower"])
def test_rows_follow_boxes_and_batches_change_nothing(name: str, where: str) -> None:
    model = load(name)
    boxes = [*CORNERS, WHOLE, (40, 40, 47, 43)]
    one = regions(model, mosaic(0), boxes, where)
    turned = regions(model, mosaic(0), boxes[::-1], where)

    assert turned[::-1] == pytest.approx(one, abs=1e-5)
    assert np.abs(turned - one).max() > 1e-2  # control: the order matters
    images = [ArrayImage(mosaic(0)), ArrayImage(mosaic(1, 80, 120))]
    together = context_for([], model).embed(images, boxes=[boxes, [(0, 0, 120, 80)]], where=where)
    assert together[0] == pytest.approx(one, abs=1e-5)
    assert together[1].shape == (1, one.shape[1])


def test_the_whole_image_is_the_mean_of_all_tokens() -> None:
    import torch

    image = ArrayImage(mosaic(0))
    model = load("phantom:clean")
    ctx = context_for([], model)
    (whole,) = ctx.embed([image], boxes=[[WHOLE]], where="projector")
    assert whole == pytest.approx(ctx.embed([image], where="projector"), abs=1e-5)

    model = load("phantom:clip-clean")
    pixels = model.placed_pixels([image])
    with torch.inference_mode():
        states = model.network.vision_model(**pixels).last_hidden_state[0]
        head = model.network.vision_model.post_layernorm, model.network.visual_projection
        expected = [head[1](head[0](tokens.mean(dim=0))) for tokens in (states[1:], states)]
    unit, with_class_token = ((vector / vector.norm()).numpy() for vector in expected)
    (whole,) = context_for([], model).embed([image], boxes=[[WHOLE]])
    assert whole[0] == pytest.approx(unit, abs=1e-5)
    assert np.abs(whole[0] - with_class_token).max() > 1e-4  # control: the class token is no place


def test_many_regions_cost_one_pass_of_the_blocks() -> None:
    model = load("phantom:clip-clean")
    image = ArrayImage(mosaic(3))
    context_for([], model).embed([image], boxes=[[WHOLE]])  # proved and measured
    rows: list[int] = []
    attention = model.network.vision_model.encoder.layers[0].self_attn
    handle = attention.register_forward_hook(lambda _, __, output: rows.append(len(output[0])))
    try:
        context_for([], model).embed([image], boxes=[[(x, 0, x + 8, 96) for x in range(0, 88)]])
        assert rows == [1]
        context_for([], model).embed([image, ArrayImage(mosaic(4))])
        assert rows == [1, 2]  # control: the hook counts images
    finally:
        handle.remove()
    assert "forward" not in model.network.vision_model.encoder.layers[0].__dict__


def test_a_border_that_is_cropped_away_is_unknown(tmp_path: Path) -> None:
    model = load_model(str(build("clip", tmp_path, contrastive=True)))
    size = (60, 200)
    assert geometry_of(model).token_map(size, "patch").tokens((0, 0, 10, 60)) == []

    found = regions(model, mosaic(0, *size), [(0, 0, 10, 60), (90, 10, 110, 50)])

    assert np.isnan(found).any(axis=1).tolist() == [True, False]


def test_types_without_places_say_why(tmp_path: Path) -> None:
    image = ArrayImage(mosaic(0))
    resampled = load_model(str(build("blip-2", tmp_path / "blip-2")))
    ctx = context_for([], resampled)
    with pytest.raises(NoGrid, match="learned queries"):
        ctx.embed([image], boxes=[[WHOLE]])
    convolutional = load_model(str(build("align", tmp_path / "align", contrastive=True)))
    with pytest.raises(NotApplicableError, match="convolutional"):
        context_for([], convolutional).embed([image], boxes=[[WHOLE]])
    # Control: its tower has a grid, and whole images are embedded anywhere.
    assert ctx.embed([image], boxes=[[WHOLE]], where="tower")[0].shape[0] == 1
    assert len(ctx.embed([image])) == 1


@pytest.mark.parametrize("kind", ["siglip", "blip-2"])
def test_learned_pooling_is_the_model_s_own(kind: str, tmp_path: Path) -> None:
    """Given the states of an image, the head gives the image's own vector, which is checked first."""
    model = load_model(str(build(kind, tmp_path, contrastive=True)))
    found = regions(model, mosaic(0), [*CORNERS, (0, 0, 96, 48)])

    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-3)
    assert model.embedder._head._proved
    # Control: a model whose vectors come from elsewhere is refused.
    model.embedder._head._proved = False
    original = model._image_vectors
    calls: list[int] = []

    def drifting(pixels: Any) -> Any:
        calls.append(1)
        return original(pixels) if len(calls) == 1 else original(pixels).flip(-1)

    model._image_vectors = drifting
    asked = Request(Capability.EMBED, (ArrayImage(mosaic(0)),), "", boxes=(WHOLE,))
    with pytest.raises(NotApplicableError, match="more than its last block"):
        model.answer(model.prepare([asked]))
