"""Noise from tables: its law, its independence, and that a byte through it is exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from medaudit.image import keyed_rng
from medaudit.shifts.draws import half_noise, random_bytes, random_words, times_normal, with_normal
from medaudit.shifts.library import words_looked_up


def law_of_sums(sd: float) -> tuple[Any, Any]:
    """Values and probabilities of the sum of two draws."""
    one = half_noise(sd)
    return np.unique(one[:, None] + one, return_counts=True)


@settings(max_examples=60, deadline=None)
@given(st.floats(2, 80))
def test_the_sum_of_two_tables_is_the_rounded_normal_law(sd: float) -> None:
    values, counts = law_of_sums(sd)
    share = counts / counts.sum()

    assert values @ share == pytest.approx(0, abs=1e-9)
    assert values**2 @ share == pytest.approx(sd**2 + 1 / 12, rel=0.01)  # half a percent of the sd
    assert values.max() >= 4 * sd - 1
    assert np.abs(np.cumsum(share) - ndtr((values + 0.5) / sd)).max() < 0.004


def test_another_law_would_be_told_apart() -> None:
    values, counts = law_of_sums(20.0)
    share = np.cumsum(counts) / counts.sum()

    assert np.abs(share - ndtr((values + 0.5) / 21)).max() > 0.004
    even = np.sqrt(12) * 20
    assert np.abs(share - np.clip((values + 0.5) / even + 0.5, 0, 1)).max() > 0.04


@pytest.mark.parametrize("sd", [2.55, 15.3, 40.8])
@pytest.mark.parametrize("shape", [(48, 40), (32, 32, 3)])
def test_saturation_comes_last(sd: float, shape: tuple[int, ...]) -> None:
    def noisy(pixels: Any) -> Any:
        return with_normal(pixels, sd, keyed_rng(0, sd)).astype(int)

    # What black and white let through is all of the noise, as none here is beyond 255.
    noise = noisy(np.zeros(shape, np.uint8)) + noisy(np.full(shape, 255, np.uint8)) - 255
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    assert noise.min() < -2.5 * sd
    assert noise.max() > 2.5 * sd
    assert (noisy(pixels) == np.clip(pixels + noise, 0, 255)).all()


def test_fields_are_white_and_no_two_keys_share_one() -> None:
    grey = np.full((256, 256), 128, np.uint8)
    one, other = (with_normal(grey, 20, keyed_rng(0, case)).astype(float) - 128 for case in ("a", "b"))

    def correlation(a: Any, b: Any) -> float:
        return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])

    # 65,000 pairs: a correlation above 0.02 is beyond five standard errors.
    assert abs(correlation(one, other)) < 0.02
    for down, right in ((0, 1), (1, 0), (1, 1), (0, 8), (128, 0)):
        shifted = one[down:, right:]
        assert abs(correlation(one[: 256 - down, : 256 - right], shifted)) < 0.02
    assert correlation(one, with_normal(grey, 20, keyed_rng(0, "a"))) == pytest.approx(1)


def test_no_noise_leaves_a_picture_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (31, 17, 3), dtype=np.uint8)

    assert (with_normal(pixels, 0.0, keyed_rng(0)) == pixels).all()
    assert (times_normal(pixels, 0.0, keyed_rng(0)) == pixels).all()


@pytest.mark.parametrize("sd", [0.05, 0.2, 0.45, 0.6])
def test_a_factor_is_normal_about_one(sd: float) -> None:
    grey = np.full((400, 400), 60, np.uint8)
    change = times_normal(grey, sd, keyed_rng(0, sd)).astype(float)
    # What is cut off at black is cut from the law too.
    law = np.clip(60 * (1 + sd * np.random.default_rng(1).standard_normal(400_000)), 0, 255)

    assert change.mean() == pytest.approx(law.mean(), abs=0.1 + 0.5 * sd)
    assert change.std() == pytest.approx(np.sqrt(law.var() + 1 / 12), rel=0.01)
    assert (times_normal(np.zeros((64, 64), np.uint8), sd, keyed_rng(0)) == 0).all()


def test_bits_are_even_and_in_little_endian_order() -> None:
    words = np.random.default_rng(5).integers(0, 1 << 64, 2, dtype=np.uint64)
    expected = b"".join(int(word).to_bytes(8, "little") for word in words)
    drawn = random_bytes(np.random.default_rng(5), (13,))
    counts = np.bincount(random_bytes(np.random.default_rng(0), (256_000,)), minlength=256)
    halves = random_words(np.random.default_rng(5), (2, 4))

    assert drawn.tobytes() == expected[:13]
    assert halves.tolist() == np.frombuffer(expected, "<u2").reshape(2, 4).tolist()
    # Chi-squared of 255 degrees of freedom: above 400 has probability 1e-8.
    assert ((counts - 1000) ** 2 / 1000).sum() < 400


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_a_table_of_all_words_is_looked_up_exactly(kind: Any) -> None:
    table = np.random.default_rng(0).integers(0, 256, 65536).astype(kind)
    words = np.random.default_rng(1).integers(0, 65536, (37, 53), dtype=np.uint16)

    assert (words_looked_up(words, table) == table[words]).all()
