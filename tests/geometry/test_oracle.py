"""Proof by painting: the token that answers is the one the map names, and wrong maps are found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.geometry import NoGrid, geometry_of
from medaudit.geometry.oracle import oracle
from medaudit.geometry.tokens import place_cells

Get = Callable[[str], Any]

WIDE, TALL = (60, 100), (100, 60)


@pytest.mark.parametrize("size", [WIDE, TALL])
@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("llava", "patch"),
        ("llava", "projector"),
        ("qwen", "patch"),
        ("qwen", "projector"),
        ("clip", "patch"),
        ("siglip", "patch"),
    ],
)
def test_a_painted_cell_is_answered_by_its_own_token(
    models: Get, name: str, stage: str, size: tuple[int, int]
) -> None:
    result = oracle(models(name), size, stage)

    assert result.tried >= 4
    assert result.rate == 1.0
    assert result.control == 0.0
    assert result.chance <= 0.25


def test_before_any_layer_mixes_tokens_nothing_else_changes(models: Get) -> None:
    assert oracle(models("qwen"), WIDE, "patch").outside < 1e-5
    # After the blocks everything changes a little: the measurement can tell the difference.
    assert oracle(models("qwen"), WIDE, "projector").outside > 1e-3


@pytest.mark.parametrize("stage", ["patch", "projector"])
def test_a_transposed_map_is_found_out(models: Get, stage: str) -> None:
    model = models("qwen")
    right = geometry_of(model).token_map(WIDE, stage)
    (view,) = right.views
    rows, columns = view.grid or view.patches
    # As if a sequence in reading order were read column by column.
    reading = right.places[:, 1] * columns + right.places[:, 2]
    places = np.stack([right.places[:, 0], reading % rows, reading // rows], axis=1).astype(np.int32)
    wrong = replace(right, places=places, cells=place_cells(right.views, places))

    result = oracle(model, WIDE, stage, judged=wrong)

    assert result.rate <= 0.5


def test_a_map_shifted_by_one_token_is_found_out(models: Get) -> None:
    model = models("qwen")
    right = geometry_of(model).token_map(WIDE, "patch")
    wrong = replace(right, places=np.roll(right.places, 1, axis=0), cells=np.roll(right.cells, 1, axis=0))

    assert oracle(model, WIDE, "patch", judged=wrong).rate == 0.0


def test_a_map_of_another_size_is_refused(models: Get) -> None:
    model = models("qwen")

    with pytest.raises(NoGrid, match="the map has"):
        oracle(model, WIDE, judged=geometry_of(model).token_map((56, 56)))
