"""How much of the picture each severity leaves: SSIM falls with severity, and its values are pinned."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.registry import Shift, available

SHIFTS = available("shift")

#: Mean SSIM by severity on the 64-pixel chest picture over 24 draws. Tolerance 0.03: codecs differ.
PINNED: dict[str, tuple[float, ...]] = {
    "contrast": (0.96, 0.88, 0.78, 0.66, 0.53),
    "gaussian_noise": (0.97, 0.79, 0.53, 0.33, 0.19),
    "jpeg": (0.94, 0.91, 0.88, 0.81, 0.72),
    "motion_blur": (0.94, 0.88, 0.84, 0.83, 0.77),
    "pixelate": (0.93, 0.90, 0.81, 0.73, 0.56),
    "rotation": (0.80, 0.62, 0.50, 0.47, 0.40),
}


def mean_ssim(
    shift: Shift, severity: int, picture: Any, similarity: Callable[..., float], draws: int
) -> float:
    values = [
        similarity(picture, shift.apply(picture, severity, keyed_rng(0, draw, shift.name, severity)))
        for draw in range(draws)
    ]
    return float(np.mean(values))


@pytest.mark.parametrize("side", [64, 160])
@pytest.mark.parametrize("name", sorted(PINNED))
def test_ssim_falls_with_every_step(
    name: str, side: int, chest_picture: Callable[..., Any], similarity: Callable[..., float]
) -> None:
    values = [mean_ssim(SHIFTS[name], s, chest_picture(side), similarity, 24) for s in range(1, 6)]

    assert all(milder > harder for milder, harder in itertools.pairwise(values)), values
    assert values[0] < 1


@pytest.mark.parametrize("name", sorted(PINNED))
def test_ssim_is_what_was_measured(
    name: str, chest_picture: Callable[..., Any], similarity: Callable[..., float]
) -> None:
    values = [mean_ssim(SHIFTS[name], s, chest_picture(64), similarity, 24) for s in range(1, 6)]

    assert values == pytest.approx(PINNED[name], abs=0.03)


def test_noise_in_wrapping_arithmetic_would_be_seen(
    chest_picture: Callable[..., Any], similarity: Callable[..., float]
) -> None:
    # A known fault elsewhere: negative noise cast to unsigned before the addition.
    picture = chest_picture(64)
    noise = np.random.default_rng(0).normal(0, 255 * 0.03, picture.shape)
    wrapped = np.clip(picture.astype(int) + noise.astype(np.int64) % 256, 0, 255).astype(np.uint8)

    assert similarity(picture, wrapped) < PINNED["gaussian_noise"][1] - 0.3


def test_ssim_of_equal_pictures_is_1(
    chest_picture: Callable[..., Any], similarity: Callable[..., float]
) -> None:
    assert similarity(chest_picture(64), chest_picture(64)) == pytest.approx(1)
