"""Resampling and JPEG 2000 lose detail by what they declare, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.shifts.compression import encoded, jpeg2000
from medaudit.shifts.resampling import resampling

RNG = keyed_rng(0)


@pytest.mark.parametrize("dose", [1.3, 4.0, 10.0])
def test_resampling_keeps_the_mean_and_even_pictures(dose: float, chest_picture: Callable[..., Any]) -> None:
    picture = chest_picture(200)

    assert abs(resampling(picture, dose, RNG).mean() - picture.mean()) < 2
    even = np.full((60, 90, 3), (200, 100, 3), dtype=np.uint8)
    assert (resampling(even, dose, RNG) == even).all()


def test_what_is_finer_than_the_small_picture_is_gone() -> None:
    """Stripes of one pixel vanish at half the size; a step stays a step beyond 10 pixels."""
    stripes = np.zeros((200, 200, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    assert np.ptp(resampling(stripes, 2.0, RNG)) <= 1

    step = np.zeros((200, 200, 3), dtype=np.uint8)
    step[:, 100:] = 200
    changed = resampling(step, 4.0, RNG).astype(int)
    assert np.abs(changed - step)[:, :90].max() <= 1
    assert np.abs(changed - step)[:, 110:].max() <= 1


def test_a_ratio_of_one_is_the_picture(chest_picture: Callable[..., Any]) -> None:
    picture = chest_picture(64)

    assert (resampling(picture, 1.0, RNG) == picture).all()
    assert (jpeg2000(picture, 0.0, RNG) == picture).all()


@pytest.mark.parametrize("dose", [3.0, 5.0, 7.0])
@pytest.mark.parametrize("colour", [True, False])
def test_jpeg2000_reaches_its_ratio(dose: float, colour: bool) -> None:
    levels = np.random.default_rng(0).integers(0, 256, (256, 256, 3 if colour else 1), dtype=np.uint8)
    picture = np.ascontiguousarray(np.broadcast_to(levels, (256, 256, 3)))

    assert len(encoded(picture, 2**dose)) <= 1.1 * levels.nbytes / 2**dose


@pytest.mark.parametrize("dose", [2.0, 5.0, 8.0])
def test_jpeg2000_keeps_mean_and_grey(dose: float, chest_picture: Callable[..., Any]) -> None:
    picture = chest_picture(256)
    changed = jpeg2000(picture, dose, RNG)

    assert abs(changed.mean() - picture.mean()) < 2
    assert (changed == changed[..., :1]).all()


def test_jpeg2000_keeps_channels_apart() -> None:
    red = np.full((64, 64, 3), (230, 120, 20), dtype=np.uint8)

    assert np.abs(jpeg2000(red, 5.0, RNG).astype(int) - red).max() <= 4


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (2, 3), (31, 33), (65, 40)])
def test_small_pictures_are_encoded_too(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)

    assert jpeg2000(picture, 8.0, RNG).shape == picture.shape
    assert resampling(picture, 10.0, RNG).shape == picture.shape
