"""Types whose images become tiles, sequences or nothing that can be placed, as tiny checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.architectures.build import build
from medaudit.geometry import NoGrid, TokenMap, View, geometry_of
from medaudit.geometry.grids import row_major
from medaudit.geometry.oracle import oracle
from medaudit.geometry.tokens import place_cells
from medaudit.models import load_model

WIDE = (60, 100)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    loaded: dict[str, Any] = {}

    def get(kind: str) -> Any:
        if kind not in loaded:
            folder: Path = tmp_path_factory.mktemp(kind)
            loaded[kind] = load_model(str(build(kind, folder)))
        return loaded[kind]

    return get


@pytest.mark.parametrize("kind", ["llava_next", "mllama", "gemma3"])
@pytest.mark.parametrize("stage", ["patch", "projector"])
def test_tiles_sequences_and_pools_are_placed_right(
    built: Callable[[str], Any], kind: str, stage: str
) -> None:
    result = oracle(built(kind), WIDE, stage)

    assert result.tried == 12
    assert result.rate == 1.0
    assert result.control <= 0.1
    assert result.chance < 0.3


def test_overlapping_tiles_are_one_grid(built: Callable[[str], Any]) -> None:
    tokens = geometry_of(built("molmo2")).token_map(WIDE, "projector")

    # Two tiles of 3 x 3 tokens over 100 x 60 pixels overlap in a column: 3 x 5 are left.
    assert [view.grid for view in tokens.views] == [(3, 3), (3, 5)]
    assert oracle(built("molmo2"), WIDE, "projector").rate == 1.0


def test_channels_last_patches_with_a_column_of_padding_are_placed(built: Callable[[str], Any]) -> None:
    model = built("inkling_mm_model")
    tokens = geometry_of(model).token_map(WIDE, "projector")

    # 60 x 100 in patches of 20: 3 x 5, and one more column that shows nothing.
    assert len(tokens) == 18
    assert [tokens.box(token) is None for token in (4, 5, 11, 17)] == [False, True, True, True]
    assert oracle(model, WIDE, "projector").rate == 1.0


def test_a_token_that_shares_patches_needs_a_radius(built: Callable[[str], Any]) -> None:
    geometry = geometry_of(built("got_ocr2"))

    assert (geometry.reach("projector"), geometry.reach("patch")) == (1, 0)
    assert geometry_of(built("llava_next")).reach() == 0  # control: no convolution overlaps


def test_a_box_is_found_in_the_whole_image_and_in_its_tiles(built: Callable[[str], Any]) -> None:
    tokens = geometry_of(built("llava_next")).token_map(WIDE, "projector")
    named = tokens.tokens((40, 20, 60, 40))

    assert {int(tokens.places[token, 0]) for token in named} == {0, 1}
    # The separator after every row of tiles is nobody's.
    rows = tokens.views[1].grid
    assert rows is not None
    assert (tokens.places[:, 0] == -1).sum() == rows[0]


def test_a_cross_attended_tower_keeps_a_class_token_a_tile(built: Callable[[str], Any]) -> None:
    tokens = geometry_of(built("mllama")).token_map(WIDE, "projector")
    rows, columns = tokens.views[0].patches

    assert tokens.box(0) is None
    assert tokens.places[1].tolist() == [0, 0, 0]
    assert tokens.box(1 + rows * columns) is None


def test_a_resampler_says_so_and_a_guessed_grid_is_near_chance(built: Callable[[str], Any]) -> None:
    model = built("idefics2")
    geometry = geometry_of(model)
    with pytest.raises(NoGrid, match="look at the whole image"):
        geometry.token_map(WIDE, "projector")
    (shown,) = geometry.process(np.zeros((*WIDE, 3), dtype=np.uint8))["input_ids"]
    number = int((shown == model.network.config.image_token_id).sum())
    side = int(number**0.5)
    assert side * side == number
    view = View((0.0, 0.0, 100.0, 60.0), (side, side), (side, side), "guess")
    places = row_major([view])
    guess = TokenMap(WIDE, "projector", (view,), places, place_cells([view], places))

    result = oracle(model, WIDE, "projector", judged=guess)

    assert result.tried == 12
    assert result.rate <= 0.34
    # The patches before the resampler are placed all the same.
    assert oracle(model, WIDE, "patch").rate == 1.0


def test_a_convolutional_tower_is_judged_by_its_last_feature_map(built: Callable[[str], Any]) -> None:
    model = built("florence2")
    tokens = geometry_of(model).token_map(WIDE, "projector")

    result = oracle(model, WIDE, "projector")
    transposed = tokens.places[:, [0, 2, 1]]
    wrong = replace(tokens, places=transposed, cells=place_cells(tokens.views, transposed))

    assert result.disturbed == "feature map"
    assert result.rate == 1.0
    assert result.outside < 1e-5
    # The pooled token in front has no place.
    assert tokens.box(0) is None
    assert oracle(model, WIDE, "projector", judged=wrong).rate < 0.5
    with pytest.raises(NoGrid, match="without patches"):
        geometry_of(model).token_map(WIDE, "patch")
